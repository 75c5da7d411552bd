import { assertFloats } from '../check/arrays.ts';
import { assertRange } from '../check/numbers.ts';
import { assertStream } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';

/**
 * Draws an inverted-dropout mask: each element is 0 with probability `rate`, else 1/(1 − rate). Forward and backward
 * multiply by the same mask, so the layer itself is `multiply` of `bptt/tensor`.
 *
 * @param mask overwritten
 * @throws {RangeError} unless 0 ≤ rate < 1.
 */
export function drawDropoutMask(mask: FloatArray, rate: number, rng: RandomState): void {
  assertFloats('drawDropoutMask', 'mask', mask);
  assertRange('drawDropoutMask', 'rate', rate, 0, 1);
  assertStream('drawDropoutMask', 'rng', rng);
  const keep = 1 / (1 - rate);
  for (let i = 0; i < mask.length; i++) mask[i] = rng.randomSample() < rate ? 0 : keep;
}
