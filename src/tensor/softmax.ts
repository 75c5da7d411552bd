import { assertDtype, assertLength } from '../check/arrays.ts';
import { expOf } from './exp.ts';
import type { FloatArray } from './shape.ts';

/**
 * p[r,j] = e^(z[r,j] − m_r) / Σ_k e^(z[r,k] − m_r) with m_r = max_k z[r,k], which keeps every exponent ≤ 0.
 * `p` may be `z`.
 *
 * @param p [R,n], overwritten
 * @param z [R,n]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function softmax(p: FloatArray, z: FloatArray, rows: number, n: number): void {
  assertLength('softmax', 'p', p, '[R,n]', rows, n);
  assertLength('softmax', 'z', z, '[R,n]', rows, n);
  assertDtype('softmax', 'z', z, p);
  for (let r = 0; r < rows; r++) {
    const row = r * n;
    let max = z[row];
    for (let j = 1; j < n; j++) if (z[row + j] > max) max = z[row + j];
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const e = expOf(z[row + j] - max);
      p[row + j] = e;
      sum += e;
    }
    for (let j = 0; j < n; j++) p[row + j] /= sum;
  }
}

/**
 * dz[r,j] = p[r,j]·(dp[r,j] − Σ_k dp[r,k]·p[r,k]), for p = softmax(z). `dz` may be `dp`.
 *
 * @param dz [R,n], overwritten
 * @param dp [R,n]
 * @param p [R,n], what the forward pass gave
 */
export function softmaxBackward(dz: FloatArray, dp: FloatArray, p: FloatArray, rows: number, n: number): void {
  assertLength('softmaxBackward', 'dz', dz, '[R,n]', rows, n);
  assertLength('softmaxBackward', 'dp', dp, '[R,n]', rows, n);
  assertLength('softmaxBackward', 'p', p, '[R,n]', rows, n);
  assertDtype('softmaxBackward', 'dp', dp, dz);
  assertDtype('softmaxBackward', 'p', p, dz);
  for (let r = 0; r < rows; r++) {
    const row = r * n;
    let dot = 0;
    for (let j = 0; j < n; j++) dot += dp[row + j] * p[row + j];
    for (let j = 0; j < n; j++) dz[row + j] = p[row + j] * (dp[row + j] - dot);
  }
}
