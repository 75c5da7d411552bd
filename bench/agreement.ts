import type { Tensors } from './contender.ts';
import type { Workload } from './workloads.ts';

/** Says what is wrong with an engine's results, or nothing. */
export type Judge = (results: ArrayLike<number>) => string | undefined;

/**
 * The judge of a workload's results. Losses and symbols are held against those of the float64 TypeScript loops, recorded or
 * just made; a product against one made here.
 */
export function judgeOf(workload: Workload, tensors: Tensors, reference: ArrayLike<number>): Judge {
  const { task, tolerance = 0, recordedLosses } = workload;
  if (task.kind === 'product') return productJudge(tensors.a, tensors.b, task.N);
  if (task.kind === 'sampling') return symbolJudge(reference);
  return lossJudge(recordedLosses ?? reference, tolerance);
}

/** Each loss within `tolerance` of the expected one, relative to it. */
export function lossJudge(expected: ArrayLike<number>, tolerance: number): Judge {
  return (losses) => {
    for (let step = 0; step < expected.length; step++) {
      const error = Math.abs(losses[step] - expected[step]) / Math.abs(expected[step]);
      if (error <= tolerance) continue;
      return `the loss of step ${step} is ${losses[step]}, expected ${expected[step]} within ${tolerance}`;
    }
    return undefined;
  };
}

/** The same symbols. */
export function symbolJudge(expected: ArrayLike<number>): Judge {
  return (symbols) => {
    for (let n = 0; n < expected.length; n++) {
      if (symbols[n] !== expected[n]) return `symbol ${n} is ${symbols[n]}, expected ${expected[n]}`;
    }
    return undefined;
  };
}

/**
 * C = A·B [N,N] in float32, added up in any order: |error| ≤ γ_N·Σ|a||b| with γ_n = n·u/(1 − n·u), u = 2⁻²⁴ (Higham,
 * Accuracy and Stability of Numerical Algorithms, 3.1), as much in float64 for the sums that it is held against, and 2⁻¹²⁶
 * for each product that may have been flushed to zero.
 */
export function productJudge(a: ArrayLike<number>, b: ArrayLike<number>, N: number): Judge {
  const expected = new Float64Array(N * N);
  const magnitude = new Float64Array(N * N);
  for (let i = 0; i < N; i++) {
    for (let k = 0; k < N; k++) {
      const left = a[i * N + k];
      for (let j = 0; j < N; j++) {
        const product = left * b[k * N + j];
        expected[i * N + j] += product;
        magnitude[i * N + j] += Math.abs(product);
      }
    }
  }
  const gamma = (u: number): number => (N * u) / (1 - N * u);
  const relative = gamma(2 ** -24) + 2 * gamma(2 ** -53);
  const boundAt = (at: number): number => relative * magnitude[at] + N * 2 ** -126;
  return (c) => {
    for (let at = 0; at < N * N; at++) {
      if (Math.abs(c[at] - expected[at]) <= boundAt(at)) continue;
      const [i, j] = [Math.floor(at / N), at % N];
      return `c[${i},${j}] is ${c[at]}, expected ${expected[at]} within ${boundAt(at)}`;
    }
    return undefined;
  };
}
