import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logSoftmax, logSoftmaxBackward } from '../../src/tensor/logSoftmax.ts';
import { softmaxRows } from './goldens.ts';
import {
  dtypes,
  expectGolden,
  expectRejects,
  expectWithinBound,
  from,
  garbage,
  numbers,
  size,
  total,
} from './support.ts';

describe.each(dtypes)('logSoftmax, %s', (dtype) => {
  const cases = fc.tuple(size, size).chain(([rows, n]) =>
    fc.record({
      rows: fc.constant(rows),
      n: fc.constant(n),
      z: numbers(dtype, rows * n),
      dy: numbers(dtype, rows * n),
    }),
  );

  it('is the logarithm of the softmax written out, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, z }) => {
        const y = garbage(dtype, rows * n);
        logSoftmax(y, z, rows, n);
        const want = Array.from(z, (v, at) => {
          const row = z.subarray(at - (at % n), at - (at % n) + n);
          return Math.log(Math.exp(v) / total(row, Math.exp));
        });
        const magnitude = Array.from(want, (v) => Math.abs(v) + 21);
        expectWithinBound(y, want, magnitude, n + 8);
        const same = z.slice();
        logSoftmax(same, same, rows, n);
        expect(same).toEqual(y);
      }),
    );
  });

  it('survives ±1e4 and a row of one', () => {
    const y = garbage(dtype, 3);
    logSoftmax(y, from(dtype, [1e4, 0, -1e4]), 1, 3);
    expect(y).toEqual(from(dtype, [0, -1e4, -2e4]));
    logSoftmax(y, from(dtype, [1e4, 0, -1e4]), 3, 1);
    expect(y).toEqual(from(dtype, [0, 0, 0]));
  });

  it('backward is Σ_k dy_k ∂y_k/∂z_j written out, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, z, dy }) => {
        const y = garbage(dtype, rows * n);
        logSoftmax(y, z, rows, n);
        const dz = garbage(dtype, rows * n);
        logSoftmaxBackward(dz, dy, y, rows, n);
        const term = (at: number, k: number) => {
          const row = at - (at % n);
          return dy[row + k] * ((k === at % n ? 1 : 0) - Math.exp(y[at]));
        };
        const sum = (at: number, f: (v: number) => number) =>
          Array.from({ length: n }, (_, k) => f(term(at, k))).reduce((s, v) => s + v, 0);
        expectWithinBound(
          dz,
          Array.from(dy, (_, at) => sum(at, (v) => v)),
          Array.from(dy, (g, at) => Math.abs(g) + 2 * sum(at, Math.abs)),
          n + 8,
        );
        const same = dy.slice();
        logSoftmaxBackward(same, same, y, rows, n);
        expect(same).toEqual(dz);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const six = from(dtype, [1, 2, 3, 4, 5, 6]);
    expectRejects(logSoftmax, 'y z rows n', [six, six, 2, 3]);
    expectRejects(logSoftmaxBackward, 'dz dy y rows n', [six, six, six, 2, 3]);
  });
});

it('logSoftmax agrees with the logarithm of NumPy’s softmax', () => {
  for (const [r, row] of softmaxRows.z.entries()) {
    const y = new Float64Array(row.length);
    logSoftmax(y, Float64Array.from(row), 1, row.length);
    expectGolden(y, softmaxRows.softmax[r].map(Math.log), 1e-14);
  }
});
