import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addScaled, scale, scaleBackward, scaleRows, scaleRowsBackward } from '../../src/tensor/scale.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

const factor = fc.double({ min: -10, max: 10, noNaN: true });

describe.each(dtypes)('scale and addScaled, %s', (dtype) => {
  const pairs = size.chain((n) => fc.tuple(numbers(dtype, n), numbers(dtype, n)));

  it('scale is α·x, in place too', () => {
    fc.assert(
      fc.property(pairs, factor, ([x], alpha) => {
        const y = garbage(dtype, x.length);
        scale(y, x, alpha);
        expect(y).toEqual(
          from(
            dtype,
            Array.from(x, (v) => v * alpha),
          ),
        );
        const same = x.slice();
        scale(same, same, alpha);
        expect(same).toEqual(y);
      }),
    );
  });

  it('scaleBackward is α·dy, and Σ dy·x for α', () => {
    fc.assert(
      fc.property(pairs, factor, ([x, dy], alpha) => {
        const dx = garbage(dtype, x.length);
        const dalpha = scaleBackward(dx, dy, x, alpha);
        expect(dx).toEqual(
          from(
            dtype,
            Array.from(dy, (g) => g * alpha),
          ),
        );
        const products = Array.from(x, (v, i) => v * dy[i]);
        const total = products.reduceRight((s, v) => s + v, 0);
        const magnitude = products.reduce((s, v) => s + Math.abs(v), 0);
        expectWithinBound(Float64Array.of(dalpha), [total], [magnitude], x.length + 2);
      }),
    );
  });

  it('addScaled adds α·x', () => {
    fc.assert(
      fc.property(pairs, factor, ([x, before], alpha) => {
        const y = before.slice();
        addScaled(y, x, alpha);
        expect(y).toEqual(
          from(
            dtype,
            Array.from(before, (v, i) => v + alpha * x[i]),
          ),
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(scale, 'y x alpha', [two, two, 3]);
    expectRejects(scaleBackward, 'dx dy x alpha', [two, two, two, 3]);
    expectRejects(addScaled, 'y x alpha', [two, two, 3]);
  });
});

describe.each(dtypes)('scaleRows, %s', (dtype) => {
  const cases = fc.tuple(size, size).chain(([rows, n]) =>
    fc.record({
      rows: fc.constant(rows),
      n: fc.constant(n),
      x: numbers(dtype, rows * n),
      dy: numbers(dtype, rows * n),
      s: numbers(dtype, rows),
    }),
  );

  it('multiplies every row by its own number, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, s }) => {
        const y = garbage(dtype, rows * n);
        scaleRows(y, x, s, rows, n);
        expect(y).toEqual(
          from(
            dtype,
            Array.from(x, (v, at) => v * s[Math.floor(at / n)]),
          ),
        );
        const same = x.slice();
        scaleRows(same, same, s, rows, n);
        expect(same).toEqual(y);
      }),
    );
  });

  it('backward overwrites dx and ds', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, dy, s }) => {
        const dx = garbage(dtype, rows * n);
        const ds = garbage(dtype, rows);
        scaleRowsBackward(dx, ds, dy, x, s, rows, n);
        expect(dx).toEqual(
          from(
            dtype,
            Array.from(dy, (g, at) => g * s[Math.floor(at / n)]),
          ),
        );
        const row = (r: number, f: (v: number) => number) =>
          Array.from({ length: n }, (_, j) => f(dy[r * n + j] * x[r * n + j])).reduce((sum, v) => sum + v, 0);
        expectWithinBound(
          ds,
          Array.from(s, (_, r) => row(r, (v) => v)),
          Array.from(s, (_, r) => row(r, Math.abs)),
          n + 2,
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const matrix = from(dtype, [1, 2, 3, 4, 5, 6]);
    const column = from(dtype, [1, 2]);
    expectRejects(scaleRows, 'y x s rows n', [matrix, matrix, column, 2, 3]);
    expectRejects(scaleRowsBackward, 'dx ds dy x s rows n', [matrix, column, matrix, matrix, column, 2, 3]);
  });
});
