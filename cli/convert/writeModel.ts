import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { saveModel, type WriteSafetensorsOptions, writeSafetensors } from 'bptt';
import { modelConfig, specOfConfig, toStateDict, writeKeras, writeNpz, writeOnnx } from 'bptt/interop';
import { orSay, writeAtomic } from '../files.ts';
import type { ConvertedModel } from './readModel.ts';

export type FileDtype = NonNullable<WriteSafetensorsOptions['dtype']>;

export interface Writing {
  /** The type of the numbers; only of formats that have a choice. */
  dtype?: FileDtype | undefined;
  rename: (name: string) => string;
}

/** Files by path, and what of the model is not in them. */
export interface Written {
  files: Record<string, string | Uint8Array>;
  leftOut?: readonly string[];
}

type Writer = (path: string, model: ConvertedModel, writing: Writing) => Promise<Written> | Written;

const WRITERS: Readonly<Record<string, Writer>> = {
  '.bptt': async (path, { spec, parameters, vocabulary, unit }, { dtype }) => {
    const metadata = { ...(vocabulary && { vocabulary }), ...(unit && { unit }) };
    return { files: { [path]: await saveModel({ spec, parameters }, { metadata, ...(dtype && { dtype }) }) } };
  },
  '.safetensors': writeWeights,
  '.npz': (path, model, writing) => ({
    files: { [path]: writeNpz(stateDict(model, plain(path, writing))) },
    leftOut: besideWeights(model),
  }),
  '.onnx': (path, model, writing) => {
    plain(path, writing);
    return { files: { [path]: writeOnnx(model) }, leftOut: besideVocabulary(model) };
  },
  '.py': (path, model, writing) => {
    plain(path, writing);
    const weights = `${basename(path, '.py')}.npz`;
    const keras = writeKeras(model, { weights });
    return {
      files: { [join(dirname(path), weights)]: keras.weights, [path]: keras.script },
      leftOut: besideVocabulary(model),
    };
  },
};

/** The suffixes that can be written. */
export const WRITTEN_SUFFIXES = Object.keys(WRITERS);

const INSTEAD: Readonly<Record<string, string>> = {
  ...{ '.pt': '.safetensors', '.pth': '.safetensors', '.ckpt': '.safetensors', '.keras': '.py', '.h5': '.py' },
};

/** @throws {Error} where there is no such format to write. */
export function assertWritable(path: string): void {
  const suffix = extname(path).toLowerCase();
  if (Object.hasOwn(WRITERS, suffix)) return;
  const instead = Object.hasOwn(INSTEAD, suffix)
    ? `: write ${INSTEAD[suffix]}, docs/interop.md says how it is loaded`
    : '';
  throw new Error(`${path}: ${suffix || 'no suffix'} is not written, but ${WRITTEN_SUFFIXES.join(', ')}${instead}`);
}

/**
 * A model in the format of the suffix, not yet written.
 *
 * @throws {Error} where the format has no such net.
 */
export async function encoded(path: string, model: ConvertedModel, writing: Writing): Promise<Required<Written>> {
  assertWritable(path);
  const { files, leftOut = [] } = await WRITERS[extname(path).toLowerCase()](path, model, writing);
  return { files, leftOut: [...model.leftOut, ...leftOut] };
}

/** Writes a file whole. @throws {Error} naming the file and why not. */
export function writeFile(path: string, content: string | Uint8Array): void {
  orSay(`cannot write ${path}`, () => writeAtomic(path, content));
}

/** Weights under PyTorch's names, and the config.json that the Hugging Face hub expects beside them. */
function writeWeights(path: string, model: ConvertedModel, { dtype, rename }: Writing): Written {
  const { spec, vocabulary, unit } = model;
  const config = join(dirname(path), 'config.json');
  const json = { ...modelConfig(spec), ...(vocabulary && { vocabulary }), ...(unit && { unit }) };
  const text = `${JSON.stringify(json, null, 2)}\n`;
  if (existsSync(config)) assertFree(config, text, path);
  const options = { metadata: { format: 'pt' }, ...(dtype && { dtype }) };
  return {
    files: {
      [config]: text,
      [path]: writeSafetensors(stateDict(model, { dtype, rename }), options),
    },
  };
}

/** @throws {Error} where the config.json that would be replaced by `text` is of another program, or of another file, too. */
function assertFree(config: string, text: string, path: string): void {
  const before = readFileSync(config, 'utf8');
  try {
    specOfConfig(before);
  } catch {
    throw new Error(`${config} is of another program: name a file in a folder of its own`);
  }
  const isOther = (name: string): boolean => extname(name) === '.safetensors' && name !== basename(path);
  const other = readdirSync(dirname(path)).find(isOther);
  if (before === text || other === undefined) return;
  throw new Error(`${config} says what ${other} is, which is another net: name a file in a folder of its own`);
}

function stateDict(model: ConvertedModel, { rename }: Writing): ReturnType<typeof toStateDict> {
  const tensors = Object.entries(toStateDict(model)).map(([name, tensor]) => [rename(name), tensor] as const);
  const names = tensors.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new Error(`--rename gives two tensors the name ${twice}`);
  return Object.fromEntries(tensors);
}

function plain(path: string, writing: Writing): Writing {
  if (writing.dtype === undefined) return writing;
  throw new Error(`--dtype goes with .safetensors and .bptt, not with ${path}: its numbers stay as they are`);
}

const besideVocabulary = ({ vocabulary }: ConvertedModel): string[] => (vocabulary ? ['the vocabulary'] : []);

/** Weights by name say less than a spec. */
function besideWeights(model: ConvertedModel): string[] {
  return ['the spec (cell, loss): the names and sizes are all that the file says', ...besideVocabulary(model)];
}
