import { utf8Text } from './byteReader.ts';
import type { ForeignModel, Training } from './foreignModel.ts';
import { FormatError } from './formatError.ts';
import { type Hdf5File, readHdf5 } from './hdf5.ts';
import {
  type KerasLayer,
  type KerasPart,
  type KerasSource,
  type KerasWeight,
  kerasLayers,
  kerasModel,
} from './keras.ts';
import { readZip } from './zip.ts';

const fn = 'readKeras';

/** What {@link readKeras} takes beside the file. */
export interface KerasReading {
  /** How the net is trained, which the file does not say. */
  spec?: Training;
}

/**
 * Reads a model that Keras saved: `.keras` of Keras 3, or the older `.h5` with the configuration inside. Layers in a chain:
 * Embedding, SimpleRNN, GRU with and without `reset_after`, LSTM, Bidirectional, Dropout, Dense, TimeDistributed, Activation.
 *
 * @throws {FormatError} where the file is damaged or holds weights alone, and with a list of everything that a model
 * cannot be.
 */
export async function readKeras(file: Uint8Array, { spec = {} }: KerasReading = {}): Promise<ForeignModel> {
  if (file[0] === 0x89) return fromHdf5(readHdf5(fn, file), spec);
  const entries = await readZip(fn, file);
  const [config, weights] = [entries.get('config.json'), entries.get('model.weights.h5')];
  if (!config || !weights) throw new FormatError(`${fn}: the archive lacks config.json or model.weights.h5`);
  return fromArchive(utf8Text(fn, 'config.json', config), readHdf5(fn, weights), spec);
}

function parsed(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${fn}: ${what} is not JSON: ${(error as Error).message}`);
  }
}

const DEFAULTS = { resetAfter: true, recurrentActivation: 'sigmoid' };

/** The place of a weight among a layer's variables. */
const PLACES: Readonly<Record<KerasWeight, number>> = { kernel: 0, embeddings: 0, recurrent_kernel: 1, bias: 2 };

/** `layers/GROUP/…/vars/N`: a group for each layer. */
function fromArchive(config: string, weights: Hdf5File, training: Training): ForeignModel {
  const layers = kerasLayers(fn, parsed('config.json', config));
  const groups = groupsOf(layers, weights);
  const path = (layer: KerasLayer, part: KerasPart, name: KerasWeight): string => {
    const inside = part ? `/${part}_layer` : layer.className === 'TimeDistributed' ? '/layer' : '';
    const recurrent = part !== '' || ['SimpleRNN', 'GRU', 'LSTM'].includes(layer.className);
    const place = name === 'bias' && !recurrent ? 1 : PLACES[name];
    return `${groups.get(layer.name)}${inside}${recurrent ? '/cell' : ''}/vars/${place}`;
  };
  // Beside the layers there are the optimizer's variables, and the states of random generators.
  const isWeight = (key: string): boolean => key.startsWith('layers/') && !key.includes('seed_generator');
  return kerasModel(
    source(weights, (layer, part, name) => [path(layer, part, name)], isWeight),
    layers,
    training,
  );
}

/**
 * The group of each layer by the layer's name. The `vars` of a group say it; in the files of older versions they do not, and
 * the groups are called after the layers' classes: lstm, lstm_1, time_distributed.
 */
function groupsOf(layers: readonly KerasLayer[], weights: Hdf5File): Map<string, string> {
  const groups = new Map<string, string>();
  for (const [path, texts] of weights.texts) {
    const match = path.match(/^(layers\/[^/]+)\/vars$/);
    const name = texts.get('name');
    if (match && name !== undefined) groups.set(name, match[1]);
  }
  if (groups.size > 0) return groups;
  const counts = new Map<string, number>();
  for (const { className, name } of layers) {
    const snake = className.replace(/([a-z])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3_$2').toLowerCase();
    const count = counts.get(snake) ?? 0;
    counts.set(snake, count + 1);
    groups.set(name, `layers/${snake}${count > 0 ? `_${count}` : ''}`);
  }
  return groups;
}

/** `model_weights/LAYER/…/kernel`, in older files `kernel:0`; the configuration is an attribute of the root. */
function fromHdf5(file: Hdf5File, training: Training): ForeignModel {
  const config = file.texts.get('')?.get('model_config');
  if (config === undefined)
    throw new FormatError(`${fn}: the file has no model_config: it holds weights alone, or is no model of Keras`);
  const layers = kerasLayers(fn, parsed('model_config', config));
  const find = (layer: KerasLayer, part: KerasPart, name: KerasWeight): string[] =>
    [...file.datasets.keys()].filter((path) => {
      const parts = path.split('/');
      const fits = part === '' || parts.some((component) => component.startsWith(`${part}_`));
      return (
        path.startsWith(`model_weights/${layer.name}/`) && parts[parts.length - 1].replace(/:0$/, '') === name && fits
      );
    });
  return kerasModel(
    source(file, find, (key) => key.startsWith('model_weights/')),
    layers,
    training,
  );
}

function source(
  file: Hdf5File,
  find: (layer: KerasLayer, part: KerasPart, name: KerasWeight) => string[],
  isWeight: (path: string) => boolean,
): KerasSource {
  const asked = new Set<string>();
  return {
    fn,
    defaults: DEFAULTS,
    weight: (layer, part, name) => {
      const found = find(layer, part, name).filter((path) => file.datasets.has(path));
      if (found.length > 1)
        throw new FormatError(`${fn}: layer ${layer.name} has several weights ${name}: ${found.join(', ')}`);
      if (found.length === 0) return undefined;
      if (asked.has(found[0])) throw new FormatError(`${fn}: two layers read the weight ${found[0]}`);
      asked.add(found[0]);
      return file.datasets.get(found[0])!.read();
    },
    unused: () => [...file.datasets.keys()].filter((path) => isWeight(path) && !asked.has(path)),
  };
}
