import { assertDtype, assertLength } from '../check/arrays.ts';
import { expOf } from './exp.ts';
import { logSumExpOf } from './logSumExp.ts';
import type { FloatArray } from './shape.ts';

/**
 * y[r,j] = z[r,j] − ln Σ_k e^z[r,k]. `y` may be `z`.
 *
 * @param y [R,n], overwritten
 * @param z [R,n]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function logSoftmax(y: FloatArray, z: FloatArray, rows: number, n: number): void {
  assertLength('logSoftmax', 'y', y, '[R,n]', rows, n);
  assertLength('logSoftmax', 'z', z, '[R,n]', rows, n);
  assertDtype('logSoftmax', 'z', z, y);
  for (let r = 0; r < rows; r++) {
    const s = logSumExpOf(z, r * n, n);
    for (let j = 0; j < n; j++) y[r * n + j] = z[r * n + j] - s;
  }
}

/**
 * dz[r,j] = dy[r,j] − e^y[r,j]·Σ_k dy[r,k], for y = logSoftmax(z). `dz` may be `dy`.
 *
 * @param dz [R,n], overwritten
 * @param dy [R,n]
 * @param y [R,n], what the forward pass gave
 */
export function logSoftmaxBackward(dz: FloatArray, dy: FloatArray, y: FloatArray, rows: number, n: number): void {
  assertLength('logSoftmaxBackward', 'dz', dz, '[R,n]', rows, n);
  assertLength('logSoftmaxBackward', 'dy', dy, '[R,n]', rows, n);
  assertLength('logSoftmaxBackward', 'y', y, '[R,n]', rows, n);
  assertDtype('logSoftmaxBackward', 'dy', dy, dz);
  assertDtype('logSoftmaxBackward', 'y', y, dz);
  for (let r = 0; r < rows; r++) {
    const row = r * n;
    let sum = 0;
    for (let j = 0; j < n; j++) sum += dy[row + j];
    for (let j = 0; j < n; j++) dz[row + j] = dy[row + j] - expOf(y[row + j]) * sum;
  }
}
