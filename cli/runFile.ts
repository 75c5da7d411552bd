import { createHash } from 'node:crypto';
import {
  type AnySampler,
  createSampler,
  decodeModel,
  type EngineName,
  type ModelFile,
  type ModelSpec,
  type NamedTensors,
  saveTrainer,
  specFromJson,
  type Trainer,
} from 'bptt';
import { commandGpu } from './commandGpu.ts';
import { readBytes } from './files.ts';
import type { Settings } from './settings.ts';
import { type Symbols, symbolsFrom, type Unit } from './symbols.ts';
import type { Encoding } from './text.ts';
import type { TrainingPoint } from './training.ts';

/** The text of a run, so that going on can tell whether it is the same. */
export interface TextNote {
  name: string;
  files: readonly string[];
  encoding: Encoding;
  sha256: string;
}

/** When a run ends by itself. */
export interface Limits {
  /** At this iteration. */
  iterations?: number | undefined;
  /** After this time, counted from its very beginning. */
  seconds?: number | undefined;
  /** When the held-out text has not become easier for so many measurements. */
  patience?: number | undefined;
}

/** The held-out text's bits per symbol, over its first so many symbols. */
export interface HeldOut {
  bits: number;
  symbols: number;
}

/** What a model file holds beside the trainer. */
export interface RunNote {
  /** Eight hexadecimal digits, as in the log. */
  run: string;
  unit: Unit;
  /** The symbol of each id. */
  symbols: readonly string[];
  settings: Settings;
  text: TextNote;
  limits: Limits;
  /** Spent so far; and of that on learning alone. */
  seconds: number;
  learningSeconds: number;
  point: TrainingPoint;
  /** As last measured; where it was measured, and where it was best. */
  heldOut: (HeldOut & { iteration: number }) | null;
  best: (HeldOut & { iteration: number }) | null;
}

/** What a run's model file is known by. */
export const RUN = 'bptt run 1';

/** A net as it is read from a file. */
interface Net {
  spec: ModelSpec;
  parameters: NamedTensors;
  /** The carried states, [batch,H] by name; none in a file of weights alone. */
  states: NamedTensors;
}

/** A run's model as it is read from a file. */
export interface RunFile extends Net {
  note: RunNote;
  symbols: Symbols;
  /** What the library notes of the trainer: docs/format.md. */
  header: { spec: Record<string, unknown>; options: Record<string, unknown>; optimizer: Record<string, unknown> };
  bytes: Uint8Array;
}

/** The SHA-256 of a text, in hexadecimal. */
export function fingerprint(text: Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A trainer and the note about its run as the bytes of a file; both are read at once, whatever happens while it is written. */
export function encodeRun(trainer: Trainer, note: RunNote): Promise<Uint8Array> {
  return saveTrainer(trainer, { metadata: { tool: RUN, ...JSON.parse(JSON.stringify(note)) } });
}

/**
 * Reads a model file of a run.
 *
 * @throws {Error} naming the file and what is wrong with it.
 */
export async function readRun(path: string): Promise<RunFile> {
  const bytes = readBytes(path);
  const file = await decodeFile(path, bytes);
  const { tool, ...note } = (file.metadata.metadata ?? {}) as unknown as RunNote & { tool: unknown };
  if (tool !== RUN) throw new Error(`${path}: it holds no model of this tool and version`);
  const header = file.metadata as unknown as RunFile['header'];
  return { ...netOf(file), note, bytes, header, symbols: symbolsFrom(note.unit, note.symbols) };
}

/**
 * Reads what writes text: a model of a run, or one that `convert` made of it.
 *
 * @throws {Error} naming the file and what is wrong with it.
 */
export async function readWriter(path: string): Promise<Net & { symbols: Symbols }> {
  const file = await decodeFile(path, readBytes(path));
  const { vocabulary, unit = 'character' } = notedSymbols(file);
  const net = netOf(file);
  if (vocabulary?.length !== net.spec.inputSize) {
    throw new Error(`${path}: it holds no symbols to write with, as a run and what convert makes of one do`);
  }
  return { ...net, symbols: symbolsFrom(unit, vocabulary) };
}

/** What a run, or whoever saved a model by the library, noted of its symbols. */
export function notedSymbols({ metadata }: ModelFile): NotedSymbols {
  return symbolsNoted((metadata.metadata ?? {}) as Record<string, unknown>);
}

export interface NotedSymbols {
  vocabulary?: readonly string[];
  unit?: Unit;
}

/** The symbols in what a file says beside its weights. */
export function symbolsNoted({ symbols, vocabulary = symbols, unit }: Record<string, unknown>): NotedSymbols {
  const isNamed = Array.isArray(vocabulary) && vocabulary.every((one) => typeof one === 'string');
  return { ...(isNamed && { vocabulary }), ...((unit === 'character' || unit === 'word') && { unit }) };
}

async function decodeFile(path: string, bytes: Uint8Array): Promise<ModelFile> {
  try {
    return await decodeModel(bytes);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message.replace(/^\w+: /, '')}`, { cause: error });
  }
}

export function netOf({ tensors, metadata }: ModelFile): Net {
  const named = (prefix: string): NamedTensors =>
    Object.fromEntries(
      Object.entries(tensors)
        .filter(([name]) => (prefix === '' ? !name.includes('.') : name.startsWith(prefix)))
        .map(([name, { values }]) => [name.slice(prefix.length), values]),
    );
  const spec = specFromJson(metadata.spec as Record<string, unknown>);
  return { spec, parameters: named(''), states: named('state.') };
}

/**
 * A sampler of the model that goes on from the state that training had come to, in the first of its sequences. A net whose
 * state is carried through all of training may be at home only there, and talk nonsense from a state of zeros.
 */
export async function samplerOf({ spec, parameters, states }: Net, engine: EngineName): Promise<AnySampler> {
  const sampler = await createSampler(spec, parameters, { engine, ...(await commandGpu(engine)) });
  const first = Object.entries(states).map(([name, values]) => [name, values.subarray(0, spec.hiddenSize)]);
  if (first.length > 0) sampler.setState(Object.fromEntries(first));
  return sampler;
}
