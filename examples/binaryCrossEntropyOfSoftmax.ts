import type { Loss } from 'bptt';
import { expOf, type FloatArray, log1pOf, logOf, softmax } from 'bptt/tensor';

/**
 * The cost of the minimal-RNN notebook (`minimalRnn.ts`), which puts softmax outputs into an elementwise cross-entropy, as a
 * loss of one's own:
 *
 *     loss_r = −w_r·Σ_j (y_j ln p_j + (1 − y_j) ln(1 − p_j)),   p = softmax(z)
 *
 * Targets are any real numbers, as the notebook draws them. For classes use the library's `softmaxCrossEntropy`.
 */
export const binaryCrossEntropyOfSoftmax: Loss = {
  name: 'binaryCrossEntropyOfSoftmax',
  targets: 'values',
  per: 'row',
  meanOverOutputs: true,
  leastOutputs: 2,
  outputs: softmax,

  forward({ losses, outputs, logits: z, targetValues, weights, R, V }) {
    for (let r = 0; r < R; r++) {
      const start = r * V;
      const m = largestOf(z, start, V);
      // 1 − p_m of the largest is the share of all others, and would be lost in rounding if it were computed from p_m.
      // Their own maximum is taken out first, so that they may be so small that they vanish beside the largest.
      let second = Number.NEGATIVE_INFINITY;
      for (let j = 0; j < V; j++) if (j !== m) second = Math.max(second, z[start + j]);
      let rest = 0;
      for (let j = 0; j < V; j++) if (j !== m) rest += expOf(z[start + j] - second);
      const logRest = second - z[start + m] + logOf(rest);
      const logSum = log1pOf(expOf(logRest));
      let sum = 0;
      for (let j = 0; j < V; j++) {
        const y = targetValues[start + j];
        const logP = z[start + j] - z[start + m] - logSum;
        sum -= y * logP + (1 - y) * (j === m ? logRest - logSum : log1pOf(-expOf(logP)));
      }
      losses[r] = weights[r] === 0 ? 0 : weights[r] * sum;
    }
    softmax(outputs, z, R, V);
  },

  /**
   * With q_j = −y_j/p_j + (1 − y_j)/(1 − p_j), the derivative of the cross-entropy by p, put through the softmax:
   *
   *     dz_j = w·p_j·(q_j − Σ_k q_k·p_k)
   *
   * Where all probabilities but one underflow to 0 (logits 100 apart in float32, 740 in float64) it is NaN.
   */
  backward({ dlogits: dz, outputs: p, targetValues, weights, R, V }) {
    for (let r = 0; r < R; r++) {
      const start = r * V;
      const w = weights[r];
      if (w === 0) {
        dz.fill(0, start, start + V);
        continue;
      }
      // c_j = p_j·q_j = (1 − y_j)·p_j/(1 − p_j) − y_j. For the largest p_m, which may be nearly 1, neither 1 − p_m nor
      // c_m is computed alone: 1 − p_m is the sum of the others, and c_m·(1 − p_m) needs no division.
      const m = largestOf(p, start, V);
      let rest = 0;
      let others = 0;
      for (let j = 0; j < V; j++) {
        if (j === m) continue;
        rest += p[start + j];
        others += term(p[start + j], targetValues[start + j]);
      }
      const top = p[start + m];
      const yTop = targetValues[start + m];
      for (let j = 0; j < V; j++) {
        const o = p[start + j];
        const y = targetValues[start + j];
        dz[start + j] =
          j === m
            ? w * ((1 - y) * o - y * rest - o * others)
            : w * (term(o, y) - (1 - yTop) * top * (o / rest) + yTop * o - o * others);
      }
    }
  },

  /** The same for engine `webgpu`. */
  wgsl: {
    forward: `
  var m = 0u;
  for (var j = 1u; j < args.V; j++) { if (z(start + j) > z(start + m)) { m = j; } }
  let top = z(start + m);
  var second = -3.4e38;
  for (var j = 0u; j < args.V; j++) { if (j != m) { second = max(second, z(start + j)); } }
  var rest = 0.0;
  for (var j = 0u; j < args.V; j++) { if (j != m) { rest += exp(z(start + j) - second); } }
  let log_rest = second - top + log(rest);
  let log_sum = log1p_of(exp(log_rest));
  var sum = 0.0;
  for (var j = 0u; j < args.V; j++) {
    let y = target_value(start + j);
    let log_p = z(start + j) - top - log_sum;
    var log_other = log_rest - log_sum;
    if (j != m) { log_other = log1p_of(-exp(log_p)); }
    sum -= y * log_p + (1.0 - y) * log_other;
  }
  set_loss(i, select(weight(i) * sum, 0.0, weight(i) == 0.0));
  for (var j = 0u; j < args.V; j++) { set_o(start + j, exp(z(start + j) - top - log_sum)); }`,
    backward: `
  var m = 0u;
  for (var j = 1u; j < args.V; j++) { if (o(start + j) > o(start + m)) { m = j; } }
  var rest = 0.0;
  var others = 0.0;
  for (var j = 0u; j < args.V; j++) {
    if (j != m) {
      rest += o(start + j);
      others += term(o(start + j), target_value(start + j));
    }
  }
  let w = weight(i);
  let top = o(start + m);
  let y_top = target_value(start + m);
  for (var j = 0u; j < args.V; j++) {
    let p = o(start + j);
    let y = target_value(start + j);
    var d = (1.0 - y) * p - y * rest - p * others;
    if (j != m) { d = term(p, y) - (1.0 - y_top) * top * (p / rest) + y_top * p - p * others; }
    set_dz(start + j, select(w * d, 0.0, w == 0.0));
  }`,
    functions: `
fn term(p: f32, y: f32) -> f32 { return ((1.0 - y) * p) / (1.0 - p) - y; }
// ln(1 + x) for |x| ≤ 1: the series where 1 + x would lose the digits of a small x.
fn log1p_of(x: f32) -> f32 {
  if (abs(x) < 0.03125) { return x * (1.0 - x * (0.5 - x * (0.33333333 - x * (0.25 - x * (0.2 - x / 6.0))))); }
  return log(1.0 + x);
}`,
  },
};

/** c = p·q for an output p that is not the largest, so that 1 − p ≥ ½. */
function term(p: number, y: number): number {
  return ((1 - y) * p) / (1 - p) - y;
}

/** Where the row from `start` has its largest element. */
function largestOf(x: FloatArray, start: number, V: number): number {
  let m = 0;
  for (let j = 1; j < V; j++) if (x[start + j] > x[start + m]) m = j;
  return m;
}
