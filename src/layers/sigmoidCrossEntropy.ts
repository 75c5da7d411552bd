import { assertLength, assertTensor } from '../check/arrays.ts';
import { expOf } from '../tensor/exp.ts';
import { log1pOf } from '../tensor/log.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { sigmoid } from '../tensor/sigmoid.ts';

/**
 * losses[r] = −w[r]·Σ_j (y ln o + (1 − y) ln(1 − o)) with o = σ(z) and y the target, computed as
 * max(z,0) − z·y + ln(1 + e^−|z|), which is the same and never takes the logarithm of 0.
 *
 * @param losses [R], overwritten
 * @param o [R,V], overwritten: the outputs, which backward needs; may be `z`
 * @param z [R,V], the logits
 * @param targets [R,V]
 * @param w [R], the weight of each row: 0 for padding, 1/(R·V) for a mean over all entries
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function sigmoidCrossEntropyForward(
  losses: FloatArray,
  o: FloatArray,
  z: FloatArray,
  targets: FloatArray,
  w: FloatArray,
  R: number,
  V: number,
): void {
  assertLength('sigmoidCrossEntropyForward', 'losses', losses, '[R]', R);
  assertTensor('sigmoidCrossEntropyForward', 'o', o, losses, '[R,V]', R, V);
  assertTensor('sigmoidCrossEntropyForward', 'z', z, losses, '[R,V]', R, V);
  assertTensor('sigmoidCrossEntropyForward', 'targets', targets, losses, '[R,V]', R, V);
  assertTensor('sigmoidCrossEntropyForward', 'w', w, losses, '[R]', R);
  for (let r = 0; r < R; r++) {
    let sum = 0;
    for (let j = 0; j < V; j++) {
      const x = z[r * V + j];
      sum += Math.max(x, 0) - x * targets[r * V + j] + log1pOf(expOf(-Math.abs(x)));
    }
    losses[r] = w[r] === 0 ? 0 : w[r] * sum;
  }
  sigmoid(o, z);
}

/**
 * dz[r,·] = w[r]·(o[r,·] − y[r,·]), for losses = w·crossEntropy(σ(z)).
 *
 * @param dz [R,V], overwritten; may be `o`
 * @param o [R,V], what the forward pass gave
 */
export function sigmoidCrossEntropyBackward(
  dz: FloatArray,
  o: FloatArray,
  targets: FloatArray,
  w: FloatArray,
  R: number,
  V: number,
): void {
  assertLength('sigmoidCrossEntropyBackward', 'dz', dz, '[R,V]', R, V);
  assertTensor('sigmoidCrossEntropyBackward', 'o', o, dz, '[R,V]', R, V);
  assertTensor('sigmoidCrossEntropyBackward', 'targets', targets, dz, '[R,V]', R, V);
  assertTensor('sigmoidCrossEntropyBackward', 'w', w, dz, '[R]', R);
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < V; j++) dz[r * V + j] = w[r] * (o[r * V + j] - targets[r * V + j]);
  }
}
