import { expOf } from '../tensor/exp.ts';
import { log1pOf, logOf } from '../tensor/log.ts';
import { expectLength, type FloatArray } from '../tensor/shape.ts';
import { softmax } from '../tensor/softmax.ts';
import { expectTensor } from './expect.ts';

/**
 * losses[r] = −w[r]·Σ_j (y ln p + (1 − y) ln(1 − p)) with p = softmax(z): the cost of the minimal-RNN notebook, which
 * puts softmax outputs into an elementwise cross-entropy. Kept for that notebook; for classes use
 * {@link softmaxCrossEntropyForward}.
 *
 * @param losses [R], overwritten
 * @param p [R,V], overwritten: the outputs, which backward needs; may be `z`
 * @param z [R,V], the logits, V ≥ 2
 * @param targets [R,V], any real numbers, as the notebook draws them
 * @param w [R], the weight of each row
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function binaryCrossEntropyOfSoftmaxForward(
  losses: FloatArray,
  p: FloatArray,
  z: FloatArray,
  targets: FloatArray,
  w: FloatArray,
  R: number,
  V: number,
): void {
  expectLength('binaryCrossEntropyOfSoftmaxForward', 'losses', losses, '[R]', R);
  expectTensor('binaryCrossEntropyOfSoftmaxForward', 'p', p, losses, '[R,V]', R, V);
  expectTensor('binaryCrossEntropyOfSoftmaxForward', 'z', z, losses, '[R,V]', R, V);
  expectTensor('binaryCrossEntropyOfSoftmaxForward', 'targets', targets, losses, '[R,V]', R, V);
  expectTensor('binaryCrossEntropyOfSoftmaxForward', 'w', w, losses, '[R]', R);
  for (let r = 0; r < R; r++) {
    const m = largestOf(z, r, V);
    // All but the largest: 1 − p_m is their share, and would be lost in rounding if it were computed from p_m. Their own
    // maximum is taken out first, so that they may be so small that they vanish beside the largest.
    let second = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < V; j++) if (j !== m) second = Math.max(second, z[r * V + j]);
    let rest = 0;
    for (let j = 0; j < V; j++) if (j !== m) rest += expOf(z[r * V + j] - second);
    const logRest = second - z[r * V + m] + logOf(rest);
    const logSum = log1pOf(expOf(logRest));
    let sum = 0;
    for (let j = 0; j < V; j++) {
      const y = targets[r * V + j];
      const logP = z[r * V + j] - z[r * V + m] - logSum;
      sum -= y * logP + (1 - y) * (j === m ? logRest - logSum : log1pOf(-expOf(logP)));
    }
    losses[r] = w[r] === 0 ? 0 : w[r] * sum;
  }
  softmax(p, z, R, V);
}

/**
 * With q_j = −y_j/p_j + (1 − y_j)/(1 − p_j), the derivative of the cross-entropy by p:
 * dz[r,j] = w[r]·p_j·(q_j − Σ_k q_k·p_k), the softmax's backward applied to it.
 *
 * Where all probabilities but one underflow to 0 (logits 100 apart in float32, 740 in float64) it is NaN.
 *
 * @param dz [R,V], overwritten; may be `p`
 * @param p [R,V], what the forward pass gave
 */
export function binaryCrossEntropyOfSoftmaxBackward(
  dz: FloatArray,
  p: FloatArray,
  targets: FloatArray,
  w: FloatArray,
  R: number,
  V: number,
): void {
  expectLength('binaryCrossEntropyOfSoftmaxBackward', 'dz', dz, '[R,V]', R, V);
  expectTensor('binaryCrossEntropyOfSoftmaxBackward', 'p', p, dz, '[R,V]', R, V);
  expectTensor('binaryCrossEntropyOfSoftmaxBackward', 'targets', targets, dz, '[R,V]', R, V);
  expectTensor('binaryCrossEntropyOfSoftmaxBackward', 'w', w, dz, '[R]', R);
  for (let r = 0; r < R; r++) {
    if (w[r] === 0) {
      dz.fill(0, r * V, (r + 1) * V);
      continue;
    }
    // With c_j = p_j·q_j = (1 − y_j)·p_j/(1 − p_j) − y_j. For the largest p_m, which may be nearly 1, neither 1 − p_m nor
    // c_m stands alone: 1 − p_m is the sum of the others, and c_m·(1 − p_m) needs no division.
    const m = largestOf(p, r, V);
    let rest = 0;
    let others = 0;
    for (let j = 0; j < V; j++) {
      if (j === m) continue;
      rest += p[r * V + j];
      others += term(p[r * V + j], targets[r * V + j]);
    }
    const top = p[r * V + m];
    const y = targets[r * V + m];
    for (let j = 0; j < V; j++) {
      const o = p[r * V + j];
      dz[r * V + j] =
        j === m
          ? w[r] * ((1 - y) * top - y * rest - top * others)
          : w[r] * (term(o, targets[r * V + j]) - (1 - y) * top * (o / rest) + y * o - o * others);
    }
  }
}

/** c = p·q for an output p that is not the largest, so that 1 − p ≥ ½. */
function term(p: number, y: number): number {
  return ((1 - y) * p) / (1 - p) - y;
}

/** Where row r has its largest element. */
function largestOf(x: FloatArray, r: number, V: number): number {
  let m = 0;
  for (let j = 1; j < V; j++) if (x[r * V + j] > x[r * V + m]) m = j;
  return m;
}
