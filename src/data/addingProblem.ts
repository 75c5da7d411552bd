import { assertFloats, assertLength } from '../check/arrays.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertStream } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';

/** The mean squared error of a net that remembers nothing and always says 1: the variance of a sum of two uniforms. */
export const ADDING_BASELINE: number = 1 / 6;

/**
 * The adding problem: each step brings a number in [0, 1) and a mark; the answer, at the end, is the sum of the two marked
 * numbers, one in each half of the sequence. Overwrites `x` [T,B,2] (number, mark) and `targets` [B].
 *
 * Each sequence draws its T numbers, then the two places by `randint`.
 *
 * Source: Hochreiter & Schmidhuber, Long short-term memory (1997); in this form Arjovsky et al., Unitary evolution
 * recurrent neural networks (2016).
 *
 * @throws {RangeError} when T < 2, B < 1, or a buffer has another size.
 */
export function addingProblem(x: FloatArray, targets: FloatArray, rng: RandomState, t: number, b: number): void {
  assertFloats('addingProblem', 'x', x);
  assertFloats('addingProblem', 'targets', targets);
  assertStream('addingProblem', 'rng', rng);
  assertWhole('addingProblem', 'T', t, 2);
  assertWhole('addingProblem', 'B', b, 1);
  assertLength('addingProblem', 'x', x, '[T,B,2]', t, b, 2);
  assertLength('addingProblem', 'targets', targets, '[B]', b);
  const half = Math.floor(t / 2);
  for (let j = 0; j < b; j++) {
    for (let i = 0; i < t; i++) {
      x[(i * b + j) * 2] = rng.randomSample();
      x[(i * b + j) * 2 + 1] = 0;
    }
    const first = (rng.randint(half) * b + j) * 2;
    const second = (rng.randint(half, t) * b + j) * 2;
    x[first + 1] = 1;
    x[second + 1] = 1;
    targets[j] = x[first] + x[second];
  }
}
