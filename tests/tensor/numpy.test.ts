import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../src/tensor/ndarray.ts';
import * as np from '../../src/tensor/numpy.ts';

const numbers = fc.integer({ min: -50, max: 50 }).map((x) => x / 8);
const shape = fc.integer({ min: 1, max: 4 });
const matrix = (rows: number, columns: number) =>
  fc
    .array(fc.array(numbers, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows })
    .map(np.array);

describe('the digits of NumPy', () => {
  const golden = JSON.parse(readFileSync(new URL('../goldens/numerics.json', import.meta.url), 'utf8'));

  it('sums and means', () => {
    for (const { values, np_sum, np_mean } of golden.cases) {
      expect(np.sum(np.array(values))).toBe(np_sum);
      expect(np.mean(np.array(values))).toBe(np_mean);
    }
    expect(golden.cases.length).toBe(20);
  });

  it('around, sign, isclose', () => {
    expect(np.tolist(np.around(np.array(golden.np_around.x)))).toEqual(golden.np_around.y);
    expect(golden.np_sign.x.map(np.sign)).toEqual(golden.np_sign.y);
    expect(np.sign(Number.NaN)).toBeNaN();
    const pairs = golden['np_isclose_rtol_1e-5_atol_1e-8'];
    for (const { a, b, isclose } of pairs) expect(np.isclose(a, b)).toBe(isclose);
    expect(pairs.length).toBe(7);
  });
});

describe('dot', () => {
  const byDefinition = (a: np.Float64View, b: np.Float64View): number[][] =>
    Array.from({ length: a.shape[0] }, (_, i) =>
      Array.from({ length: b.shape[1] }, (_, j) => {
        let sum = 0;
        for (let k = 0; k < a.shape[1]; k++) sum += a.get(i, k) * b.get(k, j);
        return sum;
      }),
    );

  it('multiplies matrices, transposed or not, by the definition', () => {
    const operands = fc
      .tuple(shape, shape, shape)
      .chain(([m, k, n]) => fc.tuple(matrix(m, k), matrix(k, n), matrix(k, m), matrix(n, k)));
    fc.assert(
      fc.property(operands, ([a, b, at, bt]) => {
        for (const [x, y] of [
          [a, b],
          [np.T(at), b],
          [a, np.T(bt)],
          [np.T(at), np.T(bt)],
        ]) {
          expect(np.tolist(np.dot(x, y))).toEqual(byDefinition(x, y).map((row) => row.map((v) => v || 0)));
        }
      }),
    );
  });

  it('takes vectors at either side', () => {
    const a = np.array([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(np.tolist(np.dot(a, np.array([1, 0, -1])))).toEqual([-2, -2]);
    expect(np.tolist(np.dot(np.array([1, -1]), a))).toEqual([-3, -3, -3]);
    expect(np.dot(np.array([1, 2]), np.array([3, 4])).get()).toBe(11);
    expect(np.tolist(np.outer(np.array([1, 2]), np.array([3, 4])))).toEqual([
      [3, 4],
      [6, 8],
    ]);
  });

  it('names both shapes when they do not fit', () => {
    expect(() => np.dot(np.zeros(2, 3), np.zeros(2, 3))).toThrow(
      new RangeError('dot: shapes [2,3] and [2,3] do not fit, expected [M,K] and [K,N]'),
    );
    expect(() => np.dot(np.zeros(1, 2, 3), np.zeros(3))).toThrow(RangeError);
  });
});

describe('element by element', () => {
  const operations = [
    [np.add, (x: number, y: number) => x + y],
    [np.subtract, (x: number, y: number) => x - y],
    [np.multiply, (x: number, y: number) => x * y],
    [np.divide, (x: number, y: number) => x / y],
  ] as const;

  it('broadcasts rows, columns and numbers', () => {
    const operands = fc
      .tuple(shape, shape)
      .chain(([r, c]) => fc.tuple(matrix(r, c), matrix(1, c), matrix(r, 1), numbers));
    fc.assert(
      fc.property(operands, ([a, row, column, number]) => {
        for (const [operation, definition] of operations) {
          for (const [other, at] of [
            [row, (_: number, j: number) => row.get(0, j)],
            [np.row(row, 0), (_: number, j: number) => row.get(0, j)],
            [column, (i: number, _: number) => column.get(i, 0)],
            [number, () => number],
          ] as const) {
            const got = [operation(a, other), operation(other, a)];
            for (let i = 0; i < a.shape[0]; i++) {
              for (let j = 0; j < a.shape[1]; j++) {
                expect(got[0].get(i, j)).toBe(definition(a.get(i, j), at(i, j)));
                expect(got[1].get(i, j)).toBe(definition(at(i, j), a.get(i, j)));
              }
            }
          }
        }
      }),
    );
  });

  it('stretches both sides, as notebook 000 does unawares', () => {
    const sum = np.add(
      np.array([[[1, 2]], [[3, 4]]]),
      np.array([
        [10, 20],
        [30, 40],
        [50, 60],
      ]),
    );
    expect(sum.shape).toEqual([2, 3, 2]);
    expect(np.tolist(np.row(sum, 1))).toEqual([
      [13, 24],
      [33, 44],
      [53, 64],
    ]);
    expect(np.tolist(np.add(np.array([1]), 2, np.array([3, 4])))).toEqual([6, 7]);
  });

  it('updates in place, through views and from itself', () => {
    const a = np.array([
      [1, 2],
      [3, 4],
    ]);
    np.iadd(a, np.T(a));
    expect(np.tolist(a)).toEqual([
      [2, 5],
      [5, 8],
    ]);
    np.isub(np.column(a, -1), 5);
    expect(np.tolist(a)).toEqual([
      [2, 0],
      [5, 3],
    ]);
    np.imul(np.T(a), np.array([10, 100]));
    expect(np.tolist(a)).toEqual([
      [20, 0],
      [500, 300],
    ]);
    np.clipInPlace(a, 1, 400);
    expect(np.tolist(a)).toEqual([
      [20, 1],
      [400, 300],
    ]);
    np.copyto(np.row(a, -1), np.array([7]));
    expect(np.tolist(a)).toEqual([
      [20, 1],
      [7, 7],
    ]);
    expect(() => np.iadd(a, np.zeros(3))).toThrow(new RangeError('iadd: shape [3] does not broadcast to [2,2]'));
    expect(() => np.add(a, np.zeros(3))).toThrow(new RangeError('add: shapes [2,2] and [3] do not broadcast'));
    expect(() => np.copyto(np.zeros(2), a)).toThrow(RangeError);
  });

  it('maps functions', () => {
    const x = np.array([-0.5, 2]);
    expect(np.tolist(np.negative(x))).toEqual([0.5, -2]);
    expect(np.tolist(np.exp(x))).toEqual([Math.exp(-0.5), Math.exp(2)]);
    expect(np.tolist(np.log(np.abs(x)))).toEqual([Math.log(0.5), Math.log(2)]);
    expect(np.tolist(np.tanh(x))).toEqual([Math.tanh(-0.5), Math.tanh(2)]);
    expect(np.tolist(np.sqrt(np.array([4, 9])))).toEqual([2, 3]);
    expect(
      np.argmax(
        np.array([
          [1, 5],
          [5, 2],
        ]),
      ),
    ).toBe(1);
  });
});

describe('arrays', () => {
  it('come from nested lists and go back', () => {
    fc.assert(
      fc.property(
        fc.tuple(shape, shape).chain(([r, c]) => matrix(r, c)),
        (a) => {
          expect(np.tolist(np.array(np.tolist(a)))).toEqual(np.tolist(a));
          expect(np.tolist(np.T(np.T(a)))).toEqual(np.tolist(a));
        },
      ),
    );
    expect(np.array(3).get()).toBe(3);
    expect(np.tolist(np.array(3))).toBe(3);
  });

  it('are copied, not shared', () => {
    const a = ndarray(Float64Array.of(1, 2, 3, 4), [2, 2]);
    const b = np.copy(np.T(a));
    b.set(0, 1, 9);
    expect(np.tolist(a)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(np.tolist(b)).toEqual([
      [1, 9],
      [2, 4],
    ]);
    expect(np.tolist(np.zerosLike(a))).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it('have rows of one length', () => {
    for (const uneven of [
      [[1, 2], [3]],
      [[1], 2],
      [1, [2]],
    ]) {
      expect(() => np.array(uneven)).toThrow(/^array: rows differ in length/);
    }
  });
});
