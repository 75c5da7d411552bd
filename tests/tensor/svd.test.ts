import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { singularValues } from '../../src/tensor/svd.ts';
import { singularValueCases } from './goldens.ts';
import { dtypes, expectGolden, from, numbers, size } from './support.ts';

/** The eigenvalues' sums that need no decomposition: trace(AᵀA) = Σσ², trace((AᵀA)²) = Σσ⁴. */
function traces(a: ArrayLike<number>, rows: number, cols: number): [number, number] {
  let first = 0;
  let second = 0;
  for (let p = 0; p < cols; p++) {
    for (let q = 0; q < cols; q++) {
      let dot = 0;
      for (let i = 0; i < rows; i++) dot += a[i * cols + p] * a[i * cols + q];
      if (p === q) first += dot;
      second += dot * dot;
    }
  }
  return [first, second];
}

describe.each(dtypes)('singularValues, %s', (dtype) => {
  it('has the right power sums, sorted, as many as the shorter side, and leaves A alone', () => {
    fc.assert(
      fc.property(
        fc.tuple(size, size).chain(([rows, cols]) => fc.tuple(numbers(dtype, rows * cols), fc.constant([rows, cols]))),
        ([a, [rows, cols]]) => {
          const before = a.slice();
          const values = singularValues(a, rows, cols);
          expect(a).toEqual(before);
          expect(values.length).toBe(Math.min(rows, cols));
          expect(Array.from(values)).toEqual(Array.from(values).sort((x, y) => y - x));
          const [first, second] = traces(a, rows, cols);
          const tiny = 1e-300; // below, squares have no relative precision left
          const power = (k: number) => values.reduce((s, v) => s + v ** k, 0);
          expect(Math.abs(power(2) - first)).toBeLessThanOrEqual(1e-13 * first + tiny);
          expect(Math.abs(power(4) - second)).toBeLessThanOrEqual(1e-13 * second + tiny);
        },
      ),
    );
  });

  it('is exact on a permuted diagonal', () => {
    expect(singularValues(from(dtype, [0, -3, 0, 2, 0, 0, 0, 0, 0]), 3, 3)).toEqual(Float64Array.of(3, 2, 0));
  });

  it('rejects a wrong length and numbers that are not finite', () => {
    expect(() => singularValues(from(dtype, [1, 2, 3]), 2, 2)).toThrow(
      new RangeError('singularValues: a has 3 elements, expected [rows,cols] = [2,2]'),
    );
    for (const bad of [NaN, Infinity]) {
      expect(() => singularValues(from(dtype, [1, 2, bad, 4]), 2, 2)).toThrow(
        new RangeError(`singularValues: a[2] is ${bad}, expected a finite number`),
      );
    }
  });
});

it('agrees with NumPy', () => {
  for (const { matrix, singular_values } of singularValueCases) {
    const values = singularValues(Float64Array.from(matrix.flat()), matrix.length, matrix[0].length);
    expectGolden(values, singular_values, 1e-14);
  }
});

it('neither overflows nor vanishes', () => {
  for (const scale of [2 ** 1000, 2 ** -1000]) {
    const values = singularValues(
      Float64Array.of(3, 0, 4, 5).map((v) => v * scale),
      2,
      2,
    );
    // [[3,0],[4,5]] has the singular values √45 and √5.
    expectGolden(
      values.map((v) => v / scale),
      [Math.sqrt(45), Math.sqrt(5)],
      1e-15,
    );
  }
});

it('takes a long thin matrix and one of a hidden layer’s size', () => {
  const [long] = singularValues(new Float64Array(300_000).fill(1), 300_000, 1);
  expect(Math.abs(long / Math.sqrt(300_000) - 1)).toBeLessThan(1e-14);
  // A Hadamard matrix of order 64 is 8 times an orthogonal one.
  const bits = (v: number) => v.toString(2).split('1').length - 1;
  const hadamard = Float64Array.from({ length: 64 * 64 }, (_, at) => (bits((at >> 6) & at & 63) % 2 ? -1 : 1));
  for (const v of singularValues(hadamard, 64, 64)) expect(Math.abs(v - 8)).toBeLessThan(1e-13);
});
