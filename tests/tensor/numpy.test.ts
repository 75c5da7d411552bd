import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndarray, type View } from '../../src/tensor/ndarray.ts';
import * as np from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';

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

  it('isclose of infinities and NaN', () => {
    // numpy.isclose, NumPy 2.4.6
    const inf = Infinity;
    const close = [
      [inf, inf],
      [-inf, -inf],
      [0, -0],
    ];
    const apart = [
      [1, inf],
      [inf, 1],
      [-inf, inf],
      [NaN, NaN],
      [1, NaN],
      [inf, NaN],
      [NaN, inf],
    ];
    for (const [a, b] of close) expect([a, b, np.isclose(a, b)]).toEqual([a, b, true]);
    for (const [a, b] of apart) expect([a, b, np.isclose(a, b)]).toEqual([a, b, false]);
    expect(np.isclose(5, inf, inf)).toBe(false);
    expect(np.isclose(5, 4, inf)).toBe(true);
    expect(np.isclose(inf, 4, 1e-5, inf)).toBe(true);
  });

  it('argmax: the first NaN, the first of equals, an error without elements', () => {
    expect(np.argmax(np.array([1, NaN, 3, NaN]))).toBe(1);
    expect(np.argmax(np.array([NaN, 3]))).toBe(0);
    expect(np.argmax(np.array([-0, 0]))).toBe(0);
    expect(np.argmax(np.array([-Infinity, -Infinity]))).toBe(0);
    expect(() => np.argmax(np.zeros(0))).toThrow(new RangeError('argmax: a is [0], expected at least one element'));
    expect(() => np.argmax(np.zeros(2, 0))).toThrow(RangeError);
  });
});

describe('sum adds in the order of memory', () => {
  it('also of one element and of none', () => {
    expect(np.sum(np.array([-0]))).toBe(0);
    expect(np.sum(np.array(-0))).toBe(0);
    expect(np.mean(np.zeros(0))).toBeNaN();
  });

  it('the same for every order of the axes', () => {
    // RandomState(0).randn(693) and randn(3000) after 7000 others, summed by NumPy 1.24 and 2.4
    const random = new RandomState(0);
    const a = ndarray(random.randn(7000), [100, 70]);
    const b = ndarray(random.randn(693), [7, 9, 11]);
    const c = ndarray(random.randn(3000), [3, 1000]);
    expect(np.sum(a)).toBe(-77.36891375520156);
    expect(np.mean(a)).toBe(-77.36891375520156 / 7000);
    expect(np.sum(a.step(-1, 1))).toBe(-77.36891375520153);
    expect(np.sum(b.transpose(2, 0, 1))).toBe(-28.2188060344591);
    expect(np.sum(np.T(c))).toBe(-56.743574689710584);
  });
});

describe('overlap', () => {
  it('copyto reads what was there before, whatever the arrangement', () => {
    const axis = fc.record({
      size: fc.integer({ min: 1, max: 3 }),
      to: fc.integer({ min: -3, max: 3 }),
      from: fc.integer({ min: -3, max: 3 }),
    });
    const arrangement = fc.record({
      axes: fc.array(axis, { minLength: 1, maxLength: 3 }),
      offsets: fc.tuple(fc.nat(2), fc.nat(2)),
    });
    fc.assert(
      fc.property(arrangement, fc.boolean(), ({ axes, offsets }, single) => {
        const shape = axes.map(({ size }) => size);
        // the strides of `to` are far enough apart that it never holds an element twice
        const place = (strides: number[], offset: number) => ({
          strides,
          offset: 30 + offset - strides.reduce((sum, s, d) => sum + Math.min(0, s * (shape[d] - 1)), 0),
        });
        const to = place(
          axes.map(({ to }, d) => (to || 1) * 7 ** d),
          offsets[0],
        );
        const from = place(
          axes.map(({ from }, d) => from * 5 ** d),
          offsets[1],
        );
        const data = single ? new Float32Array(600) : new Float64Array(600);
        data.forEach((_, i) => {
          data[i] = i;
        });
        const target = ndarray(data, shape, to.strides, to.offset);
        const source = ndarray(data, shape, from.strides, from.offset);
        const wanted = np.tolist(np.copy(source));
        const others = data.slice();
        const written = ndarray(others, shape, to.strides, to.offset);
        np.copyto(target, source);
        expect(np.tolist(target)).toEqual(wanted);
        np.copyto(written, np.array(wanted)); // from an array of its own
        expect(data).toEqual(others); // and nothing else has changed
      }),
    );
  });

  it('reverses, shifts, transposes and broadcasts in place', () => {
    const a = np.array([1, 2, 3, 4, 5]);
    np.copyto(a, a.step(-1));
    expect(np.tolist(a)).toEqual([5, 4, 3, 2, 1]);
    np.copyto(a.lo(1), a.hi(4));
    expect(np.tolist(a)).toEqual([5, 5, 4, 3, 2]);
    np.copyto(a.hi(4), a.lo(1));
    expect(np.tolist(a)).toEqual([5, 4, 3, 2, 2]);
    const c = np.array([
      [1, 2],
      [3, 4],
    ]);
    np.copyto(c, np.T(c));
    expect(np.tolist(c)).toEqual([
      [1, 3],
      [2, 4],
    ]);
    np.copyto(c, np.column(c, 1));
    expect(np.tolist(c)).toEqual([
      [3, 4],
      [3, 4],
    ]);
    // one buffer seen as two types
    const bytes = new Float64Array(2);
    const halves = ndarray(new Float32Array(bytes.buffer, 4, 2), [2]);
    np.copyto(ndarray(bytes, [2]), ndarray(Float64Array.of(1.5, -2), [2]));
    const before = np.tolist(halves);
    np.copyto(ndarray(bytes, [2]), halves);
    expect(Array.from(bytes)).toEqual(before);
  });
});

describe('indices and extents', () => {
  const a = np.zeros(2, 3);
  it.each<[() => unknown, string]>([
    [() => np.row(a, 2), 'row: i is 2, expected a whole number from -2 to 1 as a is [2,3]'],
    [() => np.row(a, -3), 'row: i is -3, expected a whole number from -2 to 1 as a is [2,3]'],
    [() => np.row(a, 0.5), 'row: i is 0.5, expected a whole number from -2 to 1 as a is [2,3]'],
    [() => np.row(a, NaN), 'row: i is NaN, expected'],
    [() => np.row(np.array(1), 0), 'row: a is [], expected at least 1 dimension'],
    [() => np.column(a, 3), 'column: j is 3, expected a whole number from -3 to 2 as a is [2,3]'],
    [() => np.column(a, -4), 'column: j is -4, expected'],
    [() => np.column(np.zeros(3), 0), 'column: a is [3], expected at least 2 dimensions'],
    [() => np.zeros(2, -1), 'zeros: shape[1] is -1, expected a whole number'],
    [() => np.zeros(2.5), 'zeros: shape[0] is 2.5, expected a whole number'],
  ])('refused %#', (call, message) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  it('a view that reaches past its data is refused by every function', () => {
    const data = new Float64Array(6);
    const good = np.zeros(2, 3);
    const functions: Record<string, [string, (view: View) => unknown]> = {
      copy: ['a', np.copy],
      copyto: ['to', (v) => np.copyto(v, good)],
      tolist: ['a', np.tolist],
      row: ['a', (v) => np.row(v, 0)],
      column: ['a', (v) => np.column(v, 0)],
      dot: ['a', (v) => np.dot(v, np.zeros(3))],
      outer: ['x', (v) => np.outer(v, good)],
      add: ['a', (v) => np.add(v, good)],
      subtract: ['b', (v) => np.subtract(good, v)],
      multiply: ['a', (v) => np.multiply(v, 2)],
      divide: ['b', (v) => np.divide(2, v)],
      iadd: ['a', (v) => np.iadd(v, 1)],
      isub: ['b', (v) => np.isub(good, v)],
      imul: ['a', (v) => np.imul(v, good)],
      clipInPlace: ['a', (v) => np.clipInPlace(v, 0, 1)],
      sum: ['a', np.sum],
      mean: ['a', np.mean],
      argmax: ['a', np.argmax],
    };
    for (const f of [np.negative, np.exp, np.log, np.tanh, np.sqrt, np.abs, np.around]) functions[f.name] = ['a', f];
    const past = [
      [ndarray(data, [2, 3], [3, 1], 1), 'shape [2,3], stride [3,1], offset 1 reaches from 1 to 6, expected 0 … 5'],
      [ndarray(data, [2, 3], [-3, 1], 2), 'shape [2,3], stride [-3,1], offset 2 reaches from -1 to 4, expected 0 … 5'],
    ] as const;
    for (const [name, [arg, call]] of Object.entries(functions)) {
      for (const [view, message] of past) {
        expect(() => call(view), name).toThrow(RangeError);
        expect(() => call(view), name).toThrow(`${name}: ${arg} of ${message}`);
      }
    }
    expect(data).toEqual(new Float64Array(6));
    expect(() => np.copyto(good, past[0][0])).toThrow('copyto: from of shape');
    expect(() => np.dot(good, np.T(past[0][0]))).toThrow('dot: b of shape');
    expect(() => np.outer(good, past[0][0])).toThrow('outer: y of shape');
    expect(() => np.sum(ndarray(data, [1.5]))).toThrow('sum: a has shape [1.5], stride [1], offset 0, expected whole');
    expect(np.sum(ndarray(data, [0, 3], [3, 1], 99))).toBe(0); // of nothing, nothing lies outside
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
