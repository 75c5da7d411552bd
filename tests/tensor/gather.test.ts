import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertIds } from '../../src/check/arrays.ts';
import { gatherColumns, gatherColumnsBackward, gatherRows, gatherRowsBackward } from '../../src/tensor/gather.ts';
import type { Dtype } from '../../src/tensor/shape.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

/** A table, ids that often repeat, and a gradient for the gathered rows. */
function cases(dtype: Dtype) {
  return fc.tuple(size, fc.integer({ min: 1, max: 6 }), size).chain(([rows, vocabulary, n]) =>
    fc.record({
      rows: fc.constant(rows),
      vocabulary: fc.constant(vocabulary),
      n: fc.constant(n),
      table: numbers(dtype, vocabulary * n),
      dy: numbers(dtype, rows * n),
      before: numbers(dtype, vocabulary * n),
      ids: fc.int32Array({ min: 0, max: vocabulary - 1, minLength: rows, maxLength: rows }),
    }),
  );
}

/** Σ_r [ids[r] = id]·dy[r,j], the product of one-hot columns with dy. */
function oneHotProduct(dy: ArrayLike<number>, ids: Int32Array, id: number, n: number, j: number): number {
  let sum = 0;
  for (const [r, other] of ids.entries()) sum += (other === id ? 1 : 0) * dy[r * n + j];
  return sum;
}

describe.each(dtypes)('gatherRows and gatherColumns, %s', (dtype) => {
  it('gatherRows copies row ids[r]', () => {
    fc.assert(
      fc.property(cases(dtype), ({ rows, vocabulary, n, table, ids }) => {
        const y = garbage(dtype, rows * n);
        gatherRows(y, table, ids, rows, vocabulary, n);
        for (let r = 0; r < rows; r++) {
          expect(y.subarray(r * n, (r + 1) * n)).toEqual(table.subarray(ids[r] * n, (ids[r] + 1) * n));
        }
      }),
    );
  });

  it('gatherColumns copies column ids[r]', () => {
    fc.assert(
      fc.property(cases(dtype), ({ rows, vocabulary, n, table: w, ids }) => {
        const y = garbage(dtype, rows * n);
        gatherColumns(y, w, ids, rows, vocabulary, n);
        const want = Array.from({ length: rows * n }, (_, at) => w[(at % n) * vocabulary + ids[Math.floor(at / n)]]);
        expect(y).toEqual(from(dtype, want));
      }),
    );
  });

  it('both backward passes add every row to where it came from', () => {
    fc.assert(
      fc.property(cases(dtype), ({ rows, vocabulary, n, dy, before, ids }) => {
        const absolute = dy.map(Math.abs);
        const dtable = before.slice();
        gatherRowsBackward(dtable, dy, ids, rows, vocabulary, n);
        const rowOf = (at: number) => Math.floor(at / n);
        expectWithinBound(
          dtable,
          Array.from(before, (v, at) => v + oneHotProduct(dy, ids, rowOf(at), n, at % n)),
          Array.from(before, (v, at) => Math.abs(v) + oneHotProduct(absolute, ids, rowOf(at), n, at % n)),
          rows + 2,
        );

        const dw = before.slice();
        gatherColumnsBackward(dw, dy, ids, rows, vocabulary, n);
        const j = (at: number) => Math.floor(at / vocabulary);
        expectWithinBound(
          dw,
          Array.from(before, (v, at) => v + oneHotProduct(dy, ids, at % vocabulary, n, j(at))),
          Array.from(before, (v, at) => Math.abs(v) + oneHotProduct(absolute, ids, at % vocabulary, n, j(at))),
          rows + 2,
        );
      }),
    );
  });

  it('rejects bad arguments', () => {
    const table = from(dtype, [1, 2, 3, 4, 5, 6]);
    const y = from(dtype, [0, 0, 0, 0]);
    const ids = Int32Array.of(2, 0);
    for (const forward of [gatherRows, gatherColumns]) {
      const name = forward === gatherRows ? 'table' : 'w';
      expectRejects(forward, `y ${name} ids rows vocabulary n`, [y, table, ids, 2, 3, 2]);
    }
    for (const backward of [gatherRowsBackward, gatherColumnsBackward]) {
      const name = backward === gatherRowsBackward ? 'dtable' : 'dw';
      expectRejects(backward, `${name} dy ids rows vocabulary n`, [table, y, ids, 2, 3, 2]);
    }
  });

  it('rejects an id out of range and writes nothing', () => {
    const table = from(dtype, [1, 2, 3, 4, 5, 6]);
    const y = from(dtype, [7, 7, 7, 7]);
    for (const bad of [3, -1]) {
      const ids = Int32Array.of(0, bad);
      for (const forward of [gatherRows, gatherColumns]) {
        expect(() => forward(y, table, ids, 2, 3, 2)).toThrow(`${forward.name}: ids[1] is ${bad}, expected 0 … 2`);
      }
      for (const backward of [gatherRowsBackward, gatherColumnsBackward]) {
        expect(() => backward(table, y, ids, 2, 3, 2)).toThrow(`${backward.name}: ids[1] is ${bad}, expected 0 … 2`);
      }
    }
    expect(Array.from(y)).toEqual([7, 7, 7, 7]);
    expect(Array.from(table)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

it('assertIds accepts an empty list and the whole range', () => {
  assertIds('f', 'ids', new Int32Array(0), 0);
  assertIds('f', 'ids', Int32Array.of(0, 4), 5);
  expect(() => assertIds('f', 'targets', Int32Array.of(0, 5), 5)).toThrow(
    new RangeError('f: targets[1] is 5, expected 0 … 4'),
  );
});
