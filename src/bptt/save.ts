import { assertFloats } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertBytes, assertObject } from '../check/values.ts';
import { adagrad } from '../optim/adagrad.ts';
import { adam, adamw } from '../optim/adam.ts';
import type { LearningRate, Optimizer } from '../optim/optimizer.ts';
import { rmsprop } from '../optim/rmsprop.ts';
import { notebookRprop, rprop } from '../optim/rprop.ts';
import { type ScheduleData, scheduleData, scheduleFrom } from '../optim/schedule.ts';
import { sgd } from '../optim/sgd.ts';
import type { RandomStateSnapshot } from '../tensor/random.ts';
import type { Dtype, FloatArray } from '../tensor/shape.ts';
import { CREATE_MODEL_OPTIONS, type CreateModelOptions, createModel } from './createModel.ts';
import { type CreateTrainerOptions, createTrainer } from './createTrainer.ts';
import type { InferenceModel } from './inferenceModel.ts';
import { assertJson, decodeFor, encodeFor, type ModelFile } from './modelFile.ts';
import { assertOptions, CREATE_TRAINER_OPTIONS } from './options.ts';
import { type ParameterGroup, partitionUpdate } from './parameterGroups.ts';
import type { WriteSafetensorsOptions } from './safetensors.ts';
import {
  type Known,
  type ModelSpec,
  type NamedTensors,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
  specFromJson,
  specToJson,
} from './spec.ts';
import type { Trainer } from './trainer.ts';

/** The bundled update rules: these are saved by name and numbers. */
const RULES: Readonly<Record<string, (options: never) => Optimizer>> = {
  ...{ sgd, adagrad, adam, adamw, rmsprop, rprop, notebookRprop },
};

/** Options that no file holds, or that the state holds. */
const NOT_SAVED: readonly string[] = ['optimizer', 'webgpu', 'threadWorker', 'seed', 'engine', 'threads', 'dtype'];

const TRAINER = 'bptt trainer';
const MODEL = 'bptt model';
const VERSION = 1;

/** Options of {@link saveTrainer} and {@link saveModel}. */
export interface SaveOptions {
  /** The caller's own plain data: a vocabulary, a scaler. What JSON cannot hold is refused. Default `{}`. */
  metadata?: Readonly<Record<string, unknown>>;
}

/** Options of {@link saveModel}. */
export interface SaveModelOptions extends SaveOptions {
  /** How the weights are kept: F16 and BF16 take half of float32's room, rounded to the nearest, halves to even. Default: as they are. */
  dtype?: WriteSafetensorsOptions['dtype'];
}

/** Options of {@link loadModel}. */
export interface LoadModelOptions extends CreateModelOptions, Known {}

/** What {@link loadModel} gives. */
export interface LoadedModel {
  readonly model: InferenceModel;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Options of {@link loadTrainer}. */
export interface LoadTrainerOptions
  extends Known,
    Pick<CreateTrainerOptions, 'engine' | 'threads' | 'threadWorker' | 'fma' | 'webgpu' | 'dtype'> {
  /** In the place of the saved one, of the same rule: needed for a rule and for a schedule of one's own. */
  optimizer?: Optimizer;
  /** In the place of the saved ones: needed where a learning rate of theirs is a function. */
  groups?: readonly ParameterGroup[];
}

/** What {@link loadTrainer} gives. */
export interface LoadedTrainer {
  readonly trainer: Trainer;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * A trainer as the bytes of a file, with all that it needs to go on where it stopped, bit for bit: spec, options, weights,
 * update rule and its memory, carried states, the stream of dropout. `docs/format.md` describes the file.
 *
 * @throws {TypeError} on what is no trainer, or naming what JSON cannot hold in `metadata`, {RangeError} where a cell or loss of one's own has the name of
 *   a bundled one.
 */
export async function saveTrainer(trainer: Trainer, options: SaveOptions = {}): Promise<Uint8Array> {
  const fn = 'saveTrainer';
  if (typeof (trainer as Partial<Trainer> | null | undefined)?.state !== 'function') {
    throw new TypeError(`${fn}: trainer is ${describe(trainer)}, expected a trainer; saveModel saves weights alone`);
  }
  const { spec, dtype } = trainer;
  const { optimizer, batch } = trainer.options;
  const metadata = metadataOf(fn, options);
  const { parameters, optimizerMemory, states, updates, random } = await trainer.state();
  const tensors = tensorsOf(spec, parameters);
  for (const [i, values] of optimizerMemory.entries()) tensors[`optimizer.${i}`] = { shape: [values.length], values };
  for (const [name, values] of Object.entries(states)) {
    tensors[`state.${name}`] = { shape: [batch, values.length / batch], values };
  }
  const header = {
    ...{ kind: TRAINER, version: VERSION, spec: specToJson(spec), options: optionsOf(trainer), dtype },
    ...{ optimizer: optimizerHeader(optimizer), updates, random, metadata },
  };
  return encodeFor(fn, { tensors, metadata: header }, undefined);
}

/**
 * The trainer that {@link saveTrainer} wrote. It goes on with the same bits on the engine that it was saved on, which is the
 * default; another one may be named.
 *
 * @throws {Error} that says what is wrong with a file that is not one, truncated or altered; {RangeError | TypeError} where
 *   something that was not saved is missing: cells, losses, update rules and schedules of one's own.
 */
export function loadTrainer(bytes: Uint8Array, options: LoadTrainerOptions = {}): Promise<LoadedTrainer> {
  return loadTrainerWith(createTrainer, bytes, options);
}

/** {@link loadTrainer} by another `createTrainer`. */
export async function loadTrainerWith(
  create: typeof createTrainer,
  bytes: Uint8Array,
  options: LoadTrainerOptions,
): Promise<LoadedTrainer> {
  const fn = 'loadTrainer';
  assertOptions(fn, options, {
    ...{
      cells: true,
      losses: true,
      optimizer: true,
      groups: true,
      engine: true,
      threads: true,
      threadWorker: true,
      fma: true,
      webgpu: true,
      dtype: true,
    },
  });
  const { cells = {}, losses = {}, optimizer, ...choice } = options;
  const { tensors, metadata: header } = await read(fn, bytes, [TRAINER]);
  const spec = specFromJson(header.spec as Record<string, unknown>, { cells, losses });
  const rule = optimizer ?? savedOptimizer(fn, header.optimizer as OptimizerHeader);
  const { groups, ...own } = header.options as Pick<CreateTrainerOptions, 'steps' | 'batch' | 'groups'>;
  const saved = groups !== undefined && options.groups === undefined && { groups: groupsFromJson(fn, groups) };
  const made = { ...own, dtype: header.dtype as Dtype, ...saved, ...choice, optimizer: rule };
  const trainer = await create(spec, made);
  const part = (prefix: string): [string, FloatArray][] =>
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { values }]) => [name.slice(prefix.length), values]);
  try {
    await trainer.setState({
      updates: header.updates as number,
      random: header.random as RandomStateSnapshot,
      parameters: parametersOf(tensors),
      optimizer: (header.optimizer as OptimizerHeader).name,
      optimizerMemory: part('optimizer.')
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([, values]) => values),
      states: Object.fromEntries(part('state.')),
    });
  } catch (error) {
    trainer.dispose();
    throw error;
  }
  return { trainer, metadata: header.metadata as Record<string, unknown> };
}

/**
 * A spec and its weights as the bytes of a file.
 *
 * @param model a trainer, a model for inference, or spec and weights by name
 * @throws {RangeError} on weights that do not fit the spec, naming a weight that `dtype` does not reach; {TypeError} naming
 *   what JSON cannot hold in `metadata`.
 */
export async function saveModel(
  model: Trainer | { readonly spec: ModelSpec | ResolvedSpec; readonly parameters: NamedTensors },
  options: SaveModelOptions = {},
): Promise<Uint8Array> {
  const fn = 'saveModel';
  const given = model as { readonly spec?: unknown; readonly parameters?: unknown } | null | undefined;
  if (typeof given?.spec !== 'object' || !['object', 'function'].includes(typeof given.parameters)) {
    throw new TypeError(`${fn}: model is ${describe(model)}, expected a trainer, a model or { spec, parameters }`);
  }
  assertObject(fn, 'options', options);
  const { dtype, ...others } = options;
  const metadata = metadataOf(fn, others);
  const spec = resolveSpec(model.spec);
  const parameters = typeof model.parameters === 'function' ? await model.parameters() : model.parameters;
  assertObject(fn, 'parameters', parameters, 'the weights by name');
  const header = { kind: MODEL, version: VERSION, spec: specToJson(spec), metadata };
  return encodeFor(fn, { tensors: tensorsOf(spec, parameters), metadata: header }, dtype);
}

/**
 * A model for inference, of what {@link saveModel} or {@link saveTrainer} wrote.
 *
 * @throws as {@link loadTrainer} and {@link createModel}.
 */
export function loadModel(bytes: Uint8Array, options: LoadModelOptions = {}): Promise<LoadedModel> {
  return loadModelWith(createModel, bytes, options);
}

/** {@link loadModel} by another `createModel`. */
export async function loadModelWith(
  create: typeof createModel,
  bytes: Uint8Array,
  options: LoadModelOptions,
): Promise<LoadedModel> {
  const fn = 'loadModel';
  assertOptions(fn, options, { cells: true, losses: true, ...CREATE_MODEL_OPTIONS });
  const { cells = {}, losses = {}, ...choice } = options;
  const { tensors, metadata: header } = await read(fn, bytes, [MODEL, TRAINER]);
  const spec = specFromJson(header.spec as Record<string, unknown>, { cells, losses });
  const model = await create(spec, parametersOf(tensors), choice);
  return { model, metadata: header.metadata as Record<string, unknown> };
}

/** Reads a file of one of these kinds. */
async function read(fn: string, bytes: Uint8Array, kinds: readonly string[]): Promise<ModelFile> {
  assertBytes(fn, 'bytes', bytes);
  const file = await decodeFor(fn, bytes);
  const { kind, version } = file.metadata;
  if (!kinds.includes(kind as string)) {
    const hint = kind === MODEL ? ': it has weights and no state of training; loadModel reads it' : '';
    throw new Error(`${fn}: the file holds ${describe(kind)}, expected ${kinds.join(' or ')}${hint}`);
  }
  if (version !== VERSION) throw new Error(`${fn}: the file has version ${describe(version)}, expected ${VERSION}`);
  return file;
}

interface OptimizerHeader {
  readonly name: string;
  /** Null where it is a function of one's own. */
  readonly lr: number | ScheduleData | null;
  readonly options: Optimizer['options'];
  /** The names of the blocks of memory, in the order of the tensors `optimizer.0`, `optimizer.1`, … */
  readonly memory?: readonly string[] | undefined;
  readonly bundled: boolean;
}

function optimizerHeader({ name, lr, options, initialMemory, memoryNames }: Optimizer): OptimizerHeader {
  const rate = scheduleData(lr);
  const bundled = ruleOf(name, typeof lr === 'number' ? lr : 0, options);
  const same =
    bundled !== null &&
    JSON.stringify([bundled.options, bundled.initialMemory]) === JSON.stringify([options, initialMemory]);
  return { name, lr: rate, options, memory: memoryNames, bundled: same };
}

function ruleOf(name: string, lr: LearningRate, options: Optimizer['options']): Optimizer | null {
  if (!Object.hasOwn(RULES, name)) return null;
  try {
    // This rule alone has no learning rate.
    return RULES[name]((name === 'notebookRprop' ? options : { ...options, lr }) as never);
  } catch {
    return null; // options of another rule of that name
  }
}

function savedOptimizer(fn: string, { name, lr, options, bundled }: OptimizerHeader): Optimizer {
  const rule = bundled ? ruleOf(name, scheduleFrom(lr ?? 0), options) : null;
  if (rule === null) {
    const code = `${fn}(bytes, { optimizer: ${name}(…) })`;
    throw new RangeError(
      `${fn}: the file's optimizer ${name} is code of its own, which is not saved: hand it in, ${code}`,
    );
  }
  if (lr === null) {
    const code = `${fn}(bytes, { optimizer: ${name}({ lr: … }) })`;
    throw new RangeError(
      `${fn}: the file's learning rate was a function of its own, which is not saved: hand it in, ${code}`,
    );
  }
  return rule;
}

/** A trainer's options as plain data, the engine as the one that it runs on: another one has other bits. */
function optionsOf(trainer: Trainer): Record<string, unknown> {
  const given = trainer.options as unknown as Record<string, unknown>;
  const saved: Record<string, unknown> = {};
  for (const name of Object.keys(CREATE_TRAINER_OPTIONS)) {
    if (!NOT_SAVED.includes(name) && given[name] !== undefined) saved[name] = given[name];
  }
  if (trainer.options.groups !== undefined) saved.groups = groupsToJson(trainer);
  const [engine] = /^(ts|wasm|webgpu)/.exec(trainer.engine) ?? ['auto'];
  const [, threads] = /×(\d+)$/.exec(trainer.engine) ?? [];
  return { ...saved, engine, ...(threads === undefined ? {} : { threads: Number(threads) }) };
}

/** Groups as plain data: their parameters by name; a learning rate that is a function of one's own as null. */
function groupsToJson({ spec, options }: Trainer): unknown {
  const { names } = partitionUpdate(parameterLayout(spec), options);
  return options.groups!.map((group, g) => {
    const { parameters: _, lr, ...own } = group;
    assertJson('saveTrainer', `groups[${g}]`, own);
    const rate = lr === undefined ? {} : { lr: scheduleData(lr) };
    return { parameters: names[g], ...rate, ...own };
  });
}

/**
 * What {@link groupsToJson} gave.
 *
 * @throws {RangeError} where the learning rate of a group was a function of one's own.
 */
function groupsFromJson(fn: string, groups: unknown): readonly ParameterGroup[] {
  if (!Array.isArray(groups)) return groups as never; // refused by name like any other
  return groups.map((group, g) => {
    if (typeof group?.lr !== 'object') return group;
    if (group.lr !== null) return { ...group, lr: scheduleFrom(group.lr) };
    const code = `${fn}(bytes, { groups: [{ parameters: …, lr: … }] })`;
    throw new RangeError(
      `${fn}: the learning rate of groups[${g}] was a function of its own, which is not saved: hand it in, ${code}`,
    );
  });
}

function tensorsOf(spec: ResolvedSpec, parameters: NamedTensors): ModelFile['tensors'] {
  const tensors: ModelFile['tensors'] = {};
  const layout = parameterLayout(spec);
  const surplus = Object.keys(parameters).find((name) => !layout.some((place) => place.name === name));
  if (surplus !== undefined) throw new RangeError(`saveModel: ${surplus} is no parameter of this model`);
  for (const { name, shape } of layout) {
    if (parameters[name] === undefined) throw new RangeError(`saveModel: ${name} is missing`);
    assertFloats('saveModel', name, parameters[name]);
    tensors[name] = { shape, values: parameters[name] };
  }
  return tensors;
}

function parametersOf(tensors: ModelFile['tensors']): NamedTensors {
  const own = Object.entries(tensors).filter(([name]) => !/^(optimizer|state)\./.test(name));
  return Object.fromEntries(own.map(([name, { values }]) => [name, values]));
}

function metadataOf(fn: string, options: SaveOptions): unknown {
  assertOptions(fn, options, { metadata: true });
  const { metadata = {} } = options;
  assertJson(fn, 'metadata', metadata);
  return metadata;
}
