import { assertFloats } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchRows, forRow, rowwise } from '../device/rowwise.ts';

/**
 * WGSL: the largest element of the row of `z`. An invocation without elements has the smallest number there is, and reads
 * none of another's, which may be overwritten in place.
 */
export const ROW_MAX_WGSL: string = `
  var own_max = -3.4028234663852886e38;
  ${forRow('own_max = max(own_max, z(start + j));')}
  let m = max_across(own_max, lane);`;

/** WGSL: Σ_j e^(z_j − m) over the row. */
export const ROW_SUM_WGSL: string = `
  var own_sum = 0.0;
  ${forRow('own_sum += exp(z(start + j) - m);')}
  let sum = sum_across(own_sum, lane);`;

const forward = rowwise(
  'softmax',
  { p: 'f32' },
  { z: 'f32' },
  `${ROW_MAX_WGSL}${ROW_SUM_WGSL}
  ${forRow('set_p(start + j, exp(z(start + j) - m) / sum);')}`,
);

/** p[r,j] = e^(z[r,j] − m_r) / Σ_k e^(z[r,k] − m_r) with m_r = max_k z[r,k], of p and z [R,n]. `p` may be `z`. */
export function softmax(p: FloatBuffer, z: FloatBuffer, rows: number, n: number): void {
  assertFloats('softmax', { p, z }, '[R,n]', rows, n);
  dispatchRows(forward, { p, z }, rows, n);
}

const backward = rowwise(
  'softmaxBackward',
  { dz: 'f32' },
  { dp: 'f32', p: 'f32' },
  `var own = 0.0;
  ${forRow('own += dp(start + j) * p(start + j);')}
  let dot = sum_across(own, lane);
  ${forRow('set_dz(start + j, p(start + j) * (dp(start + j) - dot));')}`,
);

/** dz[r,j] = p[r,j]·(dp[r,j] − Σ_k dp[r,k]·p[r,k]), for p = softmax(z), all [R,n]. `dz` may be `dp`. */
export function softmaxBackward(dz: FloatBuffer, dp: FloatBuffer, p: FloatBuffer, rows: number, n: number): void {
  assertFloats('softmaxBackward', { dz, dp, p }, '[R,n]', rows, n);
  dispatchRows(backward, { dz, dp, p }, rows, n);
}
