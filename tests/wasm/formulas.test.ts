import { expect, it } from 'vitest';
import type { Algebra } from '../../src/algebra/algebra.ts';
import { numberAlgebra } from '../../src/algebra/numbers.ts';
import { ModuleBuilder } from '../../src/wasm/assembler.ts';
import { emitUpdate } from '../../src/wasm/formulas.ts';
import { host } from '../../src/wasm/host.ts';

type Two = <V>(m: Algebra<V>, a: V, b: V) => V;

/** A formula of two numbers, four pairs and a rest at a time. */
function lanes(of: Two): (a: number[], b: number[]) => number[] {
  const m = new ModuleBuilder();
  emitUpdate(m, 'go', (n, { theta, g }) => ({ theta: of(n, theta, g), memory: [] }), 0, []);
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const { go } = new Instance(new Module(m.bytes()), { host: { memory } }).exports as Record<
    'go',
    (...args: number[]) => void
  >;
  return (a, b) => {
    const x = new Float32Array(memory.buffer);
    x.set(a, 0);
    x.set(b, 100);
    go(0, 400, 800, a.length);
    return [...x.subarray(0, a.length)];
  };
}

const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -2, 2.5, 3, 2 ** -140];
const pairs = special.flatMap((a) => special.map((b) => [a, b] as const));

/** Those whose float32 result is the rounded float64 one; -0 and 0 apart. */
const exact: Readonly<Record<string, Two>> = {
  add: (m, a, b) => m.add(a, b),
  sub: (m, a, b) => m.sub(a, b),
  mul: (m, a, b) => m.mul(a, b),
  div: (m, a, b) => m.div(a, b),
  neg: (m, a) => m.neg(a),
  abs: (m, a) => m.abs(a),
  sqrt: (m, a) => m.sqrt(m.abs(a)),
  max: (m, a, b) => m.max(a, b),
  min: (m, a, b) => m.min(a, b),
  'max with a constant': (m, a) => m.max(a, m.constant(0)),
  'whereGreater, else b': (m, a, b) => m.whereGreater(a, b, m.constant(1), b),
  'whereGreater, else 0': (m, a, b) => m.whereGreater(a, b, a, m.constant(0)),
  'whereGreater, else −0': (m, a, b) => m.whereGreater(a, b, a, m.constant(-0)),
  'whereGreater, never mind a NaN in what is not taken': (m, a, b) => m.whereGreater(a, b, m.div(a, b), m.constant(0)),
  'a constant': (m) => m.constant(0.1),
};

it.each(Object.entries(exact))('%s has the meaning that it has on numbers, on NaN and infinities, too', (_, of) => {
  const got = lanes(of)(
    pairs.map(([a]) => a),
    pairs.map(([, b]) => b),
  );
  for (const [i, [a, b]] of pairs.entries()) {
    const want = Math.fround(of(numberAlgebra, Math.fround(a), Math.fround(b)));
    if (!Object.is(got[i], want)) throw new Error(`of ${a} and ${b}: ${got[i]}, expected ${want}`);
  }
  expect(got).toHaveLength(100);
});

it.each<[string, Two]>([
  ['exp', (m, a) => m.exp(a)],
  ['log', (m, a) => m.log(m.abs(a))],
  ['tanh', (m, a) => m.tanh(a)],
  ['sigmoid', (m, a) => m.sigmoid(a)],
])('%s is the function of its own file', (_, of) => {
  const x = [-3, -0.5, 0, 0.25, 1, 2, 7, Number.NaN, 5];
  const got = lanes(of)(x, x);
  for (const [i, v] of x.entries()) {
    const want = of(numberAlgebra, v, v);
    if (Number.isNaN(want) || !Number.isFinite(want)) expect(got[i]).toBe(want);
    else expect(Math.abs(got[i] - want)).toBeLessThanOrEqual(4 * 2 ** -23 * Math.abs(want)); // 4 ulp
  }
});

it('an update keeps what was there, leaves the rest, and tells of what is not finite, wherever it stands', () => {
  const m = new ModuleBuilder();
  emitUpdate(m, 'go', (n, { theta, memory: [a, b] }) => ({ theta, memory: [a, n.div(a, b)] }), 2, []);
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const { go } = new Instance(new Module(m.bytes()), { host: { memory } }).exports as Record<
    'go',
    (...args: number[]) => number
  >;
  const x = new Float32Array(memory.buffer);
  const block = (b: number, P: number) => [...x.subarray(100 * b, 100 * b + P)];
  for (const P of [0, 1, 4, 6, 9]) {
    for (let bad = -1; bad < P; bad++) {
      for (const [theta, a, b] of [
        [1, 6, 0],
        [Number.NaN, 6, 2],
        [-Infinity, 6, 2],
        [1, 0, 0],
        [1, -3e38, 1e-3],
      ]) {
        x.fill(9);
        for (const [i, value] of [1, 0, 6, 2].entries()) x.fill(value, 100 * i, 100 * i + P);
        if (bad >= 0) for (const [i, value] of [theta, 0, a, b].entries()) x[100 * i + bad] = value;
        const before = [0, 2, 3].map((i) => block(i, P));
        // params, grads, two blocks of memory; what they held
        expect(go(0, 400, 800, 1200, 1600, 2000, 2400, P)).toBe(bad < 0 ? 0 : 1);
        expect([4, 5, 6].map((i) => block(i, P))).toEqual(before);
        expect([0, 2].map((i) => block(i, P))).toEqual(before.slice(0, 2));
        expect(block(3, P)).toEqual(before[1].map((value, i) => Math.fround(value / before[2][i])));
        for (const i of [0, 1, 2, 3, 4, 5, 6]) expect(x[100 * i + P]).toBe(9);
      }
    }
  }
});
