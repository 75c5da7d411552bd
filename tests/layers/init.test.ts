import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { glorotInit, normalInit, orthogonalInit, spectralInit, uniformInit, zeroInit } from '../../src/layers/init.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { sumOfSquares } from '../../src/tensor/sum.ts';
import { singularValues } from '../../src/tensor/svd.ts';
import { dtypes, expectGolden, from, garbage, range, roundoff } from './support.ts';

interface InitWeight {
  seed: number;
  shape: [number, number];
  unishape: number[][];
  svd: number[][];
  uni: number[][];
  zero: number[][];
}
const golden: InitWeight = JSON.parse(
  readFileSync(new URL('../goldens/nb000_minimal_rnn.json', import.meta.url), 'utf8'),
).init_weight;

it("the minimal-RNN notebook's four schemes, from one stream", () => {
  const [rows, cols] = golden.shape;
  const rng = new RandomState(golden.seed);
  const w = garbage('float64', rows * cols);
  glorotInit(w, rng, rows, cols);
  expect(Array.from(w)).toEqual(golden.unishape.flat());
  spectralInit(w, rng, rows, cols);
  expectGolden(w, golden.svd.flat(), 1e-14);
  uniformInit(w, rng);
  expect(Array.from(w)).toEqual(golden.uni.flat());
  zeroInit(w);
  expect(Array.from(w)).toEqual(golden.zero.flat());
});

describe.each(dtypes)('initialisers, %s', (dtype) => {
  it('uniform: NumPy’s draws, within the limit', () => {
    const w = garbage(dtype, 500);
    uniformInit(w, new RandomState(1), 0.3);
    expect(w).toStrictEqual(from(dtype, new RandomState(1).uniform(-0.3, 0.3, 500)));
    expect(Math.max(...w)).toBeLessThanOrEqual(0.3);
    expect(Math.max(...w)).toBeGreaterThan(0.29);
    expect(Math.min(...w)).toBeLessThan(-0.29);
  });

  it('Glorot: ±√(6/(rows + cols))', () => {
    const w = garbage(dtype, 40 * 20);
    glorotInit(w, new RandomState(1), 40, 20);
    const limit = Math.sqrt(6 / 60);
    expect(w).toStrictEqual(from(dtype, new RandomState(1).uniform(-limit, limit, 800)));
  });

  it('normal: NumPy’s randn times the deviation', () => {
    const w = garbage(dtype, 99);
    normalInit(w, new RandomState(1), 0.01);
    expect(w).toStrictEqual(
      from(
        dtype,
        new RandomState(1).randn(99).map((v) => v * 0.01),
      ),
    );
  });

  it.each([
    [5, 5],
    [3, 7],
    [7, 3],
    [1, 4],
  ])('spectral: largest singular value 1, %d × %d', (rows, cols) => {
    const w = garbage(dtype, rows * cols);
    spectralInit(w, new RandomState(2), rows, cols);
    expect(Math.abs(singularValues(w, rows, cols)[0] - 1)).toBeLessThan(64 * roundoff(dtype));
    const raw = new RandomState(2).uniform(-1, 1, rows * cols);
    for (let i = 0; i < w.length; i++) expect(w[i] / w[0]).toBeCloseTo(raw[i] / raw[0], dtype === 'float32' ? 4 : 12);
  });

  it.each([
    [5, 5, 1],
    [3, 7, 1],
    [7, 3, 0.5],
    [1, 4, 2],
    [60, 60, 1],
  ])('orthogonal: the shorter side is orthonormal times gain, %d × %d, gain %f', (rows, cols, gain) => {
    const w = garbage(dtype, rows * cols);
    orthogonalInit(w, new RandomState(2), rows, cols, gain);
    const [count, length] = [Math.min(rows, cols), Math.max(rows, cols)];
    const at = (i: number, k: number) => (rows <= cols ? w[i * cols + k] : w[k * cols + i]);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        const dot = range(length).reduce((sum, k) => sum + at(i, k) * at(j, k), 0);
        expect(Math.abs(dot / gain ** 2 - (i === j ? 1 : 0))).toBeLessThan(8 * length * roundoff(dtype));
      }
    }
    for (const value of singularValues(w, rows, cols)) expect(value).toBeCloseTo(gain, dtype === 'float32' ? 5 : 12);
  });

  it.each([
    [257, 257, 1],
    [200, 500, 1],
    [500, 200, 0.5],
  ])('orthogonal of many vectors: the same, %d × %d, gain %f', (rows, cols, gain) => {
    const w = garbage(dtype, rows * cols);
    orthogonalInit(w, new RandomState(2), rows, cols, gain);
    const [count, length] = [Math.min(rows, cols), Math.max(rows, cols)];
    const [vector, element] = rows <= cols ? [cols, 1] : [1, cols];
    let worst = 0;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += w[i * vector + k * element] * w[j * vector + k * element];
        worst = Math.max(worst, Math.abs(dot / gain ** 2 - (i === j ? 1 : 0)));
      }
    }
    // rounding of the elements to their type, of which each product has two, and of the sums
    expect(worst).toBeLessThan(8 * Math.sqrt(length) * roundoff(dtype));
  });

  it('orthogonal: up to 256 × 256 by Gram–Schmidt, whose first row is the first draw', () => {
    for (const [rows, cols] of [
      [256, 256],
      [3, 9],
    ]) {
      const w = garbage(dtype, rows * cols);
      orthogonalInit(w, new RandomState(4), rows, cols);
      const first = new RandomState(4).randn(cols);
      const norm = Math.sqrt(sumOfSquares(first));
      expect(w.subarray(0, cols)).toStrictEqual(
        from(
          dtype,
          first.map((x) => x / norm),
        ),
      );
    }
  });

  it('orthogonal: a row as long as any vocabulary', () => {
    const w = garbage(dtype, 200_000);
    orthogonalInit(w, new RandomState(2), 1, 200_000);
    expect(Math.sqrt(sumOfSquares(w))).toBeCloseTo(1, 5);
  });

  it('zero', () => {
    const w = garbage(dtype, 3);
    zeroInit(w);
    expect(Array.from(w)).toEqual([0, 0, 0]);
  });

  it('refuse a size that does not fit, having drawn nothing', () => {
    for (const init of [glorotInit, spectralInit, orthogonalInit]) {
      const rng = new RandomState(1);
      const before = rng.getState();
      const message = `${init.name}: w has 5 elements, expected [rows,cols] = [2,3]`;
      expect(() => init(garbage(dtype, 5), rng, 2, 3)).toThrow(RangeError(message));
      expect(rng.getState()).toEqual(before);
    }
  });
});
