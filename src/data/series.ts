import { assertWhole } from '../check/numbers.ts';
import { assertNumbers } from '../check/values.ts';

/**
 * N, the number of steps of a series [N,D].
 *
 * @throws {RangeError} when D is not a whole number ≥ 1 or the series is not a whole number of steps.
 */
export function stepsOf(fn: string, arg: string, series: { readonly length: number }, features: number): number {
  assertNumbers(fn, arg, series);
  assertWhole(fn, 'features', features, 1);
  const steps = series.length / features;
  if (!Number.isInteger(steps)) {
    throw new RangeError(
      `${fn}: ${arg} has ${series.length} elements, expected [N,${features}], a multiple of ${features}`,
    );
  }
  return steps;
}
