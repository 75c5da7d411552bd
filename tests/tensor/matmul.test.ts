import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  matmulNN,
  matmulNNBackward,
  matmulNT,
  matmulNTBackward,
  matmulTN,
  matmulTNBackward,
} from '../../src/tensor/matmul.ts';
import type { Dtype, FloatArray } from '../../src/tensor/shape.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

const layouts = [
  { layout: 'NN', forward: matmulNN, backward: matmulNNBackward, transA: false, transB: false },
  { layout: 'NT', forward: matmulNT, backward: matmulNTBackward, transA: false, transB: true },
  { layout: 'TN', forward: matmulTN, backward: matmulTNBackward, transA: true, transB: false },
];

function cases(dtype: Dtype, range?: number, side: fc.Arbitrary<number> = size) {
  return fc.tuple(side, side, side).chain(([m, k, n]) =>
    fc.record({
      m: fc.constant(m),
      k: fc.constant(k),
      n: fc.constant(n),
      a: numbers(dtype, m * k, range),
      b: numbers(dtype, k * n, range),
      c: numbers(dtype, m * n, range),
    }),
  );
}

/** The textbook: op(A)[i,l] = A[i,l], or A[l,i] where A is stored transposed `[cols,rows]`. */
function transpose(x: ArrayLike<number>, rows: number, cols: number): number[] {
  return Array.from({ length: rows * cols }, (_, at) => x[(at % rows) * cols + Math.floor(at / rows)]);
}

function product(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += a[Math.floor(at / n) * k + l] * b[l * n + (at % n)];
    return sum;
  });
}

const absolute = (x: ArrayLike<number>) => Array.from(x, Math.abs);
const plus = (x: ArrayLike<number>, y: ArrayLike<number>) => Array.from(x, (v, i) => v + y[i]);

for (const { layout, forward, backward, transA, transB } of layouts) {
  describe.each(dtypes)(`matmul${layout}, %s`, (dtype) => {
    /** op(A) and op(B) as plain [M,K] and [K,N]. */
    const plain = (a: FloatArray, b: FloatArray, m: number, k: number, n: number) => ({
      A: transA ? transpose(a, k, m) : a,
      B: transB ? transpose(b, n, k) : b,
    });

    it.each([10, 1e-20])('is the textbook product, overwriting and accumulating, |x| ≤ %d', (range) => {
      fc.assert(
        fc.property(cases(dtype, range), ({ m, k, n, a, b, c: before }) => {
          const { A, B } = plain(a, b, m, k, n);
          const want = product(A, B, m, k, n);
          const magnitude = product(absolute(A), absolute(B), m, k, n);
          const c = garbage(dtype, m * n);
          forward(c, a, b, m, k, n);
          expectWithinBound(c, want, magnitude, k + 2);
          const sum = before.slice();
          forward(sum, a, b, m, k, n, true);
          expectWithinBound(sum, plus(before, want), plus(absolute(before), magnitude), k + 2);
        }),
      );
    });

    it('is the textbook product at sizes with several tiles and a rest', () => {
      fc.assert(
        fc.property(cases(dtype, 10, fc.integer({ min: 12, max: 40 })), ({ m, k, n, a, b, c: before }) => {
          const { A, B } = plain(a, b, m, k, n);
          const c = before.slice();
          forward(c, a, b, m, k, n, true);
          const want = plus(before, product(A, B, m, k, n));
          expectWithinBound(c, want, plus(absolute(before), product(absolute(A), absolute(B), m, k, n)), k + 2);
        }),
        { numRuns: 25 },
      );
    });

    it('backward is dC·op(B)ᵀ and op(A)ᵀ·dC, overwriting and accumulating', () => {
      fc.assert(
        fc.property(cases(dtype), ({ m, k, n, a, b, c: dc }) => {
          const { A, B } = plain(a, b, m, k, n);
          const dA = (f: (x: ArrayLike<number>) => ArrayLike<number>) => {
            const full = product(f(dc), f(transpose(B, k, n)), m, n, k);
            return transA ? transpose(full, m, k) : full;
          };
          const dB = (f: (x: ArrayLike<number>) => ArrayLike<number>) => {
            const full = product(f(transpose(A, m, k)), f(dc), k, m, n);
            return transB ? transpose(full, k, n) : full;
          };
          const same = (x: ArrayLike<number>) => x;
          const da = garbage(dtype, m * k);
          const db = garbage(dtype, k * n);
          backward(da, db, dc, a, b, m, k, n);
          expectWithinBound(da, dA(same), dA(absolute), n + 2);
          expectWithinBound(db, dB(same), dB(absolute), m + 2);
          const daSum = a.slice();
          const dbSum = b.slice();
          backward(daSum, dbSum, dc, a, b, m, k, n, true);
          expectWithinBound(daSum, plus(a, dA(same)), plus(absolute(a), dA(absolute)), n + 2);
          expectWithinBound(dbSum, plus(b, dB(same)), plus(absolute(b), dB(absolute)), m + 2);
        }),
      );
    });

    it('is bit-equal on the same input twice', () => {
      fc.assert(
        fc.property(cases(dtype), ({ m, k, n, a, b }) => {
          const first = garbage(dtype, m * n);
          const second = garbage(dtype, m * n);
          forward(first, a, b, m, k, n);
          forward(second, a, b, m, k, n);
          expect(second).toEqual(first);
        }),
      );
    });

    it('carries NaN and infinity', () => {
      const c = garbage(dtype, 1);
      forward(c, from(dtype, [Number.NaN, 1]), from(dtype, [0, 1]), 1, 2, 1);
      expect(c[0]).toBeNaN();
      forward(c, from(dtype, [Infinity, 1]), from(dtype, [-1, 1]), 1, 2, 1);
      expect(c[0]).toBe(-Infinity);
    });

    it('rejects bad arguments', () => {
      const a = from(dtype, [1, 2, 3, 4, 5, 6]);
      const b = from(dtype, Array(12).fill(1));
      const c = from(dtype, Array(8).fill(1));
      expectRejects(forward, 'c a b m k n', [c, a, b, 2, 3, 4]);
      expectRejects(backward, 'da db dc a b m k n', [a, b, c, a, b, 2, 3, 4]);
    });
  });
}

it('names the shape in the letters of the docs', () => {
  expect(() => matmulNN(new Float64Array(6), new Float64Array(4), new Float64Array(5), 2, 2, 3)).toThrow(
    new RangeError('matmulNN: b has 5 elements, expected [K,N] = [2,3]'),
  );
  expect(() => matmulTN(new Float64Array(6), new Float64Array(4), new Float64Array(5), 2, 2, -3)).toThrow(
    new RangeError('matmulTN: sizes [M,N] = [2,-3] must be whole numbers ≥ 0, got -3'),
  );
});
