import { describe, typeName } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { stepsOf } from './series.ts';

/** Where {@link splitInTime} cuts: exactly one of `validationSteps` and `validationFraction`. */
export interface SplitInTimeOptions {
  /** How many of the last steps are for validation, 1 … N − 1. */
  readonly validationSteps?: number;
  /** The share of the last steps that are for validation, in (0, 1); floor(share·N) steps. */
  readonly validationFraction?: number;
  /** How many of the last training steps stand before the validation steps too, for windows to start in; default 0. */
  readonly context?: number;
  /** D, the numbers of a step; default 1. */
  readonly features?: number;
}

/**
 * Splits a series in time: the first steps to train on, the last ones to validate on. Nothing of the validation part is
 * trained on; with `context` = W the first window of W steps in it predicts its first step. Both are views of the series.
 *
 * @param series [N,D]
 * @throws {RangeError} when a part would have no step, `context` is longer than the training part, or a number is out of range,
 * {TypeError} on an unknown option, a series that is no typed array, or unless there is exactly one of `validationSteps` and `validationFraction`.
 */
export function splitInTime<A extends Float32Array | Float64Array | Int32Array>(
  series: A,
  options: SplitInTimeOptions,
): { train: A; validation: A } {
  const fn = 'splitInTime';
  assertOptions(fn, options, ['validationSteps', 'validationFraction', 'context', 'features']);
  const { validationSteps, validationFraction, context = 0, features = 1 } = options;
  if ((validationSteps === undefined) === (validationFraction === undefined)) {
    throw new TypeError(`${fn}: expected exactly one of validationSteps and validationFraction`);
  }
  if (![Float32Array, Float64Array, Int32Array].some((Kind) => series instanceof Kind)) {
    throw new TypeError(`${fn}: series is ${typeName(series)}, expected Float32Array, Float64Array or Int32Array`);
  }
  const steps = stepsOf(fn, 'series', series, features);
  if (steps < 2) throw new RangeError(`${fn}: series has ${steps} steps, expected at least 2`);
  if (
    validationFraction !== undefined &&
    !(Number.isFinite(validationFraction) && validationFraction > 0 && validationFraction < 1)
  ) {
    throw new RangeError(`${fn}: validationFraction is ${describe(validationFraction)}, expected a number in (0, 1)`);
  }
  const count = validationSteps ?? Math.floor(validationFraction! * steps);
  if (count === 0 && validationFraction !== undefined) {
    throw new RangeError(`${fn}: validationFraction is ${validationFraction}, less than one of ${steps} steps`);
  }
  assertWhole(fn, 'validationSteps', count, 1, steps - 1);
  const cut = steps - count;
  assertWhole(fn, 'context', context, 0, cut);
  return {
    train: series.subarray(0, cut * features) as A,
    validation: series.subarray((cut - context) * features) as A,
  };
}
