import { describe, expect, it } from 'vitest';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { type Dual, dualAlgebra } from '../../src/algebra/dual.ts';
import { numberAlgebra } from '../../src/algebra/numbers.ts';
import { RandomState } from '../../src/tensor/random.ts';

const m = dualAlgebra(numberAlgebra);

/** The slopes in closed form, from Math alone. */
const unary: Record<string, [f: (x: number) => number, slope: (x: number) => number, low: number, high: number]> = {
  neg: [(x) => -x, () => -1, -3, 3],
  abs: [Math.abs, Math.sign, -3, 3],
  sqrt: [Math.sqrt, (x) => 0.5 / Math.sqrt(x), 0.1, 9],
  exp: [Math.exp, Math.exp, -3, 3],
  log: [Math.log, (x) => 1 / x, 0.1, 9],
  tanh: [Math.tanh, (x) => 1 / Math.cosh(x) ** 2, -2, 2],
  sigmoid: [(x) => 1 / (1 + Math.exp(-x)), (x) => 0.25 / Math.cosh(x / 2) ** 2, -3, 3],
};

const binary: Record<
  string,
  [f: (x: number, y: number) => number, dx: (x: number, y: number) => number, dy: (x: number, y: number) => number]
> = {
  add: [(x, y) => x + y, () => 1, () => 1],
  sub: [(x, y) => x - y, () => 1, () => -1],
  mul: [(x, y) => x * y, (_, y) => y, (x) => x],
  div: [(x, y) => x / y, (_, y) => 1 / y, (x, y) => -x / (y * y)],
  max: [Math.max, (x, y) => Number(x > y), (x, y) => Number(y > x)],
  min: [Math.min, (x, y) => Number(x < y), (x, y) => Number(y < x)],
};

/** Within so many roundings of the larger of 1 and the value. */
function expectClose(got: number, want: number): void {
  if (!(Math.abs(got - want) <= 64 * 2 ** -53 * Math.max(1, Math.abs(want))))
    throw new Error(`got ${got}, want ${want}`);
}

describe('dualAlgebra', () => {
  it.each(Object.keys(unary))('%s', (name) => {
    const [f, slope, low, high] = unary[name];
    const rng = new RandomState(1);
    for (let i = 0; i < 1000; i++) {
      const [x, d] = [rng.uniform(low, high), rng.randn()];
      const op = m[name as 'exp'];
      const { value, derivative } = op({ value: x, derivative: d });
      expectClose(value, f(x));
      expectClose(derivative, slope(x) * d);
    }
  });

  it.each(Object.keys(binary))('%s', (name) => {
    const [f, dx, dy] = binary[name];
    const rng = new RandomState(2);
    for (let i = 0; i < 1000; i++) {
      const [x, y] = [rng.randn(), rng.uniform(0.5, 2)];
      const [a, b] = [rng.randn(), rng.randn()];
      const op = m[name as 'add'];
      const { value, derivative } = op({ value: x, derivative: a }, { value: y, derivative: b });
      expectClose(value, f(x, y));
      expectClose(derivative, dx(x, y) * a + dy(x, y) * b);
    }
  });

  it('constants have no derivative, and whereGreater takes that of its side', () => {
    const x = { value: 3, derivative: 5 };
    const y = { value: 4, derivative: 7 };
    expect(m.constant(2)).toEqual({ value: 2, derivative: 0 });
    expect(m.whereGreater(m.constant(1), m.constant(0), x, y)).toEqual(x);
    expect(m.whereGreater(m.constant(0), m.constant(0), x, y)).toEqual(y);
    expect(m.abs({ value: 0, derivative: 1 })).toEqual({ value: 0, derivative: 0 });
  });

  it('nested: the second derivative of x³ + tanh x', () => {
    const second = dualAlgebra(m);
    const f = <V>(n: Algebra<V>, x: V): V => n.add(n.mul(x, n.mul(x, x)), n.tanh(x));
    const x = 0.7;
    const one: Dual<number> = { value: 1, derivative: 0 };
    const result = f(second, { value: { value: x, derivative: 1 }, derivative: one });
    const tanh = Math.tanh(x);
    expectClose(result.derivative.derivative, 6 * x - 2 * tanh * (1 - tanh * tanh));
  });
});
