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
    go(0, 400, a.length);
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

it('what a rule leaves alone is not stored', () => {
  const m = new ModuleBuilder();
  emitUpdate(m, 'go', (n, { theta, memory: [a, b] }) => ({ theta, memory: [a, n.neg(b)] }), 2, []);
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 1, maximum: 1 });
  const { go } = new Instance(new Module(m.bytes()), { host: { memory } }).exports as Record<
    'go',
    (...args: number[]) => void
  >;
  const x = new Float32Array(memory.buffer);
  x.fill(3);
  // The first block lies beyond the memory: it may neither be read nor written.
  go(0, 400, 65_536 * 2, 800, 5);
  expect([...x.subarray(200, 206)]).toEqual([-3, -3, -3, -3, -3, 3]);
});
