import { describe, expect, it } from 'vitest';
import { haarVectors } from '../../src/layers/haar.ts';
import { RandomState } from '../../src/tensor/random.ts';

/** The vectors by the definition: reflections applied one by one to unit vectors, from the last to the first. */
function byDefinition(rng: RandomState, count: number, length: number): number[][] {
  const columns = Array.from({ length: count }, (_, k) => Array.from(rng.randn(length - k)));
  return columns.map((_, j) => {
    const q = new Array<number>(length).fill(0);
    const sign = columns[j][0] < 0 ? 1 : -1; // the factor that turns the diagonal of R positive
    q[j] = sign;
    for (let k = count - 1; k >= 0; k--) {
      const x = columns[k].slice();
      x[0] += (x[0] < 0 ? -1 : 1) * Math.hypot(...x);
      let dot = 0;
      let size = 0;
      for (let i = 0; i < x.length; i++) {
        dot += x[i] * q[k + i];
        size += x[i] * x[i];
      }
      for (let i = 0; i < x.length; i++) q[k + i] -= ((2 * dot) / size) * x[i];
    }
    return q;
  });
}

describe('haarVectors', () => {
  // one block and several, blocks and panels that end early
  it.each([
    [1, 1],
    [1, 9],
    [3, 4],
    [31, 31],
    [32, 32],
    [33, 70],
    [64, 65],
    [100, 100],
  ])('is the product of its reflections, %d of %d elements, and draws no more than them', (count, length) => {
    const rng = new RandomState(7);
    const at = haarVectors(rng, count, length);
    const reference = new RandomState(7);
    const wanted = byDefinition(reference, count, length);
    let worst = 0;
    for (let j = 0; j < count; j++) {
      for (let i = 0; i < length; i++) worst = Math.max(worst, Math.abs(at(j, i) - wanted[j][i]));
    }
    expect(worst).toBeLessThan(1e-14); // measured: at most 9e-16
    expect(rng.getState()).toEqual(reference.getState());
  });

  it('factorises: the first vector is the direction of the first draw', () => {
    const at = haarVectors(new RandomState(3), 40, 50);
    const x = new RandomState(3).randn(50);
    const norm = Math.hypot(...x);
    for (let i = 0; i < 50; i++) expect(at(0, i)).toBeCloseTo(x[i] / norm, 14);
  });

  it('is uniform: moments of traces of orthogonal matrices', () => {
    // Diaconis & Shahshahani (1994): tr Q, and tr Q² − 1, of a uniform Q are normal of variance 1 and 2 in the limit; for
    // n ≥ 4 these moments are exact: E tr Q = 0, E (tr Q)² = 1, E tr Q² = 1, E q_ij² = 1/n.
    const [n, draws] = [5, 20_000];
    const rng = new RandomState(11);
    let [trace, squared, traceOfSquare, corner, last] = [0, 0, 0, 0, 0];
    for (let d = 0; d < draws; d++) {
      const at = haarVectors(rng, n, n);
      let t = 0;
      for (let i = 0; i < n; i++) {
        t += at(i, i);
        for (let j = 0; j < n; j++) traceOfSquare += (at(i, j) * at(j, i)) / draws;
      }
      trace += t / draws;
      squared += t ** 2 / draws;
      corner += at(0, 0) ** 2 / draws;
      last += at(n - 1, n - 1) ** 2 / draws;
    }
    // five standard errors of each mean
    const error = 5 / Math.sqrt(draws);
    expect(Math.abs(trace)).toBeLessThan(error);
    expect(Math.abs(squared - 1)).toBeLessThan(error * Math.SQRT2);
    expect(Math.abs(traceOfSquare - 1)).toBeLessThan(error * Math.SQRT2);
    const spread = Math.sqrt(3 / (n * (n + 2)) - 1 / n ** 2); // of the square of a coordinate on the sphere
    expect(Math.abs(corner - 1 / n)).toBeLessThan(error * spread);
    expect(Math.abs(last - 1 / n)).toBeLessThan(error * spread);
  });
});
