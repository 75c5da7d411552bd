import type { FloatBuffer } from '../device/buffers.ts';
import { elementwise, dispatchElementwise } from '../device/elementwise.ts';
import { assertFloats } from '../device/assert.ts';
import { forRow, dispatchRows, rowwise } from '../device/rowwise.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';

/**
 * WGSL: ln(1 + e) for 0 ≤ e ≤ 1 as 2·artanh(s) with s = e/(2 + e) ≤ ⅓, whose series is cut where it no longer counts.
 * The built-in logarithm is only promised to 2⁻²¹ there.
 */
export const LOG1P_WGSL = `
fn log1p_of(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let t = s * s;
  let rest = ((((t / 13.0 + 1.0 / 11.0) * t + 1.0 / 9.0) * t + 1.0 / 7.0) * t + 1.0 / 5.0) * t + 1.0 / 3.0;
  return 2.0 * (s + s * t * rest);
}`;

const forward = rowwise(
  'sigmoidCrossEntropyForward',
  { losses: 'f32', o: 'f32' },
  { z: 'f32', targets: 'f32', w: 'f32' },
  `var own = 0.0;
  ${forRow(`
    let x = z(start + j);
    own += max(x, 0.0) - x * targets(start + j) + log1p_of(exp(-abs(x)));
    set_o(start + j, sigmoid_of(x));`)}
  let sum = sum_across(own, lane);
  if (lane == 0u) { set_losses(row, select(w(row) * sum, 0.0, w(row) == 0.0)); }`,
  SIGMOID_WGSL + LOG1P_WGSL,
);

/**
 * losses[r] = −w[r]·Σ_j (y ln o + (1 − y) ln(1 − o)) with o = σ(z) and y the target, computed as
 * max(z,0) − z·y + ln(1 + e^−|z|).
 *
 * @param losses [R], overwritten
 * @param o [R,V], overwritten: the outputs, which backward needs; may be `z`
 * @param z [R,V], the logits
 * @param targets [R,V]
 * @param w [R], the weight of each row: 0 for padding, 1/(R·V) for a mean over all entries
 */
export function sigmoidCrossEntropyForward(
  losses: FloatBuffer,
  o: FloatBuffer,
  z: FloatBuffer,
  targets: FloatBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  const fn = 'sigmoidCrossEntropyForward';
  assertFloats(fn, 'losses', losses, '[R]', R);
  assertFloats(fn, 'o', o, '[R,V]', R, V);
  assertFloats(fn, 'z', z, '[R,V]', R, V);
  assertFloats(fn, 'targets', targets, '[R,V]', R, V);
  assertFloats(fn, 'w', w, '[R]', R);
  dispatchRows(forward, { losses, o, z, targets, w }, R, V);
}

const backward = elementwise(
  'sigmoidCrossEntropyBackward',
  { dz: 'f32' },
  { o: 'f32', targets: 'f32', w: 'f32' },
  { n: 'u32' },
  'set_dz(i, w(i / args.n) * (o(i) - targets(i)));',
);

/**
 * dz[r,·] = w[r]·(o[r,·] − y[r,·]), for losses = w·crossEntropy(σ(z)).
 *
 * @param dz [R,V], overwritten; may be `o`
 * @param o [R,V], what the forward pass gave
 */
export function sigmoidCrossEntropyBackward(
  dz: FloatBuffer,
  o: FloatBuffer,
  targets: FloatBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  const fn = 'sigmoidCrossEntropyBackward';
  assertFloats(fn, 'dz', dz, '[R,V]', R, V);
  assertFloats(fn, 'o', o, '[R,V]', R, V);
  assertFloats(fn, 'targets', targets, '[R,V]', R, V);
  assertFloats(fn, 'w', w, '[R]', R);
  dispatchElementwise(backward, { dz, o, targets, w }, R * V, { n: V });
}
