import type * as host from '../../layers/softmaxCrossEntropy.ts';
import { assertFloats, assertInts, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise } from '../device/elementwise.ts';
import { NO_SUCH_ID_WGSL } from './gather.ts';
import { eachOutput, lossKernel, type NamedLossWgsl, SET_LOSS_WGSL } from './lossKernel.ts';

/** The target's logit is read before `o` is written, which may be `z`. */
export const SOFTMAX_CROSS_ENTROPY: NamedLossWgsl = {
  name: 'softmaxCrossEntropy',
  targets: 'classes',
  forward: `var m = z(start);
  ${eachOutput('m = max(m, z(start + j));')}
  let id = u32(target_id(i));
  var of_target = no_such(id);
  if (id < args.V) { of_target = z(start + id); }
  var total = 0.0;
  ${eachOutput('let e = exp(z(start + j) - m); total += e; set_o(start + j, e);')}
  let sum = log(total) - (of_target - m);
  ${SET_LOSS_WGSL}
  ${eachOutput('set_o(start + j, o(start + j) / total);')}`,
  backward: `let id = u32(target_id(i));
  ${eachOutput('set_dz(start + j, weight(i) * (o(start + j) - select(0.0, 1.0, j == id)));')}`,
  functions: NO_SUCH_ID_WGSL,
};

/**
 * losses[r] = −w[r]·ln p[r,target[r]] with p = softmax(z), computed as w·(ln Σ_k e^(z_k − m) − (z_target − m)): losses, targets
 * and w [R], p and z [R,V]. `p` may be `z`. NaN where a target is not in [0,V), which the device cannot refuse.
 */
export const softmaxCrossEntropyForward: OnDevice<typeof host.softmaxCrossEntropyForward> = (...args) => {
  const [losses, p, z, targets, w, R, V] = args;
  const fn = 'softmaxCrossEntropyForward';
  assertFloats(fn, { losses, w }, '[R]', R);
  assertFloats(fn, { p, z }, '[R,V]', R, V);
  assertInts(fn, { targets }, '[R]', R);
  const tensors = { o: p, loss: losses, z, weight: w, target_id: targets };
  dispatchElementwise(lossKernel(SOFTMAX_CROSS_ENTROPY)('forward'), tensors, R, { V });
};

/** dz[r,·] = w[r]·(p[r,·] − onehot(target[r])), for losses = w·crossEntropy(softmax(z)). `dz` may be `p`. */
export const softmaxCrossEntropyBackward: OnDevice<typeof host.softmaxCrossEntropyBackward> = (...args) => {
  const [dz, p, targets, w, R, V] = args;
  const fn = 'softmaxCrossEntropyBackward';
  assertFloats(fn, { dz, p }, '[R,V]', R, V);
  assertFloats(fn, { w }, '[R]', R);
  assertInts(fn, { targets }, '[R]', R);
  const tensors = { dz, o: p, z: p, weight: w, target_id: targets };
  dispatchElementwise(lossKernel(SOFTMAX_CROSS_ENTROPY)('backward'), tensors, R, { V });
};
