import fc from 'fast-check';
import { describe, it } from 'vitest';
import { matvec, matvecBackward } from '../../src/tensor/matvec.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

const sum = (n: number, f: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((s, v) => s + v, 0);
const list = (n: number, f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i));

describe.each(dtypes)('matvec, %s', (dtype) => {
  const cases = fc.tuple(size, size).chain(([m, k]) =>
    fc.record({
      m: fc.constant(m),
      k: fc.constant(k),
      a: numbers(dtype, m * k),
      x: numbers(dtype, k),
      y: numbers(dtype, m),
    }),
  );

  it('is a dot product a row, overwriting and accumulating', () => {
    fc.assert(
      fc.property(cases, ({ m, k, a, x, y: before }) => {
        const want = list(m, (i) => sum(k, (l) => a[i * k + l] * x[l]));
        const magnitude = list(m, (i) => sum(k, (l) => Math.abs(a[i * k + l] * x[l])));
        const y = garbage(dtype, m);
        matvec(y, a, x, m, k);
        expectWithinBound(y, want, magnitude, k + 2);
        const added = before.slice();
        matvec(added, a, x, m, k, true);
        expectWithinBound(
          added,
          want.map((v, i) => v + before[i]),
          magnitude.map((v, i) => v + Math.abs(before[i])),
          k + 2,
        );
      }),
    );
  });

  it('backward is dy·xᵀ and Aᵀ·dy, overwriting and accumulating', () => {
    fc.assert(
      fc.property(cases, ({ m, k, a, x, y: dy }) => {
        const dA = list(m * k, (at) => dy[Math.floor(at / k)] * x[at % k]);
        const dX = list(k, (l) => sum(m, (i) => a[i * k + l] * dy[i]));
        const dXMagnitude = list(k, (l) => sum(m, (i) => Math.abs(a[i * k + l] * dy[i])));
        const da = garbage(dtype, m * k);
        const dx = garbage(dtype, k);
        matvecBackward(da, dx, dy, a, x, m, k);
        expectWithinBound(da, dA, dA.map(Math.abs), 3);
        expectWithinBound(dx, dX, dXMagnitude, m + 2);
        const daSum = a.slice();
        const dxSum = x.slice();
        matvecBackward(daSum, dxSum, dy, a, x, m, k, true);
        expectWithinBound(
          daSum,
          dA.map((v, at) => a[at] + v),
          dA.map((v, at) => Math.abs(a[at]) + Math.abs(v)),
          3,
        );
        expectWithinBound(
          dxSum,
          dX.map((v, l) => x[l] + v),
          dXMagnitude.map((v, l) => Math.abs(x[l]) + v),
          m + 2,
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const a = from(dtype, [1, 2, 3, 4, 5, 6]);
    const x = from(dtype, [1, 2, 3]);
    const y = from(dtype, [1, 2]);
    expectRejects(matvec, 'y a x m k', [y, a, x, 2, 3]);
    expectRejects(matvecBackward, 'da dx dy a x m k', [a, x, y, a, x, 2, 3]);
  });
});
