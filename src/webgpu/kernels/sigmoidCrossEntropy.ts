import type * as host from '../../layers/sigmoidCrossEntropy.ts';
import { assertFloats, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise } from '../device/elementwise.ts';
import { eachOutput, lossKernel, type NamedLossWgsl, SET_LOSS_WGSL } from './lossKernel.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';

/**
 * WGSL: ln(1 + e) for 0 ≤ e ≤ 1 as 2·artanh(s) with s = e/(2 + e) ≤ ⅓, whose series is cut where it no longer counts.
 * The built-in logarithm is only promised to 2⁻²¹ there.
 */
const LOG1P_WGSL = `
fn log1p_of(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let t = s * s;
  let rest = ((((t / 13.0 + 1.0 / 11.0) * t + 1.0 / 9.0) * t + 1.0 / 7.0) * t + 1.0 / 5.0) * t + 1.0 / 3.0;
  return 2.0 * (s + s * t * rest);
}`;

export const SIGMOID_CROSS_ENTROPY: NamedLossWgsl = {
  name: 'sigmoidCrossEntropy',
  targets: 'values',
  forward: `var sum = 0.0;
  ${eachOutput(`let x = z(start + j);
    sum += max(x, 0.0) - x * target_value(start + j) + log1p_of(exp(-abs(x)));
    set_o(start + j, sigmoid_of(x));`)}
  ${SET_LOSS_WGSL}`,
  backward: eachOutput('set_dz(start + j, weight(i) * (o(start + j) - target_value(start + j)));'),
  functions: SIGMOID_WGSL + LOG1P_WGSL,
};

/**
 * losses[r] = −w[r]·Σ_j (y ln o + (1 − y) ln(1 − o)) with o = σ(z) and y the target, computed as
 * max(z,0) − z·y + ln(1 + e^−|z|): losses and w [R], o, z and targets [R,V]. `o` may be `z`.
 */
export const sigmoidCrossEntropyForward: OnDevice<typeof host.sigmoidCrossEntropyForward> = (...args) => {
  const [losses, o, z, targets, w, R, V] = args;
  assertFloats('sigmoidCrossEntropyForward', { losses, w }, '[R]', R);
  assertFloats('sigmoidCrossEntropyForward', { o, z, targets }, '[R,V]', R, V);
  const tensors = { o, loss: losses, z, weight: w, target_value: targets };
  dispatchElementwise(lossKernel(SIGMOID_CROSS_ENTROPY)('forward'), tensors, R, { V });
};

/** dz[r,·] = w[r]·(o[r,·] − y[r,·]), for losses = w·crossEntropy(σ(z)). `dz` may be `o`. */
export const sigmoidCrossEntropyBackward: OnDevice<typeof host.sigmoidCrossEntropyBackward> = (...args) => {
  const [dz, o, targets, w, R, V] = args;
  assertFloats('sigmoidCrossEntropyBackward', { dz, o, targets }, '[R,V]', R, V);
  assertFloats('sigmoidCrossEntropyBackward', { w }, '[R]', R);
  const tensors = { dz, o, z: o, weight: w, target_value: targets };
  dispatchElementwise(lossKernel(SIGMOID_CROSS_ENTROPY)('backward'), tensors, R, { V });
};
