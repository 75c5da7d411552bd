import { assertLength, assertTensor } from '../check/arrays.ts';
import type { FloatArray } from '../tensor/shape.ts';

/**
 * losses[r] = w[r]·Σ_j (o[r,j] − y[r,j])².
 *
 * @param losses [R], overwritten
 * @param o [R,V], the outputs
 * @param targets [R,V]
 * @param w [R], the weight of each row: 0 for padding, 1/(R·V) for a mean over all entries, ½ for half the square
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function squaredErrorForward(
  losses: FloatArray,
  o: FloatArray,
  targets: FloatArray,
  w: FloatArray,
  R: number,
  V: number,
): void {
  assertLength('squaredErrorForward', 'losses', losses, '[R]', R);
  assertTensor('squaredErrorForward', 'o', o, losses, '[R,V]', R, V);
  assertTensor('squaredErrorForward', 'targets', targets, losses, '[R,V]', R, V);
  assertTensor('squaredErrorForward', 'w', w, losses, '[R]', R);
  for (let r = 0; r < R; r++) {
    let sum = 0;
    for (let j = 0; j < V; j++) {
      const e = o[r * V + j] - targets[r * V + j];
      sum += e * e;
    }
    losses[r] = w[r] === 0 ? 0 : w[r] * sum;
  }
}

/**
 * do[r,·] = 2·w[r]·(o[r,·] − y[r,·]), for losses = w·Σ(o − y)².
 *
 * @param dout [R,V], overwritten; may be `o`
 */
export function squaredErrorBackward(
  dout: FloatArray,
  o: FloatArray,
  targets: FloatArray,
  w: FloatArray,
  R: number,
  V: number,
): void {
  assertLength('squaredErrorBackward', 'dout', dout, '[R,V]', R, V);
  assertTensor('squaredErrorBackward', 'o', o, dout, '[R,V]', R, V);
  assertTensor('squaredErrorBackward', 'targets', targets, dout, '[R,V]', R, V);
  assertTensor('squaredErrorBackward', 'w', w, dout, '[R]', R);
  for (let r = 0; r < R; r++) {
    for (let j = 0; j < V; j++) dout[r * V + j] = 2 * w[r] * (o[r * V + j] - targets[r * V + j]);
  }
}
