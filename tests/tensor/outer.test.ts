import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outer, outerBackward } from '../../src/tensor/outer.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('outer, %s', (dtype) => {
  const cases = fc.tuple(size, size).chain(([m, n]) =>
    fc.record({
      m: fc.constant(m),
      n: fc.constant(n),
      x: numbers(dtype, m),
      y: numbers(dtype, n),
      c: numbers(dtype, m * n),
    }),
  );

  it('is every product x_i·y_j, overwriting and accumulating', () => {
    fc.assert(
      fc.property(cases, ({ m, n, x, y, c: before }) => {
        const products = Array.from(before, (_, at) => x[Math.floor(at / n)] * y[at % n]);
        const c = garbage(dtype, m * n);
        outer(c, x, y, m, n);
        expect(c).toEqual(
          from(
            dtype,
            products.map((v) => v + 0),
          ),
        );
        const added = before.slice();
        outer(added, x, y, m, n, true);
        expect(added).toEqual(
          from(
            dtype,
            // A sum of one product begins at +0, so a product of −0 adds +0.
            products.map((v, at) => before[at] + (v + 0)),
          ),
        );
      }),
    );
  });

  it('backward is dC·y and dCᵀ·x, overwriting and accumulating', () => {
    fc.assert(
      fc.property(cases, ({ m, n, x, y, c: dc }) => {
        const sum = (count: number, f: (i: number) => number) => {
          let total = 0;
          for (let i = 0; i < count; i++) total += f(i);
          return total;
        };
        const dX = (g: (v: number) => number) => Array.from(x, (_, i) => sum(n, (j) => g(dc[i * n + j] * y[j])));
        const dY = (g: (v: number) => number) => Array.from(y, (_, j) => sum(m, (i) => g(dc[i * n + j] * x[i])));
        const same = (v: number) => v;
        const dx = garbage(dtype, m);
        const dy = garbage(dtype, n);
        outerBackward(dx, dy, dc, x, y, m, n);
        expectWithinBound(dx, dX(same), dX(Math.abs), n + 2);
        expectWithinBound(dy, dY(same), dY(Math.abs), m + 2);
        const dxSum = x.slice();
        const dySum = y.slice();
        outerBackward(dxSum, dySum, dc, x, y, m, n, true);
        const plus = (start: ArrayLike<number>, add: number[]) => add.map((v, i) => start[i] + v);
        expectWithinBound(dxSum, plus(x, dX(same)), plus(x.map(Math.abs), dX(Math.abs)), n + 2);
        expectWithinBound(dySum, plus(y, dY(same)), plus(y.map(Math.abs), dY(Math.abs)), m + 2);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const c = from(dtype, [1, 2, 3, 4, 5, 6]);
    const x = from(dtype, [1, 2]);
    const y = from(dtype, [1, 2, 3]);
    expectRejects(outer, 'c x y m n', [c, x, y, 2, 3]);
    expectRejects(outerBackward, 'dx dy dc x y m n', [x, y, c, x, y, 2, 3]);
  });
});
