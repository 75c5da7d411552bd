import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, addRow, addRowBackward } from '../../src/tensor/add.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('add, %s', (dtype) => {
  const pairs = size.chain((n) => fc.tuple(numbers(dtype, n, 1e30), numbers(dtype, n, 1e30)));

  it('is the rounded sum of each pair', () => {
    fc.assert(
      fc.property(pairs, ([x, y]) => {
        const z = garbage(dtype, x.length);
        add(z, x, y);
        expect(z).toEqual(
          from(
            dtype,
            Array.from(x, (v, i) => v + y[i]),
          ),
        );
      }),
    );
  });

  it('works in place on either operand', () => {
    fc.assert(
      fc.property(pairs, ([x, y]) => {
        const z = garbage(dtype, x.length);
        add(z, x, y);
        const left = x.slice();
        add(left, left, y);
        const right = y.slice();
        add(right, x, right);
        expect(left).toEqual(z);
        expect(right).toEqual(z);
      }),
    );
  });

  it('rejects bad arguments', () => {
    expectRejects(add, 'z x y', [from(dtype, [0, 0]), from(dtype, [1, 2]), from(dtype, [3, 4])]);
  });
});

describe.each(dtypes)('addRow, %s', (dtype) => {
  const cases = fc
    .tuple(size, size)
    .chain(([rows, n]) =>
      fc.record({ rows: fc.constant(rows), n: fc.constant(n), x: numbers(dtype, rows * n), b: numbers(dtype, n) }),
    );

  it('adds the row to every row, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, b }) => {
        const y = garbage(dtype, rows * n);
        addRow(y, x, b, rows, n);
        expect(y).toEqual(
          from(
            dtype,
            Array.from(x, (v, at) => v + b[at % n]),
          ),
        );
        const same = x.slice();
        addRow(same, same, b, rows, n);
        expect(same).toEqual(y);
      }),
    );
  });

  it('backward adds the column sums to db', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x: dy, b: before }) => {
        const db = before.slice();
        addRowBackward(db, dy, rows, n);
        const column = (j: number, f: (v: number) => number) =>
          Array.from({ length: rows }, (_, r) => f(dy[r * n + j])).reduce((s, v) => s + v, 0);
        const want = Array.from(before, (v, j) => v + column(j, (g) => g));
        const magnitude = Array.from(before, (v, j) => Math.abs(v) + column(j, Math.abs));
        expectWithinBound(db, want, magnitude, rows + 2);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const matrix = from(dtype, [1, 2, 3, 4, 5, 6]);
    const row = from(dtype, [1, 2, 3]);
    expectRejects(addRow, 'y x b rows n', [matrix, matrix, row, 2, 3]);
    expectRejects(addRowBackward, 'db dy rows n', [row, matrix, 2, 3]);
  });
});
