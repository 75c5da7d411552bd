import { assertWhole } from '../check/numbers.ts';
import { assertStream } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';

/** Sequences of zeros and ones, X [m,sequenceLen], and how many ones each holds, t [m]. */
export interface CountingData {
  readonly X: Float64Array;
  readonly t: Float64Array;
}

/**
 * `m` sequences of `sequenceLen` zeros and ones, each a uniform rounded (half to even, so 0.5 is 0), and their row sums.
 *
 * @throws {RangeError} when a size is not a whole number ≥ 1.
 */
export function countingData(rng: RandomState, m = 20, sequenceLen = 10): CountingData {
  assertStream('countingData', 'rng', rng);
  assertWhole('countingData', 'm', m, 1);
  assertWhole('countingData', 'sequenceLen', sequenceLen, 1, Math.floor((2 ** 31 - 1) / m));
  const X = rng.randomSample(m * sequenceLen);
  const t = new Float64Array(m);
  for (let i = 0; i < X.length; i++) {
    X[i] = X[i] > 0.5 ? 1 : 0;
    t[Math.floor(i / sequenceLen)] += X[i];
  }
  return { X, t };
}
