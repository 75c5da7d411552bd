import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type AnySampler,
  createSampler,
  decodeModel,
  type EngineName,
  encodeModel,
  type ModelFile,
  type ModelSpec,
  type NamedTensors,
  parameterLayout,
  resolveSpec,
  specFromJson,
  specToJson,
  type TrainerState,
} from 'bptt';
import { CharVocabulary } from 'bptt/data';
import { commandGpu } from './commandGpu.ts';
import { reason } from './files.ts';
import type { Settings } from './settings.ts';
import type { Checkpoint } from './training.ts';

/** The text of a run, so that going on can tell whether it is the same. */
export interface TextNote {
  name: string;
  files: readonly string[];
  sha256: string;
}

/** A character net with all that is needed to sample from it and to go on training it. */
export interface CharModel {
  spec: ModelSpec;
  vocabulary: CharVocabulary;
  settings: Settings;
  text: TextNote;
  /** Spent on training so far. */
  seconds: number;
  checkpoint: Checkpoint;
}

const kind = 'bptt character model 2';

/**
 * A sampler of the model that goes on from the state that training had come to, in the first of its sequences. A net whose
 * state is carried through all of training may be at home only there, and talk nonsense from a state of zeros.
 */
export async function samplerOf(
  spec: ModelSpec,
  { parameters, states }: TrainerState,
  engine: EngineName,
): Promise<AnySampler> {
  const sampler = await createSampler(spec, parameters, { engine, ...(await commandGpu(engine)) });
  const first = Object.entries(states).map(([name, values]) => [name, values.subarray(0, spec.hiddenSize)]);
  sampler.setState(Object.fromEntries(first));
  return sampler;
}

/** The SHA-256 of a text, in hexadecimal. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The bytes of a model file: parameters under their own names, optimizer memory and carried state beside them. */
export function encodeCharModel({ vocabulary, checkpoint, ...rest }: CharModel): Promise<Uint8Array> {
  const { state, ...progress } = checkpoint;
  const { updates, random, optimizer, parameters, optimizerMemory, states } = state;
  const tensors: ModelFile['tensors'] = {};
  for (const { name, shape } of parameterLayout(resolveSpec(rest.spec))) {
    tensors[name] = { shape, values: parameters[name] };
  }
  for (const [i, values] of optimizerMemory.entries()) tensors[`optimizer.${i}`] = { shape: [values.length], values };
  const { batch, hidden } = rest.settings;
  for (const [name, values] of Object.entries(states)) tensors[`state.${name}`] = { shape: [batch, hidden], values };
  return encodeModel({
    tensors,
    metadata: {
      ...{ kind, ...rest, spec: specToJson(rest.spec), vocabulary: vocabulary.chars },
      progress: { ...progress, updates, optimizer, random },
    },
  });
}

/**
 * Reads a model file.
 *
 * @throws {Error} naming the file and what is wrong with it.
 */
export async function readCharModel(path: string): Promise<CharModel> {
  const bytes = read(path);
  try {
    const { tensors, metadata } = await decodeModel(bytes);
    if (metadata.kind !== kind) throw new Error('it holds no character model of this version');
    const { spec, settings, text, seconds, vocabulary, progress } = metadata as unknown as Metadata;
    const { updates, optimizer, random, ...checkpoint } = progress;
    const state = { updates, optimizer, random, ...stateFrom(tensors) };
    return {
      spec: specFromJson(spec),
      settings,
      text,
      seconds,
      vocabulary: new CharVocabulary(vocabulary),
      checkpoint: { ...checkpoint, state },
    };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

interface Metadata extends Omit<CharModel, 'spec' | 'vocabulary' | 'checkpoint'> {
  spec: Record<string, unknown>;
  vocabulary: string[];
  progress: Omit<Checkpoint, 'state'> & Pick<TrainerState, 'updates' | 'optimizer' | 'random'>;
}

function stateFrom(tensors: ModelFile['tensors']): Pick<TrainerState, 'parameters' | 'optimizerMemory' | 'states'> {
  const parameters: NamedTensors = {};
  const states: NamedTensors = {};
  const optimizerMemory: TrainerState['optimizerMemory'] = [];
  for (const [name, { values }] of Object.entries(tensors)) {
    const [group, key] = name.split('.');
    if (key === undefined) parameters[name] = values;
    else if (group === 'state') states[key] = values;
    else optimizerMemory[Number(key)] = values;
  }
  return { parameters, optimizerMemory, states };
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`cannot read ${path}: ${reason(error)}`, { cause: error });
  }
}
