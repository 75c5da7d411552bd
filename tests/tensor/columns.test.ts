import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeColumns, takeColumns } from '../../src/tensor/columns.ts';
import { dtypes, expectRejects, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('placeColumns and takeColumns, %s', (dtype) => {
  const cases = fc.tuple(size, size, size, size).chain(([rows, left, n, right]) =>
    fc.record({
      rows: fc.constant(rows),
      left: fc.constant(left),
      n: fc.constant(n),
      N: fc.constant(left + n + right),
      wide: numbers(dtype, rows * (left + n + right)),
      narrow: numbers(dtype, rows * n),
    }),
  );

  it('placeColumns overwrites its block and nothing else', () => {
    fc.assert(
      fc.property(cases, ({ rows, left, n, N, wide, narrow }) => {
        const y = wide.slice();
        placeColumns(y, narrow, rows, N, left, n);
        for (const [at, v] of y.entries()) {
          const [r, j] = [Math.floor(at / N), (at % N) - left];
          expect(v).toBe(j >= 0 && j < n ? narrow[r * n + j] : wide[at]);
        }
      }),
    );
  });

  it('takeColumns reads the block, overwriting and accumulating', () => {
    fc.assert(
      fc.property(cases, ({ rows, left, n, N, wide, narrow }) => {
        const block = Array.from(narrow, (_, at) => wide[Math.floor(at / n) * N + left + (at % n)]);
        const y = garbage(dtype, rows * n);
        takeColumns(y, wide, rows, N, left, n);
        expect(y.map((v) => v + 0)).toEqual(from(dtype, block).map((v) => v + 0));
        const sum = narrow.slice();
        takeColumns(sum, wide, rows, N, left, n, true);
        expect(sum).toEqual(
          from(
            dtype,
            block.map((v, at) => narrow[at] + v),
          ),
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const wide = from(dtype, [1, 2, 3, 4, 5, 6, 7, 8]);
    const narrow = from(dtype, [1, 2, 3, 4]);
    expectRejects(placeColumns, 'y x rows N offset n', [wide, narrow, 2, 4, 1, 2]);
    expectRejects(takeColumns, 'y x rows N offset n', [narrow, wide, 2, 4, 1, 2]);
    for (const bad of [-1, 3, 0.5, Number.NaN]) {
      expect(() => placeColumns(wide, narrow, 2, 4, bad, 2)).toThrow(
        new RangeError(`placeColumns: offset is ${bad}, expected 0 … 2: 2 of the 4 columns of y`),
      );
      expect(() => takeColumns(narrow, wide, 2, 4, bad, 2)).toThrow(
        new RangeError(`takeColumns: offset is ${bad}, expected 0 … 2: 2 of the 4 columns of x`),
      );
    }
  });
});
