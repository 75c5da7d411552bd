import { assertDtype, assertFloats, assertInts, assertLength, assertTensor } from '../check/arrays.ts';
import { assertWhole, assertWholes } from '../check/numbers.ts';
import { fill } from '../tensor/detached.ts';
import { expOf } from '../tensor/exp.ts';
import { logOf } from '../tensor/log.ts';
import { logSumExpOf } from '../tensor/logSumExp.ts';
import type { FloatArray } from '../tensor/shape.ts';

function assertSequence(
  fn: string,
  arg: string,
  a: FloatArray,
  like: FloatArray,
  shape: string,
  T: number,
  B: number,
  n: number,
): void {
  assertLength(fn, arg, a, shape, T, B, n);
  assertDtype(fn, arg, a, like);
}

/** Throws unless the first labelLengths[b] labels of each row are whole numbers in [0, V) other than the blank. */
function assertLabels(
  fn: string,
  labels: Int32Array,
  labelLengths: Int32Array,
  blank: number,
  V: number,
  S: number,
): void {
  for (let b = 0; b < labelLengths.length; b++) {
    const end = b * S + labelLengths[b];
    assertWholes(fn, 'labels', labels, 0, V - 1, b * S, end);
    for (let k = b * S; k < end; k++) {
      if (labels[k] === blank) throw new RangeError(`${fn}: labels[${k}] is ${blank}, the blank, which is no label`);
    }
  }
}

function assertTargetArrays(
  fn: string,
  labels: Int32Array,
  labelLengths: Int32Array,
  lengths: Int32Array,
  B: number,
  S: number,
): void {
  assertInts(fn, 'labels', labels);
  assertInts(fn, 'labelLengths', labelLengths);
  assertInts(fn, 'lengths', lengths);
  assertLength(fn, 'labels', labels, '[B,S]', B, S);
  assertLength(fn, 'labelLengths', labelLengths, '[B]', B);
  assertLength(fn, 'lengths', lengths, '[B]', B);
}

function assertTargets(
  fn: string,
  labels: Int32Array,
  labelLengths: Int32Array,
  lengths: Int32Array,
  blank: number,
  T: number,
  B: number,
  V: number,
  S: number,
): void {
  assertTargetArrays(fn, labels, labelLengths, lengths, B, S);
  assertWhole(fn, 'blank', blank, 0, V - 1);
  assertWholes(fn, 'labelLengths', labelLengths, 0, S);
  assertWholes(fn, 'lengths', lengths, 0, T);
  assertLabels(fn, labels, labelLengths, blank, V, S);
}

/** ln(e^a + e^b + e^c), −∞ where all three are. */
function logSumOf(a: number, b: number, c: number): number {
  let max = a;
  if (b > max) max = b;
  if (c > max) max = c;
  if (max === Number.NEGATIVE_INFINITY) return max;
  return max + logOf(expOf(a - max) + expOf(b - max) + expOf(c - max));
}

const NEVER: number = Number.NEGATIVE_INFINITY;

/**
 * Connectionist temporal classification: losses[b] = −w[b]·ln P(labels[b] | logits[·,b]), where P sums the probabilities of
 * all alignments. An alignment names one symbol a step; without repeats and then without blanks it reads as the labels.
 *
 * The labels with a blank before, between and after them are n = 2L + 1 states. With y = softmax(z) and l_s the symbol of
 * state s, the forward variables are α_0(0) = y_0(blank), α_0(1) = y_0(l_1),
 * α_t(s) = (α_{t−1}(s) + α_{t−1}(s − 1) + [l_s is no blank and ≠ l_{s−2}]·α_{t−1}(s − 2))·y_t(l_s),
 * and P = α_{N−1}(n − 1) + α_{N−1}(n − 2) after the N steps of the sequence. They are kept as logarithms, and the sum of each
 * step is divided out, so that float32 keeps its precision however long the sequence is.
 *
 * A sequence that cannot be aligned, see {@link ctcTooShort}, has loss +∞ (0 where w[b] = 0). A sequence of no steps has
 * loss 0 if it has no labels either, else +∞. Steps from lengths[b] on and labels from labelLengths[b] on are not read.
 *
 * Source: Graves, Fernández, Gomez & Schmidhuber, Connectionist temporal classification, ICML 2006. Equal to PyTorch's
 * `CTCLoss(reduction='none')` of `log_softmax(logits)`.
 *
 * @param losses [B], overwritten
 * @param logProbs [T,B,V], overwritten: ln y, 0 at padded steps; may be `logits`
 * @param alpha [T,B,2S+1], overwritten: ln(α_t(s)/Σ_s α_t(s)), −∞ at padded steps and states
 * @param logits [T,B,V], not normalised
 * @param labels [B,S], padded at the end; each in [0,V) and not the blank
 * @param labelLengths [B], 0 … S
 * @param lengths [B], the steps of each sequence, 0 … T
 * @param w [B], the weight of each sequence: 0 to leave it out, 1/B for a mean
 * @param blank the symbol that stands for no label, 0 … V − 1
 * @throws {RangeError} on a length that does not fit, or a label, a length or a blank out of range, {TypeError} on mixed
 * dtypes.
 */
export function ctcForward(
  losses: FloatArray,
  logProbs: FloatArray,
  alpha: FloatArray,
  logits: FloatArray,
  labels: Int32Array,
  labelLengths: Int32Array,
  lengths: Int32Array,
  w: FloatArray,
  blank: number,
  T: number,
  B: number,
  V: number,
  S: number,
): void {
  const fn = 'ctcForward';
  const states = 2 * S + 1;
  assertLength(fn, 'losses', losses, '[B]', B);
  assertSequence(fn, 'logProbs', logProbs, losses, '[T,B,V]', T, B, V);
  assertSequence(fn, 'alpha', alpha, losses, '[T,B,2S+1]', T, B, states);
  assertSequence(fn, 'logits', logits, losses, '[T,B,V]', T, B, V);
  assertTensor(fn, 'w', w, losses, '[B]', B);
  assertTargets(fn, labels, labelLengths, lengths, blank, T, B, V, S);
  fill(alpha, NEVER);
  for (let b = 0; b < B; b++) {
    const N = lengths[b];
    const n = 2 * labelLengths[b] + 1;
    for (let t = 0; t < T; t++) {
      const row = (t * B + b) * V;
      const s = t < N ? logSumExpOf(logits, row, V) : 0;
      for (let j = row; j < row + V; j++) logProbs[j] = t < N ? logits[j] - s : 0;
    }
    let loss = 0;
    for (let t = 0; t < N; t++) {
      const row = (t * B + b) * V;
      const now = (t * B + b) * states;
      const before = now - B * states;
      for (let s = 0; s < n; s++) {
        const symbol = s % 2 === 0 ? blank : labels[b * S + (s >> 1)];
        let sum: number;
        if (t === 0) sum = s < 2 ? 0 : NEVER;
        else {
          const skips = s % 2 === 1 && s > 1 && symbol !== labels[b * S + (s >> 1) - 1];
          sum = logSumOf(
            alpha[before + s],
            s > 0 ? alpha[before + s - 1] : NEVER,
            skips ? alpha[before + s - 2] : NEVER,
          );
        }
        alpha[now + s] = sum + logProbs[row + symbol];
      }
      let max = alpha[now];
      for (let s = 1; s < n; s++) if (alpha[now + s] > max) max = alpha[now + s];
      if (max === NEVER) break; // logits of −∞ forbid every alignment; the rows that follow stay at −∞
      const norm = logSumExpOf(alpha, now, n);
      for (let s = 0; s < n; s++) alpha[now + s] -= norm;
      loss -= norm;
    }
    if (N === 0) loss = n === 1 ? 0 : Number.POSITIVE_INFINITY;
    else {
      const last = ((N - 1) * B + b) * states;
      loss -= logSumOf(alpha[last + n - 1], n > 1 ? alpha[last + n - 2] : NEVER, NEVER);
    }
    losses[b] = w[b] === 0 ? 0 : w[b] * loss;
  }
}

/**
 * dz_t(v) = w·(y_t(v) − Σ_{s: l_s = v} γ_t(s)), where γ_t(s) = α_t(s)·β_t(s)/P is the probability to be in state s at step t,
 * given the labels. The backward variables β_t(s) are the probability of the labels that are left after step t:
 * β_{N−1}(n − 1) = β_{N−1}(n − 2) = 1,
 * β_t(s) = Σ_{s'} β_{t+1}(s')·y_{t+1}(l_s') over the states s' that s may go to: s, s + 1, and s + 2 where that is a skip.
 *
 * The gradient is 0 at padded steps, for sequences of weight 0, and for those whose loss is +∞ (PyTorch's `zero_infinity`).
 *
 * @param dlogits [T,B,V], overwritten; may be `logProbs`
 * @param beta [2,2S+1], scratch
 * @param logProbs [T,B,V], what the forward pass gave
 * @param alpha [T,B,2S+1], what the forward pass gave
 * @throws as {@link ctcForward}.
 */
export function ctcBackward(
  dlogits: FloatArray,
  beta: FloatArray,
  logProbs: FloatArray,
  alpha: FloatArray,
  labels: Int32Array,
  labelLengths: Int32Array,
  lengths: Int32Array,
  w: FloatArray,
  blank: number,
  T: number,
  B: number,
  V: number,
  S: number,
): void {
  const fn = 'ctcBackward';
  const states = 2 * S + 1;
  assertLength(fn, 'dlogits', dlogits, '[T,B,V]', T, B, V);
  assertTensor(fn, 'beta', beta, dlogits, '[2,2S+1]', 2, states);
  assertSequence(fn, 'logProbs', logProbs, dlogits, '[T,B,V]', T, B, V);
  assertSequence(fn, 'alpha', alpha, dlogits, '[T,B,2S+1]', T, B, states);
  assertTensor(fn, 'w', w, dlogits, '[B]', B);
  assertTargets(fn, labels, labelLengths, lengths, blank, T, B, V, S);
  for (let b = 0; b < B; b++) {
    const N = lengths[b];
    const n = 2 * labelLengths[b] + 1;
    const last = ((N - 1) * B + b) * states;
    const possible =
      N > 0 && logSumOf(alpha[last + n - 1], n > 1 ? alpha[last + n - 2] : NEVER, NEVER) !== NEVER && w[b] !== 0;
    for (let t = possible ? N : 0; t < T; t++) {
      const row = (t * B + b) * V;
      dlogits.fill(0, row, row + V);
    }
    if (!possible) continue;
    for (let s = 0; s < n; s++) beta[s] = s >= n - 2 ? 0 : NEVER;
    for (let t = N - 1; t >= 0; t--) {
      const row = (t * B + b) * V;
      const now = (t * B + b) * states;
      // here beta holds ln(β_{t+1}·y_{t+1}) but for the last step, and each state reads only itself and those behind it
      for (let s = 0; s < n && t < N - 1; s++) {
        const skips = s % 2 === 1 && s + 2 < n && labels[b * S + (s >> 1)] !== labels[b * S + (s >> 1) + 1];
        beta[s] = logSumOf(beta[s], s + 1 < n ? beta[s + 1] : NEVER, skips ? beta[s + 2] : NEVER);
      }
      let max = alpha[now] + beta[0];
      for (let s = 1; s < n; s++) if (alpha[now + s] + beta[s] > max) max = alpha[now + s] + beta[s];
      let sum = 0;
      for (let s = 0; s < n; s++) {
        const gamma = expOf(alpha[now + s] + beta[s] - max);
        beta[states + s] = gamma;
        sum += gamma;
        // γ is divided by its sum, so a factor of β does not matter: without e^max it stays near 1/α
        beta[s] += logProbs[row + (s % 2 === 0 ? blank : labels[b * S + (s >> 1)])] - max;
      }
      for (let j = row; j < row + V; j++) dlogits[j] = w[b] * expOf(logProbs[j]);
      for (let s = 0; s < n; s++) {
        dlogits[row + (s % 2 === 0 ? blank : labels[b * S + (s >> 1)])] -= (w[b] * beta[states + s]) / sum;
      }
    }
  }
}

/**
 * The sequences that have fewer steps than an alignment of their labels needs, in order: a step for each label and one for
 * the blank between two equal labels. Their loss is +∞ and their gradient 0, unless w leaves them out.
 *
 * @param labels [B,S]
 * @param labelLengths [B], 0 … S
 * @param lengths [B], the steps of each sequence
 * @throws {RangeError} on a length that does not fit or is out of range.
 */
export function ctcTooShort(
  labels: Int32Array,
  labelLengths: Int32Array,
  lengths: Int32Array,
  B: number,
  S: number,
): number[] {
  const fn = 'ctcTooShort';
  assertTargetArrays(fn, labels, labelLengths, lengths, B, S);
  assertWholes(fn, 'labelLengths', labelLengths, 0, S);
  assertWholes(fn, 'lengths', lengths, 0);
  const tooShort: number[] = [];
  for (let b = 0; b < B; b++) {
    let needed = labelLengths[b];
    for (let k = b * S + 1; k < b * S + labelLengths[b]; k++) if (labels[k] === labels[k - 1]) needed++;
    if (lengths[b] < needed) tooShort.push(b);
  }
  return tooShort;
}

/**
 * Best path decoding: the likeliest symbol of each step, the lowest where several are, without repeats and then without
 * blanks. It is the likeliest alignment, not always the likeliest labels.
 *
 * @param logits [T,B,V], logits or logarithms of probabilities
 * @param lengths [B], the steps of each sequence, 0 … T
 * @returns the labels of each sequence
 * @throws {RangeError} on a length that does not fit, a length or a blank out of range, or NaN among the logits of a step
 * that is read.
 */
export function ctcGreedyDecode(
  logits: FloatArray,
  lengths: Int32Array,
  blank: number,
  T: number,
  B: number,
  V: number,
): number[][] {
  const fn = 'ctcGreedyDecode';
  assertFloats(fn, 'logits', logits);
  assertInts(fn, 'lengths', lengths);
  assertLength(fn, 'logits', logits, '[T,B,V]', T, B, V);
  assertLength(fn, 'lengths', lengths, '[B]', B);
  assertWhole(fn, 'blank', blank, 0, V - 1);
  assertWholes(fn, 'lengths', lengths, 0, T);
  return Array.from(lengths, (N, b) => {
    const decoded: number[] = [];
    let previous = blank;
    for (let t = 0; t < N; t++) {
      const row = (t * B + b) * V;
      let best = 0;
      for (let j = 0; j < V; j++) {
        if (Number.isNaN(logits[row + j])) throw new RangeError(`${fn}: logits[${row + j}] is NaN, expected a number`);
        if (logits[row + j] > logits[row + best]) best = j;
      }
      if (best !== previous && best !== blank) decoded.push(best);
      previous = best;
    }
    return decoded;
  });
}
