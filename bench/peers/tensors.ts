import type { Tensor } from '../contender.ts';

/** [columns,rows] of a matrix [rows,columns]: weights as `x·W` wants them. */
export function transposed(values: Tensor, columns: number): Float32Array {
  const rows = values.length / columns;
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j];
  return out;
}

/** The weights of an input layer as rows [D,G·H] that hold the bias too: what a one-hot picks. */
export function rowsWithBias(weight: Tensor, bias: Tensor): Float32Array {
  const rows = transposed(weight, weight.length / bias.length);
  for (let i = 0; i < rows.length; i++) rows[i] += bias[i % bias.length];
  return rows;
}

/** The first symbol whose cumulative softmax exceeds u. */
export function draw(logits: ArrayLike<number>, u: number): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v++) max = Math.max(max, logits[v]);
  const weights = new Float64Array(logits.length);
  let sum = 0;
  for (let v = 0; v < logits.length; v++) sum += weights[v] = Math.exp(logits[v] - max);
  let cumulative = 0;
  for (let v = 0; v < logits.length; v++) {
    cumulative += weights[v];
    if (cumulative > u * sum) return v;
  }
  return logits.length - 1;
}
