import { assertDtype, assertLength } from '../check/arrays.ts';
import { expOf } from './exp.ts';
import { logOf } from './log.ts';
import type { FloatArray } from './shape.ts';

/** m + ln Σ_j e^(z[j] − m) over the n numbers from `start`, m being their maximum. */
export function logSumExpOf(z: FloatArray, start: number, n: number): number {
  let max = z[start];
  for (let j = 1; j < n; j++) if (z[start + j] > max) max = z[start + j];
  let sum = 0;
  for (let j = 0; j < n; j++) sum += expOf(z[start + j] - max);
  return max + logOf(sum);
}

/**
 * s[r] = ln Σ_j e^z[r,j], with the row maximum taken out so that nothing overflows.
 *
 * @param s [R], overwritten
 * @param z [R,n], n ≥ 1
 * @throws {RangeError} on a length that does not fit or n < 1, {TypeError} on mixed dtypes.
 */
export function logSumExp(s: FloatArray, z: FloatArray, rows: number, n: number): void {
  assertLength('logSumExp', 's', s, '[R]', rows);
  assertLength('logSumExp', 'z', z, '[R,n]', rows, n);
  assertDtype('logSumExp', 'z', z, s);
  if (n < 1) throw new RangeError(`logSumExp: n is ${n}, expected at least 1`);
  for (let r = 0; r < rows; r++) s[r] = logSumExpOf(z, r * n, n);
}

/**
 * dz[r,j] = ds[r]·e^(z[r,j] − s[r]), for s = logSumExp(z): the derivative is the softmax of the row.
 *
 * @param dz [R,n], overwritten; may be `z`
 * @param ds [R]
 * @param z [R,n]
 * @param s [R], what the forward pass gave
 */
export function logSumExpBackward(
  dz: FloatArray,
  ds: FloatArray,
  z: FloatArray,
  s: FloatArray,
  rows: number,
  n: number,
): void {
  assertLength('logSumExpBackward', 'dz', dz, '[R,n]', rows, n);
  assertLength('logSumExpBackward', 'ds', ds, '[R]', rows);
  assertLength('logSumExpBackward', 'z', z, '[R,n]', rows, n);
  assertLength('logSumExpBackward', 's', s, '[R]', rows);
  assertDtype('logSumExpBackward', 'ds', ds, dz);
  assertDtype('logSumExpBackward', 'z', z, dz);
  assertDtype('logSumExpBackward', 's', s, dz);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) dz[r * n + j] = ds[r] * expOf(z[r * n + j] - s[r]);
  }
}
