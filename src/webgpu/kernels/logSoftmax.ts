import { assertFloats } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchRows, forRow, rowwise } from '../device/rowwise.ts';
import { ROW_MAX_WGSL, ROW_SUM_WGSL } from './softmax.ts';

const forward = rowwise(
  'logSoftmax',
  { y: 'f32' },
  { z: 'f32' },
  `${ROW_MAX_WGSL}${ROW_SUM_WGSL}
  let log_sum = log(sum);
  ${forRow('set_y(start + j, z(start + j) - m - log_sum);')}`,
);

/** y[r,j] = z[r,j] − ln Σ_k e^z[r,k], of y and z [R,n]. `y` may be `z`. */
export function logSoftmax(y: FloatBuffer, z: FloatBuffer, rows: number, n: number): void {
  assertFloats('logSoftmax', { y, z }, '[R,n]', rows, n);
  dispatchRows(forward, { y, z }, rows, n);
}

const backward = rowwise(
  'logSoftmaxBackward',
  { dz: 'f32' },
  { dy: 'f32', y: 'f32' },
  `var own = 0.0;
  ${forRow('own += dy(start + j);')}
  let sum = sum_across(own, lane);
  ${forRow('set_dz(start + j, dy(start + j) - exp(y(start + j)) * sum);')}`,
);

/** dz[r,j] = dy[r,j] − e^y[r,j]·Σ_k dy[r,k], for y = logSoftmax(z), all [R,n]. `dz` may be `dy`. */
export function logSoftmaxBackward(dz: FloatBuffer, dy: FloatBuffer, y: FloatBuffer, rows: number, n: number): void {
  assertFloats('logSoftmaxBackward', { dz, dy, y }, '[R,n]', rows, n);
  dispatchRows(backward, { dz, dy, y }, rows, n);
}
