import fc from 'fast-check';
import { expect } from 'vitest';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { type Expr, type FunctionBuilder, ModuleBuilder } from '../../src/wasm/assembler.ts';
import { emitElementwise } from '../../src/wasm/elements.ts';
import { host } from '../../src/wasm/host.ts';
import { bufferBytes, WasmMemory } from '../../src/wasm/memory.ts';

/** The unit roundoff of float32. */
export const u = 2 ** -24;

/** The standard bound on a chain of k rounded operations. */
export const gamma = (k: number): number => (k * u) / (1 - k * u);

/** The distance of a number from its neighbours in float32. */
export const ulp = (x: number): number =>
  Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(x) || 2 ** -149)) - 23));

/** Rows, columns with every kind of rest beside four, two switches and a seed. */
const sizes = fc.record({
  R: fc.integer({ min: 0, max: 9 }),
  n: fc.integer({ min: 0, max: 19 }),
  one: fc.boolean(),
  other: fc.boolean(),
  seed: fc.nat(),
});

type Sizes = typeof sizes extends fc.Arbitrary<infer S> ? S : never;

export function forEverySize(check: (s: Sizes) => void, numRuns = 40): void {
  fc.assert(fc.property(sizes, check), { numRuns });
}

/** Draws arrays from one stream. */
export class Draw {
  private readonly rng: RandomState;

  constructor(seed: number) {
    this.rng = new RandomState(seed);
  }

  /** From −range to range. */
  floats(n: number, range = 1): Float32Array {
    return this.between(-range, range, n);
  }

  between(low: number, high: number, n: number): Float32Array {
    return Float32Array.from(this.rng.uniform(low, high, n));
  }

  /** Zeros and ones. */
  mask(n: number): Float32Array {
    return Float32Array.from(this.rng.randint(0, 2, n));
  }

  ids(n: number, below: number): Int32Array {
    return Int32Array.from(n === 0 ? [] : this.rng.randint(0, below, n));
  }
}

/** For what is to be overwritten: none may be left. */
export const nans = (n: number): Float32Array => new Float32Array(n).fill(Number.NaN);

type Numbers = Float32Array | Int32Array;
type Values = Record<string, Numbers | null>;
/** The arguments of a kernel, whatever their dtype. */
type Arguments<V extends Values> = {
  [K in keyof V]: V[K] extends Int32Array ? Int32Array : V[K] extends Float32Array ? FloatArray : FloatArray | null;
};

function isNumbers(a: unknown): a is Numbers {
  return a instanceof Float32Array || a instanceof Int32Array;
}

const PAD = 3;

/** An array in the memory that no sixteen bytes are aligned with, and whose neighbours are watched. */
function place(w: WasmMemory, values: Numbers): { array: Numbers; expectNeighbours: () => void } {
  const make = values instanceof Int32Array ? w.ints(values.length + 2 * PAD) : w.floats(values.length + 2 * PAD);
  make.fill(77);
  const array = make.subarray(PAD, PAD + values.length);
  array.set(values);
  const neighbours = () => [...make.subarray(0, PAD), ...make.subarray(PAD + values.length)];
  return { array, expectNeighbours: () => expect(neighbours()).toEqual(Array(2 * PAD).fill(77)) };
}

function memoryFor(values: readonly (Numbers | null)[]): WasmMemory {
  return new WasmMemory(values.reduce((sum, a) => sum + bufferBytes((a?.length ?? 0) + 2 * PAD), 0));
}

/**
 * Runs the same call with SIMD kernels on float32 arrays and with the TypeScript functions on float64 copies of them;
 * gives what the arrays hold afterwards. What stands beside an array must stay.
 */
export function twins<K>(make: (w: WasmMemory) => K, ts: K) {
  return <V extends Values>(
    values: V,
    call: (kernels: K, a: Arguments<V>) => void,
  ): { got: { [P in keyof V]: NonNullable<V[P]> }; want: { [P in keyof V]: Float64Array } } => {
    const w = memoryFor(Object.values(values));
    const placed = Object.entries(values).map(([name, a]) => [name, a && place(w, a)] as const);
    const got = Object.fromEntries(placed.map(([name, a]) => [name, a?.array ?? null]));
    const wide = (a: Numbers | null) => (a instanceof Float32Array ? Float64Array.from(a) : (a?.slice() ?? null));
    const want = Object.fromEntries(Object.entries(values).map(([name, a]) => [name, wide(a)]));
    call(ts, want as Arguments<V>);
    call(make(w), got as Arguments<V>);
    for (const [, a] of placed) a?.expectNeighbours();
    return { got, want } as never;
  };
}

/** Every |got − want| ≤ bound, a number or one for each element. */
export function expectNear(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  bound: number | ((i: number) => number),
): void {
  expect(got.length).toBe(want.length);
  for (let i = 0; i < got.length; i++) {
    const allowed = typeof bound === 'number' ? bound : bound(i);
    if (!(Math.abs(got[i] - want[i]) <= allowed)) throw new Error(`[${i}]: ${got[i]} for ${want[i]} ± ${allowed}`);
  }
}

/**
 * Calls a kernel with each array spoilt in turn, an element longer and outside the memory, and expects an error that
 * names function and argument, with no array changed.
 *
 * @param names of the arguments in order
 */
export function expectRefuses<K>(
  make: (w: WasmMemory) => K,
  fn: keyof K & string,
  names: string,
  args: readonly (Numbers | object | number | boolean | string)[],
): void {
  const arrays = args.map((arg) => (isNumbers(arg) ? arg : null));
  const w = memoryFor([...arrays, ...arrays]);
  const placed = args.map((arg) => (isNumbers(arg) ? place(w, arg).array : arg));
  const kernel = make(w)[fn] as (...args: unknown[]) => void;
  expect(names.split(' ')).toHaveLength(args.length);
  kernel(...placed);
  for (const [i, name] of names.split(' ').entries()) {
    const arg = placed[i];
    if (!isNumbers(arg)) continue;
    const longer = place(w, new (arg.constructor as Float32ArrayConstructor)(arg.length + 1)).array;
    const elementwise = i === 0 ? '\\w+' : name; // lengths may follow the first output
    const spoils: [Numbers, typeof Error, RegExp][] = [
      [longer, RangeError, new RegExp(`^${fn}: ${elementwise} has \\d+ elements, expected \\[.+\\] = \\[[\\d,]+\\]$`)],
      [arg.slice(), TypeError, new RegExp(`^${fn}: ${name} is not in the memory of this wasm engine$`)],
    ];
    for (const [spoilt, type, message] of spoils) {
      const call = placed.with(i, spoilt);
      const before = call.map((a) => (isNumbers(a) ? a.slice() : a));
      const spoiltCall = () => kernel(...call);
      expect(spoiltCall, `${fn} with a spoilt ${name}`).toThrow(type);
      expect(spoiltCall).toThrow(message);
      expect(call).toEqual(before);
    }
  }
}

/** A function of four lanes as a function of arrays, in a module of its own. */
export function elementwise(
  of: (f: FunctionBuilder, x: Expr<'v128'>) => Expr<'v128'>,
): (x: Float32Array) => Float32Array {
  const m = new ModuleBuilder();
  emitElementwise(m, 'of', 2, 0, (f, at, [y, x]) => at.store(y, of(f, f.let(at.load(x)))));
  const { Memory, Module, Instance } = host();
  const memory = new Memory({ initial: 64, maximum: 64 });
  const call = new Instance(new Module(m.bytes()), { host: { memory } }).exports as Record<
    'of',
    (...args: number[]) => void
  >;
  return (x) => {
    new Float32Array(memory.buffer, 0, x.length).set(x);
    call.of(4 * x.length, 0, x.length);
    return new Float32Array(memory.buffer, 4 * x.length, x.length).slice();
  };
}

/** Numbers from −range to range on lines of growing range, and every kind of size. */
export function probes(count: number, ranges: readonly number[]): Float32Array {
  const lines = ranges.flatMap((range) => Array.from({ length: count }, (_, j) => ((2 * j) / (count - 1) - 1) * range));
  const sizes = [2 ** -149, 2 ** -130, 2 ** -126, 1e-20, 1e-8, 0.625, 0.624999, Math.SQRT1_2, 1, 88.7, 1e4, 3e38];
  return Float32Array.from([...lines, ...sizes, ...sizes.map((v) => -v), 0]);
}

/** The largest distance from the exact values, in ulps. */
export function worstUlps(got: Float32Array, x: Float32Array, exact: (x: number) => number): number {
  let worst = 0;
  for (let i = 0; i < x.length; i++) {
    const want = exact(x[i]);
    const off = Math.fround(want) === got[i] ? 0 : Math.abs(got[i] - want) / ulp(want);
    if (!(off <= worst)) worst = off;
  }
  return worst;
}
