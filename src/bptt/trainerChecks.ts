import { type Dtype, expectLength, type FloatArray } from '../tensor/shape.ts';
import type { Keep } from './batch.ts';
import type { FullSpec, NamedTensors, ParameterPlace } from './spec.ts';
import type { TrainerOptions, TrainerState } from './trainer.ts';

/**
 * Throws unless the options make sense.
 *
 * @throws {RangeError} naming the option, what it is and what it may be.
 */
export function expectTrainerOptions({ steps, span = steps, advance = steps, l2 = 0, clip }: TrainerOptions): void {
  if (!(l2 >= 0 && l2 < Number.POSITIVE_INFINITY)) throw new RangeError(`trainer: l2 is ${l2}, expected a number ≥ 0`);
  const limit = clip && ('value' in clip ? clip.value : clip.norm);
  if (limit !== undefined && !(limit > 0)) throw new RangeError(`trainer: clip is ${limit}, expected a number > 0`);
  expectRange('span', span, 1, steps);
  expectRange('advance', advance, 1, steps);
}

function expectRange(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`trainer: ${name} is ${value}, expected a whole number from ${low} to ${high}`);
  }
}

/** Throws where a batch is to go on from a state that a model of that spec cannot go on from. */
export function expectCarry({ bidirectional }: FullSpec, carry: Keep): void {
  if (carry !== false && bidirectional) {
    throw new RangeError('trainer: carry is set, but a bidirectional model reads each window from both ends');
  }
}

/** What belongs to a trainer. */
export interface TrainerShape {
  readonly dtype: Dtype;
  readonly places: readonly ParameterPlace[];
  readonly optimizer: string;
  /** The optimizer's blocks of memory, and the length P of each. */
  readonly slots: number;
  readonly slotLength: number;
  /** The names of the carried states, [B,H] each. */
  readonly states: readonly string[];
  readonly B: number;
  readonly H: number;
}

/** @throws {RangeError | TypeError} on a missing, surplus or misshapen parameter, or one that holds a NaN or infinity. */
export function expectParameters({ places, dtype }: TrainerShape, parameters: NamedTensors): void {
  const fn = 'trainer.setParameters';
  const surplus = Object.keys(parameters).find((name) => !places.some((place) => place.name === name));
  if (surplus) throw new RangeError(`${fn}: ${surplus} is no parameter of this model`);
  for (const { name, shape, length } of places) {
    const values = parameters[name];
    if (!values) throw new RangeError(`${fn}: ${name} is missing, expected shape [${shape.join(',')}]`);
    if (values.length !== length) {
      throw new RangeError(`${fn}: ${name} has ${values.length} elements, expected [${shape.join(',')}]`);
    }
    expectFinite(fn, name, values, dtype);
  }
}

/** @throws as {@link expectParameters}, and where optimizer memory or a carried state is missing or misshapen. */
export function expectTrainerState(shape: TrainerShape, state: TrainerState): void {
  const fn = 'trainer.setState';
  const { dtype, slots, slotLength, states, B, H } = shape;
  expectParameters(shape, state.parameters);
  if (state.slots.length !== slots) {
    throw new RangeError(`${fn}: slots has ${state.slots.length} blocks, ${shape.optimizer} keeps ${slots}`);
  }
  state.slots.forEach((slot, i) => {
    expectLength(fn, `slots[${i}]`, slot, '[P]', slotLength);
    expectFinite(fn, `slots[${i}]`, slot, dtype);
  });
  const surplus = Object.keys(state.states).find((name) => !states.includes(name));
  if (surplus) throw new RangeError(`${fn}: ${surplus} is no state of this model`);
  for (const name of states) {
    if (!state.states[name]) throw new RangeError(`${fn}: states lacks ${name}`);
    expectLength(fn, name, state.states[name], '[B,H]', B, H);
    expectFinite(fn, name, state.states[name], dtype);
  }
  if (!Number.isSafeInteger(state.step) || state.step < 0) {
    throw new RangeError(`${fn}: step is ${state.step}, expected a whole number ≥ 0`);
  }
}

/** Of numbers that may be of the other dtype: they must be finite in this one, too. */
function expectFinite(fn: string, name: string, values: FloatArray, dtype: Dtype): void {
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

/** What a failed step computed, for {@link whereNotFinite} to look at. */
export interface FailedStep {
  readonly places: readonly ParameterPlace[];
  parameter(name: string): FloatArray;
  gradient(name: string): FloatArray;
  /** The steps of the window, and the names of the states. */
  readonly steps: number;
  readonly states: readonly string[];
  /** A state after `t` steps of the window. */
  stateAfter(t: number, name: string): FloatArray;
}

/** Finds the first tensor with a NaN or infinity: parameters, then what was computed from them. */
export function whereNotFinite(
  found: 'the loss' | 'the gradient',
  value: number,
  step: number,
  { places, parameter, gradient, steps, states, stateAfter }: FailedStep,
): NonFiniteError {
  const tensors = function* (): Generator<[string, FloatArray]> {
    for (const { name } of places) yield [name, parameter(name)];
    if (found === 'the gradient') for (const { name } of places) yield [`the gradient of ${name}`, gradient(name)];
    for (const name of states) {
      for (let t = 0; t <= steps; t++) yield [`${name} after ${t} steps of the window`, stateAfter(t, name)];
    }
  };
  for (const [name, values] of tensors()) {
    const bad = values.find((v) => !Number.isFinite(v));
    if (bad !== undefined) return new NonFiniteError(name, step, bad);
  }
  return new NonFiniteError(found, step, value);
}
