import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { multiply, multiplyBackward, multiplyRow, multiplyRowBackward } from '../../src/tensor/multiply.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('multiply, %s', (dtype) => {
  const triples = size.chain((n) => fc.tuple(numbers(dtype, n), numbers(dtype, n), numbers(dtype, n)));

  it('is the rounded product of each pair, in place on either too', () => {
    fc.assert(
      fc.property(triples, ([x, y]) => {
        const z = garbage(dtype, x.length);
        multiply(z, x, y);
        expect(z).toEqual(
          from(
            dtype,
            Array.from(x, (v, i) => v * y[i]),
          ),
        );
        const left = x.slice();
        multiply(left, left, y);
        const right = y.slice();
        multiply(right, x, right);
        expect(left).toEqual(z);
        expect(right).toEqual(z);
      }),
    );
  });

  it('backward is dz ⊙ y and dz ⊙ x', () => {
    fc.assert(
      fc.property(triples, ([x, y, dz]) => {
        const dx = garbage(dtype, x.length);
        const dy = garbage(dtype, x.length);
        multiplyBackward(dx, dy, dz, x, y);
        expect(dx).toEqual(
          from(
            dtype,
            Array.from(dz, (g, i) => g * y[i]),
          ),
        );
        expect(dy).toEqual(
          from(
            dtype,
            Array.from(dz, (g, i) => g * x[i]),
          ),
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(multiply, 'z x y', [two, two, two]);
    expectRejects(multiplyBackward, 'dx dy dz x y', [two, two, two, two, two]);
  });
});

describe.each(dtypes)('multiplyRow, %s', (dtype) => {
  const cases = fc.tuple(size, size).chain(([rows, n]) =>
    fc.record({
      rows: fc.constant(rows),
      n: fc.constant(n),
      x: numbers(dtype, rows * n),
      dy: numbers(dtype, rows * n),
      s: numbers(dtype, n),
      before: numbers(dtype, n),
    }),
  );

  it('multiplies every row by the row, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, s }) => {
        const y = garbage(dtype, rows * n);
        multiplyRow(y, x, s, rows, n);
        expect(y).toEqual(
          from(
            dtype,
            Array.from(x, (v, at) => v * s[at % n]),
          ),
        );
        const same = x.slice();
        multiplyRow(same, same, s, rows, n);
        expect(same).toEqual(y);
      }),
    );
  });

  it('backward overwrites dx and adds to ds', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, dy, s, before }) => {
        const dx = garbage(dtype, rows * n);
        const ds = before.slice();
        multiplyRowBackward(dx, ds, dy, x, s, rows, n);
        expect(dx).toEqual(
          from(
            dtype,
            Array.from(dy, (g, at) => g * s[at % n]),
          ),
        );
        const column = (j: number, f: (v: number) => number) =>
          Array.from({ length: rows }, (_, r) => f(dy[r * n + j] * x[r * n + j])).reduce((sum, v) => sum + v, 0);
        expectWithinBound(
          ds,
          Array.from(before, (v, j) => v + column(j, (g) => g)),
          Array.from(before, (v, j) => Math.abs(v) + column(j, Math.abs)),
          rows + 2,
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const matrix = from(dtype, [1, 2, 3, 4, 5, 6]);
    const row = from(dtype, [1, 2, 3]);
    expectRejects(multiplyRow, 'y x s rows n', [matrix, matrix, row, 2, 3]);
    expectRejects(multiplyRowBackward, 'dx ds dy x s rows n', [matrix, row, matrix, matrix, row, 2, 3]);
  });
});
