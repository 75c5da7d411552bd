import { describe, expect, it } from 'vitest';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { numberAlgebra } from '../../src/algebra/numbers.ts';
import { RowAlgebra } from '../../src/algebra/rows.ts';
import { RandomState } from '../../src/tensor/random.ts';

const N = 60;
const unary = ['neg', 'abs', 'sqrt', 'exp', 'log', 'tanh', 'sigmoid'] as const;
const binary = ['add', 'sub', 'mul', 'div', 'max', 'min'] as const;

/** Normal numbers, and the ones that decide comparisons: zeros of both signs, NaN, infinities. */
function draw(rng: RandomState): Float64Array {
  const special = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1];
  return rng.randn(N).map((v, i) => (i < 36 ? special[rng.randint(6)] : v));
}

describe('RowAlgebra gives the bits of numberAlgebra', () => {
  const rng = new RandomState(1);
  const [a, b, x, y] = [draw(rng), draw(rng), draw(rng), draw(rng)];
  const m = new RowAlgebra(N);
  const same = (row: Float64Array, want: (i: number) => number) => {
    expect(row).toStrictEqual(Float64Array.from({ length: N }, (_, i) => want(i)));
  };

  it.each(unary)('%s', (op) => {
    const positive = op === 'sqrt' || op === 'log' ? a.map((v) => Math.abs(v) + 0.5) : a;
    same(m[op](positive), (i) => numberAlgebra[op](positive[i]));
  });

  it.each(binary)('%s', (op) => same(m[op](a, b), (i) => numberAlgebra[op](a[i], b[i])));

  it('whereGreater and constant', () => {
    same(m.whereGreater(a, b, x, y), (i) => numberAlgebra.whereGreater(a[i], b[i], x[i], y[i]));
    same(m.constant(0.25), () => numberAlgebra.constant(0.25));
  });

  it('comparisons are as their docs say: a NaN in the first stays, and takes the second branch', () => {
    const n: Algebra<number> = numberAlgebra;
    expect([n.max(Number.NaN, 1), n.min(Number.NaN, 1)]).toEqual([Number.NaN, Number.NaN]);
    expect([n.max(1, 2), n.min(1, 2), n.max(2, 1), n.min(2, 1)]).toEqual([2, 1, 2, 1]);
    expect([n.whereGreater(Number.NaN, 0, 1, 2), n.whereGreater(0, Number.NaN, 1, 2)]).toEqual([2, 2]);
  });
});

describe('rows', () => {
  it('are used again after begin, constants are not', () => {
    const m = new RowAlgebra(2);
    const one = m.constant(1);
    const first = m.splat(3);
    const sum = m.add(first, one);
    expect([...sum]).toEqual([4, 4]);
    m.begin();
    expect(m.splat(7)).toBe(first);
    expect(m.neg(one)).toBe(sum);
    expect(m.constant(1)).toBe(one);
    expect([...one]).toEqual([1, 1]);
  });

  it('load and store a part of an array, rounded where it is float32', () => {
    const m = new RowAlgebra(2);
    const from = Float32Array.of(1, 2, 3, 4);
    const to = new Float32Array(4).fill(9);
    m.store(to, 2, m.add(m.load(from, 1), m.constant(0.1)));
    expect([...to]).toEqual([9, 9, Math.fround(2.1), Math.fround(3.1)]);
  });
});
