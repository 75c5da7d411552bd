import { assertLength } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertOptimizer } from '../optim/optimizer.ts';
import type { Dtype, FloatArray } from '../tensor/shape.ts';
import type { Carry } from './batch.ts';
import type { FailedStep, Session, StepResult } from './session.ts';
import type { NamedTensors, ParameterLayout, ResolvedSpec } from './spec.ts';
import type { TrainerOptions, TrainerState } from './trainer.ts';

/**
 * Throws unless the options make sense.
 *
 * @throws {RangeError | TypeError} naming the option, what it is and what it may be.
 */
export function assertTrainerOptions(options: TrainerOptions): void {
  const { steps, batch, labels = steps, backSteps = steps, stride = steps, l2 = 0, accumulate = 1 } = options;
  assertRange('steps', steps, 1);
  assertRange('batch', batch, 1);
  assertRange('labels', labels, 1);
  assertOptimizer('trainer', options.optimizer);
  if (!(Number.isFinite(l2) && l2 >= 0)) {
    throw new RangeError(`trainer: l2 is ${describe(l2)}, expected a finite number ≥ 0`);
  }
  assertClip(options.clip);
  assertRange('backSteps', backSteps, 1, steps);
  assertRange('stride', stride, 1, steps);
  assertRange('accumulate', accumulate, 1);
  const { frozen = [], groups = [] } = options;
  if (!Array.isArray(frozen)) {
    throw new TypeError(`trainer: frozen is ${describe(frozen)}, expected a list of names of parameters`);
  }
  const listed = Array.isArray(groups) && groups.every((group) => typeof group === 'object' && group !== null);
  if (!listed) {
    const wanted = "expected a list of groups, as in [{ parameters: 'bias_*', weightDecay: 0 }]";
    throw new TypeError(`trainer: groups is ${describe(groups)}, ${wanted}`);
  }
}

function assertClip(clip: unknown): void {
  if (clip === undefined) return;
  const kinds = typeof clip === 'object' && clip !== null ? Object.keys(clip) : [];
  if (kinds.length !== 1 || (kinds[0] !== 'value' && kinds[0] !== 'norm')) {
    throw new TypeError(`trainer: clip is ${describe(clip)}, expected { norm: 5 } or { value: 5 }`);
  }
  const limit = (clip as Record<string, unknown>)[kinds[0]];
  if (!(typeof limit === 'number' && limit > 0)) {
    throw new RangeError(`trainer: clip.${kinds[0]} is ${describe(limit)}, expected a number > 0`);
  }
}

function assertRange(name: string, value: number, low: number, high = Number.POSITIVE_INFINITY): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return;
  const wanted = high === Number.POSITIVE_INFINITY ? `≥ ${low}` : `from ${low} to ${high}`;
  throw new RangeError(`trainer: ${name} is ${describe(value)}, expected a whole number ${wanted}`);
}

/** Throws where a batch is to go on from a state that a model of that spec cannot go on from. */
export function assertCarry({ bidirectional }: ResolvedSpec, carry: Carry): void {
  if (carry !== false && bidirectional) {
    throw new RangeError('trainer: carry is set, but a bidirectional model reads each window from both ends');
  }
}

/** What belongs to a trainer. */
export interface TrainerShape {
  readonly dtype: Dtype;
  readonly layout: readonly ParameterLayout[];
  /** The name of the update rule, and its blocks of memory. */
  readonly optimizer: string;
  readonly blocks: number;
  /** The names of the carried states, [B,H] each. */
  readonly states: readonly string[];
  readonly B: number;
  readonly H: number;
}

/** @throws {RangeError | TypeError} on a missing, surplus or misshapen parameter, or one that holds a NaN or infinity. */
export function assertParameters(
  { layout, dtype }: TrainerShape,
  parameters: NamedTensors,
  fn = 'trainer.setParameters',
): void {
  assertObject(fn, 'parameters', parameters);
  const surplus = Object.keys(parameters).find((name) => !layout.some((place) => place.name === name));
  if (surplus) throw new RangeError(`${fn}: ${surplus} is no parameter of this model`);
  for (const { name, shape, length } of layout) {
    const values = parameters[name];
    if (values === undefined) throw new RangeError(`${fn}: ${name} is missing, expected shape [${shape.join(',')}]`);
    assertNumbers(fn, name, values);
    if (values.length !== length) {
      throw new RangeError(`${fn}: ${name} has ${values.length} elements, expected [${shape.join(',')}]`);
    }
    assertFinite(fn, name, values, dtype);
  }
}

/** @throws as {@link assertParameters}, and where the state is of another optimizer, or a part is missing or misshapen. */
export function assertTrainerState(shape: TrainerShape, state: TrainerState): void {
  const fn = 'trainer.setState';
  const { dtype, optimizer, blocks, states, B, H, layout } = shape;
  assertObject(fn, 'state', state);
  assertParameters(shape, state.parameters, fn);
  if (state.optimizer !== optimizer) {
    throw new RangeError(`${fn}: optimizer is ${String(state.optimizer)}, this trainer's is ${optimizer}`);
  }
  const { optimizerMemory } = state;
  if (!Array.isArray(optimizerMemory) || optimizerMemory.length !== blocks) {
    const got = Array.isArray(optimizerMemory) ? `${optimizerMemory.length} blocks` : typeof optimizerMemory;
    throw new RangeError(`${fn}: optimizerMemory is ${got}, expected ${blocks} blocks of ${optimizer}`);
  }
  const last = layout[layout.length - 1];
  for (let i = 0; i < blocks; i++) {
    assertNumbers(fn, `optimizerMemory[${i}]`, optimizerMemory[i]);
    assertLength(fn, `optimizerMemory[${i}]`, optimizerMemory[i], '[P]', last.offset + last.length);
    assertFinite(fn, `optimizerMemory[${i}]`, optimizerMemory[i], dtype);
  }
  assertObject(fn, 'states', state.states);
  const surplus = Object.keys(state.states).find((name) => !states.includes(name));
  if (surplus) throw new RangeError(`${fn}: ${surplus} is no state of this model`);
  for (const name of states) {
    if (!state.states[name]) throw new RangeError(`${fn}: states lacks ${name}`);
    assertNumbers(fn, name, state.states[name]);
    assertLength(fn, name, state.states[name], '[B,H]', B, H);
    assertFinite(fn, name, state.states[name], dtype);
  }
  if (!Number.isSafeInteger(state.updates) || state.updates < 0) {
    throw new RangeError(`${fn}: updates is ${String(state.updates)}, expected a whole number ≥ 0`);
  }
}

/** @throws {TypeError} unless the value is an object of named fields. */
function assertObject(fn: string, name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null) return;
  throw new TypeError(`${fn}: ${name} is ${String(value)}, expected an object`);
}

/** @throws {TypeError} unless these are numbers of a typed array: a state that went through JSON has lost them. */
function assertNumbers(fn: string, name: string, values: unknown): void {
  if (values instanceof Float32Array || values instanceof Float64Array) return;
  const got = (values as object | null | undefined)?.constructor?.name ?? String(values);
  throw new TypeError(`${fn}: ${name} is ${got}, expected Float32Array or Float64Array`);
}

/** Of numbers that may be of the other dtype: they must be finite in this one, too. */
function assertFinite(fn: string, name: string, values: FloatArray, dtype: Dtype): void {
  const bad = values.findIndex((v) => !Number.isFinite(dtype === 'float32' ? Math.fround(v) : v));
  if (bad >= 0) throw new RangeError(`${fn}: ${name}[${bad}] is ${values[bad]}, expected a finite number (${dtype})`);
}

/** The error of a training step that met a NaN or infinity. The step left parameters, optimizer and state as they were. */
export class NonFiniteError extends Error {
  /** The tensor in which it was found first, e.g. `weight_hh_l0`. */
  readonly tensor: string;
  /** The number of updates done before. */
  readonly step: number;

  constructor(tensor: string, step: number, value: number) {
    super(`training step ${step}: ${tensor} holds ${value}; parameters and optimizer are as before this step`);
    this.name = 'NonFiniteError';
    this.tensor = tensor;
    this.step = step;
  }
}

/**
 * The error of a failed step, with the first tensor that holds a NaN or infinity: parameters, then what was computed from
 * them; of an update what it would have left, the optimizer's memory first.
 *
 * @param updates done before
 * @param optimizer the name of the update rule
 */
export function nonFiniteError(
  { failed, loss }: StepResult,
  { parameters, gradients, memory, steps, stateAfter }: FailedStep,
  updates: number,
  { layout, states }: Pick<Session, 'layout' | 'states'>,
  optimizer: string,
): NonFiniteError {
  const each = function* (flat: FloatArray, nameOf: (name: string) => string): Generator<[string, FloatArray]> {
    for (const { name, offset, length } of layout) yield [nameOf(name), flat.subarray(offset, offset + length)];
  };
  const tensors = function* (): Generator<[string, FloatArray]> {
    if (failed === 'the update') {
      for (const [b, block] of memory.entries())
        yield* each(block, (name) => `memory ${b} of ${optimizer} for ${name}`);
      yield* each(parameters, (name) => `${name} after the update`);
      return;
    }
    yield* each(parameters, (name) => name);
    if (failed === 'the gradient') yield* each(gradients, (name) => `the gradient of ${name}`);
    for (const [index, name] of states.entries()) {
      for (let t = 0; t <= steps; t++) yield [`${name} after ${t} steps of the window`, stateAfter(t, index)];
    }
  };
  for (const [name, values] of tensors()) {
    const bad = values.find((v) => !Number.isFinite(v));
    if (bad !== undefined) return new NonFiniteError(name, updates, bad);
  }
  return new NonFiniteError(failed ?? 'the loss', updates, failed === 'the loss' ? loss : Number.NaN);
}
