import { assertIds, assertLength, assertTensor } from '../check/arrays.ts';
import { expOf } from '../tensor/exp.ts';
import { logOf } from '../tensor/log.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { softmax } from '../tensor/softmax.ts';

/**
 * losses[r] = −w[r]·ln p[r,target[r]] with p = softmax(z), computed as w·(ln Σ_k e^(z_k − m) − (z_target − m)) so that
 * a probability that underflows costs its true amount instead of infinity.
 *
 * @param losses [R], overwritten
 * @param p [R,V], overwritten: the probabilities, which backward and sampling need; may be `z`
 * @param z [R,V], the logits
 * @param targets [R], each in [0,V)
 * @param w [R], the weight of each row: 0 for padding, 1/R for a mean
 * @throws {RangeError} on a length that does not fit or a target out of range, {TypeError} on mixed dtypes.
 */
export function softmaxCrossEntropyForward(
  losses: FloatArray,
  p: FloatArray,
  z: FloatArray,
  targets: Int32Array,
  w: FloatArray,
  R: number,
  V: number,
): void {
  assertLength('softmaxCrossEntropyForward', 'losses', losses, '[R]', R);
  assertTensor('softmaxCrossEntropyForward', 'p', p, losses, '[R,V]', R, V);
  assertTensor('softmaxCrossEntropyForward', 'z', z, losses, '[R,V]', R, V);
  assertTensor('softmaxCrossEntropyForward', 'w', w, losses, '[R]', R);
  assertLength('softmaxCrossEntropyForward', 'targets', targets, '[R]', R);
  assertIds('softmaxCrossEntropyForward', 'targets', targets, V);
  for (let r = 0; r < R; r++) {
    let max = z[r * V];
    for (let j = 1; j < V; j++) if (z[r * V + j] > max) max = z[r * V + j];
    let sum = 0;
    for (let j = 0; j < V; j++) sum += expOf(z[r * V + j] - max);
    losses[r] = w[r] === 0 ? 0 : w[r] * (logOf(sum) - (z[r * V + targets[r]] - max));
  }
  softmax(p, z, R, V);
}

/**
 * dz[r,·] = w[r]·(p[r,·] − onehot(target[r])), for losses = w·crossEntropy(softmax(z)); the notebooks'
 * `dy[targets[t]] -= 1`.
 *
 * @param dz [R,V], overwritten; may be `p`
 * @param p [R,V], what the forward pass gave
 */
export function softmaxCrossEntropyBackward(
  dz: FloatArray,
  p: FloatArray,
  targets: Int32Array,
  w: FloatArray,
  R: number,
  V: number,
): void {
  assertLength('softmaxCrossEntropyBackward', 'dz', dz, '[R,V]', R, V);
  assertTensor('softmaxCrossEntropyBackward', 'p', p, dz, '[R,V]', R, V);
  assertTensor('softmaxCrossEntropyBackward', 'w', w, dz, '[R]', R);
  assertLength('softmaxCrossEntropyBackward', 'targets', targets, '[R]', R);
  assertIds('softmaxCrossEntropyBackward', 'targets', targets, V);
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < V; j++) dz[r * V + j] = w[r] * p[r * V + j];
    dz[r * V + targets[r]] -= w[r];
  }
}
