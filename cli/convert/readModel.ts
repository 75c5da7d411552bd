import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { decodeModel, type LossName, type ModelSpec, readSafetensors } from 'bptt';
import {
  type ForeignModel,
  fromStateDict,
  type OnnxModel,
  readKeras,
  readNpz,
  readOnnx,
  readTfjs,
  readTorch,
  specOfConfig,
} from 'bptt/interop';
import { readBytes } from '../files.ts';
import { netOf, notedSymbols, symbolsNoted } from '../runFile.ts';
import { RunFolder } from '../runFolder.ts';
import type { Unit } from '../symbols.ts';

/** What the caller says of a file that does not say it. */
export interface Reading {
  /** Of a run its last model, not its best. */
  last?: boolean | undefined;
  at?: string | undefined;
  recurrent?: string | undefined;
  output?: string | undefined;
  embedding?: string | undefined;
  nonlinearity?: ModelSpec['nonlinearity'];
  loss?: LossName | undefined;
  /** Another name for a tensor's. */
  rename: (name: string) => string;
}

/** A tensor as it stands in a file. */
export interface StoredTensor {
  name: string;
  shape: readonly number[];
  dtype: string;
}

/** A file that was opened: what it holds, and the model that it becomes. */
export interface OpenedModel {
  /** What it is, in words. */
  format: string;
  /** Its tensors; empty where they are of no use but in the model. */
  tensors: readonly StoredTensor[];
  /** @throws {Error} where it is no model of the library. */
  model(): ConvertedModel;
}

export interface ConvertedModel extends ForeignModel {
  /** Of ONNX: the net reads its steps from the last to the first. */
  reversed?: boolean;
  vocabulary?: readonly string[];
  /** Of a run: what its symbols are. */
  unit?: Unit;
  /** What of the file is no part of a model, in words. */
  leftOut: readonly string[];
}

type Reader = (path: string, bytes: Uint8Array, reading: Reading) => Promise<OpenedModel> | OpenedModel;

const READERS: Readonly<Record<string, Reader>> = {
  '.bptt': readOwn,
  '.safetensors': (path, bytes, reading) => {
    const { tensors, metadata } = readSafetensors(bytes);
    return 'bptt' in metadata ? readOwn(path, bytes) : readPlainSafetensors(path, tensors, reading);
  },
  ...Object.fromEntries(['.pt', '.pth', '.ckpt', '.bin'].map((suffix) => [suffix, readPyTorch])),
  '.npz': async (_, bytes, reading) => stateDict("NumPy's arrays by name", await readNpz(bytes), reading),
  '.onnx': readGraph,
  ...Object.fromEntries(['.keras', '.h5', '.hdf5'].map((suffix) => [suffix, readKerasFile])),
  '.json': readLayersModel,
};

/** The suffixes that can be read. */
export const READ_SUFFIXES = Object.keys(READERS);

/**
 * Opens a model by the suffix of its file, or that of a run by its folder.
 *
 * @throws {Error} where there is no such file or suffix, or the file is damaged.
 */
export function openModel(given: string, reading: Reading): Promise<OpenedModel> | OpenedModel {
  const isFolder = statSync(given, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const path = isFolder ? RunFolder.open(given).modelFor(reading.last ?? false) : given;
  const suffix = extname(path).toLowerCase();
  if (!Object.hasOwn(READERS, suffix)) {
    throw new Error(
      `${given}: its suffix is ${suffix || 'none'}, expected ${READ_SUFFIXES.join(', ')} or a run's folder`,
    );
  }
  return READERS[suffix](path, readFile(path), reading);
}

function readFile(path: string): Uint8Array {
  return new Uint8Array(readBytes(path));
}

function storedTensors(arrays: Readonly<Record<string, Omit<StoredTensor, 'name'>>>): StoredTensor[] {
  return Object.entries(arrays).map(([name, { shape, dtype }]) => ({ name, shape, dtype }));
}

/** A model, a trainer or a run of this library. */
async function readOwn(_: string, bytes: Uint8Array): Promise<OpenedModel> {
  const file = await decodeModel(bytes);
  const { kind } = file.metadata;
  const stored = storedTensors(readSafetensors(bytes).tensors);
  return {
    format: String(kind),
    tensors: stored,
    model: () => {
      const more = stored.filter(({ name }) => name.includes('.')).map(({ name }) => name);
      const { spec, parameters } = netOf(file);
      return {
        ...{ spec, parameters },
        ...notedSymbols(file),
        recognised: [`${kind}: its spec is in the file`],
        leftOut: more.length === 0 ? [] : [`the state of training (${more.join(', ')})`],
      };
    },
  };
}

function stateDict(
  format: string,
  arrays: Readonly<Record<string, Parameters<typeof fromStateDict>[0][string] & { dtype: string }>>,
  { recurrent, output, embedding, nonlinearity, loss, rename }: Reading,
  said: Partial<ModelSpec> = {},
): OpenedModel {
  return {
    format,
    tensors: storedTensors(arrays),
    model: () => ({
      ...fromStateDict(arrays, {
        ...(recurrent === undefined ? {} : { recurrent }),
        ...(output === undefined ? {} : { output }),
        ...(embedding === undefined ? {} : { embedding }),
        rename,
        spec: { ...said, ...(nonlinearity && { nonlinearity }), ...(loss && { loss }) },
      }),
      leftOut: [],
    }),
  };
}

/** What a `config.json` beside the file says of the net, if it is one that was written here. */
function readPlainSafetensors(
  path: string,
  tensors: ReturnType<typeof readSafetensors>['tensors'],
  reading: Reading,
): OpenedModel {
  const config = join(dirname(path), 'config.json');
  const text = existsSync(config) ? readFileSync(config, 'utf8') : '';
  if (!text.includes('"bptt"')) return stateDict('safetensors', tensors, reading);
  const { cell, nonlinearity, input, loss, lossAt, reduction, dropout, outputActivation } = specOfConfig(text);
  const said = { cell, nonlinearity, input, loss: loss as LossName, lossAt, reduction, dropout, outputActivation };
  const opened = stateDict('safetensors, with its config.json', tensors, reading, said);
  return { ...opened, model: () => ({ ...opened.model(), ...symbolsNoted(JSON.parse(text)) }) };
}

async function readPyTorch(_: string, bytes: Uint8Array, reading: Reading): Promise<OpenedModel> {
  const { at } = reading;
  return stateDict('a state_dict of PyTorch', await readTorch(bytes, at === undefined ? {} : { at }), reading);
}

/** With the files of tensors beside it, `net.onnx.data` for one. */
function readGraph(path: string, bytes: Uint8Array, { loss }: Reading): OpenedModel {
  const beside = readdirSync(dirname(path)).filter(
    (name) => name !== basename(path) && name.startsWith(basename(path)),
  );
  const externalData = Object.fromEntries(beside.map((name) => [name, readFile(join(dirname(path), name))]));
  return whole('ONNX', () => readOnnx(bytes, { externalData, spec: { ...(loss && { loss }) } }));
}

async function readKerasFile(_: string, bytes: Uint8Array, { loss }: Reading): Promise<OpenedModel> {
  const read = await readKeras(bytes, { spec: { ...(loss && { loss }) } });
  return whole('Keras', () => read);
}

/** model.json with the files of weights that it names, which must lie beside it. */
function readLayersModel(path: string, bytes: Uint8Array, { loss }: Reading): OpenedModel {
  const files = readdirSync(dirname(path)).filter((name) => name.endsWith('.bin'));
  const weights = Object.fromEntries(files.map((name) => [name, readFile(join(dirname(path), name))]));
  return whole('a layers model of TensorFlow.js', () => readTfjs(bytes, weights, { spec: { ...(loss && { loss }) } }));
}

/** A format whose tensors make sense only with what stands around them. */
function whole(format: string, read: () => ForeignModel | OnnxModel): OpenedModel {
  return { format, tensors: [], model: () => ({ ...read(), leftOut: [] }) };
}
