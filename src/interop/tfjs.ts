import { utf8Text } from './byteReader.ts';
import { decodeElements, ELEMENT_BYTES } from './elements.ts';
import type { ForeignModel, Training } from './foreignModel.ts';
import { FormatError } from './formatError.ts';
import { brief, type KerasLayer, type KerasPart, type KerasWeight, kerasLayers, kerasModel, record } from './keras.ts';
import { addArray, type ElementType, elementCount, type NamedArray, type NamedArrays } from './namedArrays.ts';
import { concatBytes } from './zip.ts';

const fn = 'readTfjs';

const TYPES: Readonly<Record<string, ElementType>> = { float32: 'F32', float16: 'F16', int32: 'I32', bool: 'BOOL' };

/** What {@link readTfjs} takes beside the files. */
export interface TfjsReading {
  /** How the net is trained, which the file does not say. */
  spec?: Training;
}

/**
 * Reads a layers model of TensorFlow.js: `model.json` and the files of weights that it names. SimpleRNN, GRU with and
 * without `reset_after`, LSTM, Bidirectional, Embedding, Dense, TimeDistributed, Activation. The default
 * `recurrentActivation` of its GRU and LSTM is the hard sigmoid, which is refused by name.
 *
 * @param model model.json
 * @param weights the files of the weights by the paths in model.json
 * @throws {FormatError} where a file is damaged or missing, and with a list of everything that a model cannot be.
 */
export function readTfjs(
  model: string | Uint8Array,
  weights: Readonly<Record<string, Uint8Array>>,
  { spec = {} }: TfjsReading = {},
): ForeignModel {
  const text = typeof model === 'string' ? model : utf8Text(fn, 'model.json', model);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${fn}: model.json is not JSON: ${(error as Error).message}`);
  }
  const { format, modelTopology, weightsManifest } = record(fn, 'model.json', json);
  if (format === 'graph-model') throw new FormatError(`${fn}: the model is a graph-model, expected a layers-model`);
  const topology = record(fn, 'modelTopology', modelTopology);
  const layers = kerasLayers(fn, topology.model_config ?? topology);
  const arrays = manifest(weightsManifest, weights);
  const asked = new Set<string>();
  const weight = (layer: KerasLayer, part: KerasPart, name: KerasWeight): NamedArray | undefined => {
    // lstm_LSTM1/kernel, gru/gru_cell/kernel, bidirectional/forward_lstm/lstm_cell/kernel
    const found = Object.keys(arrays).filter((key) => {
      const parts = key.split('/');
      return key.startsWith(`${layer.name}/`) && parts.at(-1) === name && (part === '' || parts[1].startsWith(part));
    });
    if (found.length > 1)
      throw new FormatError(`${fn}: layer ${layer.name} has several weights ${name}: ${found.join(', ')}`);
    if (found.length === 0) return undefined;
    if (asked.has(found[0])) throw new FormatError(`${fn}: two layers read the weight ${found[0]}`);
    asked.add(found[0]);
    return arrays[found[0]];
  };
  const unused = (): string[] => Object.keys(arrays).filter((name) => !asked.has(name));
  const defaults = { resetAfter: false, recurrentActivation: 'hard_sigmoid' };
  return kerasModel({ fn, defaults, weight, unused }, layers, spec);
}

/** The tensors of the manifest: groups of files, each a run of bytes that the tensors of the group share in order. */
function manifest(groups: unknown, files: Readonly<Record<string, Uint8Array>>): NamedArrays {
  if (!Array.isArray(groups)) throw new FormatError(`${fn}: model.json has no weightsManifest`);
  const arrays: NamedArrays = {};
  const used = new Set<string>();
  for (const group of groups) {
    const { paths, weights } = record(fn, 'a group of weights', group);
    if (!Array.isArray(paths) || !Array.isArray(weights))
      throw new FormatError(`${fn}: a group of weights lacks paths or weights`);
    const bytes = concatBytes(
      paths.map((path: unknown) => {
        const file = typeof path === 'string' && Object.hasOwn(files, path) ? files[path] : undefined;
        if (used.has(brief(path))) throw new FormatError(`${fn}: the manifest names the file ${brief(path)} twice`);
        used.add(brief(path));
        if (!file) throw new FormatError(`${fn}: weights lacks the file ${brief(path)}`);
        return file;
      }),
    );
    let at = 0;
    for (const entry of weights) {
      const { name, shape, dtype, quantization } = record(fn, 'a weight', entry);
      if (typeof name !== 'string' || !isSizes(shape)) throw new FormatError(`${fn}: a weight lacks its name or shape`);
      const count = elementCount(fn, name, shape);
      const scale = quantization === undefined ? null : quantizationOf(name, quantization);
      const type = scale ? scale.type : Object.hasOwn(TYPES, brief(dtype)) ? TYPES[brief(dtype)] : undefined;
      if (!type)
        throw new FormatError(`${fn}: ${name} has dtype ${brief(dtype)}, expected ${Object.keys(TYPES).join(', ')}`);
      const size = count * ELEMENT_BYTES[type];
      if (at + size > bytes.length) {
        throw new FormatError(`${fn}: ${name} ends at byte ${at + size} of ${bytes.length}`);
      }
      const stored = decodeElements(fn, name, type, bytes.subarray(at, at + size));
      const values = scale ? Float32Array.from(stored, (value) => value * scale.scale + scale.min) : stored;
      addArray(fn, arrays, name, { shape, dtype: type, values });
      at += size;
    }
    if (at !== bytes.length)
      throw new FormatError(
        `${fn}: the files of ${brief(paths[0])} have ${bytes.length} bytes, the manifest names ${at}`,
      );
  }
  return arrays;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => typeof size === 'number');
}

/** Quantized weights are scale·q + min in 8 bits, or halves. */
function quantizationOf(name: string, value: unknown): { type: ElementType; scale: number; min: number } {
  const { dtype, scale = 1, min = 0 } = record(fn, `the quantization of ${name}`, value);
  if (dtype === 'float16') return { type: 'F16', scale: 1, min: 0 };
  if (dtype === 'uint8' && typeof scale === 'number' && typeof min === 'number') return { type: 'U8', scale, min };
  throw new FormatError(`${fn}: ${name} is quantized to ${brief(dtype)}, expected uint8 or float16`);
}
