import type { FloatBuffer, IntBuffer } from '../device/buffers.ts';
import { elementwise, dispatchElementwise } from '../device/elementwise.ts';
import { assertFloats, assertInts } from '../device/assert.ts';
import { NO_SUCH_ID_WGSL } from './gather.ts';
import { forRow, dispatchRows, rowwise } from '../device/rowwise.ts';
import { ROW_MAX_WGSL, ROW_SUM_WGSL } from './softmax.ts';

// z[target] is read before the sum's barriers, since p, which may be z, is written after them.
const forward = rowwise(
  'softmaxCrossEntropyForward',
  { losses: 'f32', p: 'f32' },
  { z: 'f32', targets: 'i32', w: 'f32' },
  `${ROW_MAX_WGSL}
  let id = u32(targets(row));
  var target_z = no_such(id);
  if (id < args.n) { target_z = z(start + id); }
  ${ROW_SUM_WGSL}
  if (lane == 0u) {
    let weight = w(row);
    set_losses(row, select(weight * (log(sum) - (target_z - m)), 0.0, weight == 0.0));
  }
  ${forRow('set_p(start + j, exp(z(start + j) - m) / sum);')}`,
  NO_SUCH_ID_WGSL,
);

/**
 * losses[r] = −w[r]·ln p[r,target[r]] with p = softmax(z), computed as w·(ln Σ_k e^(z_k − m) − (z_target − m)).
 *
 * @param losses [R], overwritten; NaN where a target is not in [0,V)
 * @param p [R,V], overwritten: the probabilities, which backward and sampling need; may be `z`
 * @param z [R,V], the logits
 * @param targets [R], each in [0,V); whoever writes them there can check it, the device cannot
 * @param w [R], the weight of each row: 0 for padding, 1/R for a mean
 */
export function softmaxCrossEntropyForward(
  losses: FloatBuffer,
  p: FloatBuffer,
  z: FloatBuffer,
  targets: IntBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  const fn = 'softmaxCrossEntropyForward';
  assertFloats(fn, 'losses', losses, '[R]', R);
  assertFloats(fn, 'p', p, '[R,V]', R, V);
  assertFloats(fn, 'z', z, '[R,V]', R, V);
  assertInts(fn, 'targets', targets, '[R]', R);
  assertFloats(fn, 'w', w, '[R]', R);
  dispatchRows(forward, { losses, p, z, targets, w }, R, V);
}

const backward = elementwise(
  'softmaxCrossEntropyBackward',
  { dz: 'f32' },
  { p: 'f32', targets: 'i32', w: 'f32' },
  { n: 'u32' },
  `let row = i / args.n;
  let is_target = u32(targets(row)) == i - row * args.n;
  set_dz(i, w(row) * (p(i) - select(0.0, 1.0, is_target)));`,
);

/**
 * dz[r,·] = w[r]·(p[r,·] − onehot(target[r])), for losses = w·crossEntropy(softmax(z)).
 *
 * @param dz [R,V], overwritten; may be `p`
 * @param p [R,V], what the forward pass gave
 */
export function softmaxCrossEntropyBackward(
  dz: FloatBuffer,
  p: FloatBuffer,
  targets: IntBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  const fn = 'softmaxCrossEntropyBackward';
  assertFloats(fn, 'dz', dz, '[R,V]', R, V);
  assertFloats(fn, 'p', p, '[R,V]', R, V);
  assertInts(fn, 'targets', targets, '[R]', R);
  assertFloats(fn, 'w', w, '[R]', R);
  dispatchElementwise(backward, { dz, p, targets, w }, R * V, { n: V });
}
