import { expectDtype, expectLength, type FloatArray } from '../tensor/shape.ts';
import type { adagradUpdate } from './adagrad.ts';
import type { adamUpdate } from './adam.ts';
import type { rmspropUpdate } from './rmsprop.ts';
import type { notebookRpropUpdate, rpropUpdate } from './rprop.ts';
import type { momentumUpdate, sgdUpdate } from './sgd.ts';

/** A learning rate, or a schedule: from the number of updates done so far (0, 1, …) to the rate of the next one. */
export type LearningRate = number | ((step: number) => number);

/** The loops of update rules that an engine may have faster ones for. */
export interface UpdateKernels {
  readonly adagradUpdate: typeof adagradUpdate;
  readonly adamUpdate: typeof adamUpdate;
  readonly momentumUpdate: typeof momentumUpdate;
  readonly notebookRpropUpdate: typeof notebookRpropUpdate;
  readonly rmspropUpdate: typeof rmspropUpdate;
  readonly rpropUpdate: typeof rpropUpdate;
  readonly sgdUpdate: typeof sgdUpdate;
}

/**
 * An update rule over one flat block of parameters.
 *
 * It keeps nothing itself: its memory is `slots` blocks of the parameters' size, made once by {@link makeSlots} and
 * handed to every update, so that a run can save and restore them and an engine can hold them where it likes.
 */
export interface Optimizer {
  /** The rule's name, e.g. `'adagrad'`. */
  readonly name: string;
  readonly lr: LearningRate;
  /** The rule's numbers beside the learning rate, e.g. `{ eps: 1e-8 }`. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** The value that each block of memory starts with; its length is the number of blocks. */
  readonly initialSlots: readonly number[];
  /**
   * Moves `params` one step down the gradient.
   *
   * @param params [P], updated
   * @param grads [P], left as they are
   * @param slots what {@link makeSlots} made, updated
   * @param step the number of updates done before this one
   * @param lr the learning rate of this update
   * @param kernels the engine's loops; a rule that is given none runs its own
   */
  update(
    params: FloatArray,
    grads: FloatArray,
    slots: readonly FloatArray[],
    step: number,
    lr: number,
    kernels?: UpdateKernels,
  ): void;
}

/** The memory of an optimizer for `params`: blocks of the same size and dtype, at their initial values. */
export function makeSlots(optimizer: Optimizer, params: FloatArray): FloatArray[] {
  return optimizer.initialSlots.map((value) => params.slice().fill(value));
}

/** The learning rate of the update after `step` others. */
export function learningRateAt(lr: LearningRate, step: number): number {
  const value = typeof lr === 'number' ? lr : lr(step);
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`learningRateAt: lr at step ${step} is ${value}, expected a finite number ≥ 0`);
  }
  return value;
}

/**
 * Throws unless each block has the size and dtype of the parameters.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function expectBlocks(fn: string, params: FloatArray, blocks: Record<string, FloatArray>): void {
  for (const [name, block] of Object.entries(blocks)) {
    expectLength(fn, name, block, '[P]', params.length);
    expectDtype(fn, name, block, params);
  }
}

/**
 * Throws unless each option lies in its range [low, high).
 *
 * @throws {RangeError} naming function, option, value and range.
 */
export function expectOptions(fn: string, options: Record<string, [value: number, low: number, high: number]>): void {
  for (const [name, [value, low, high]] of Object.entries(options)) {
    if (typeof value !== 'number' || !(value >= low && value < high)) {
      throw new RangeError(`${fn}: ${name} is ${value}, expected ${low} ≤ ${name} < ${high}`);
    }
  }
}

/**
 * Throws unless a learning rate given as a number is finite and ≥ 0; a schedule is looked at when it is asked.
 *
 * @throws {RangeError} naming function, value and range.
 */
export function expectLearningRate(fn: string, lr: LearningRate): void {
  if (typeof lr === 'number') expectOptions(fn, { lr: [lr, 0, Infinity] });
}
