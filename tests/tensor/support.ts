import fc from 'fast-check';
import { expect } from 'vitest';
import { type Dtype, dtypeOf, type FloatArray, zeros } from '../../src/tensor/shape.ts';

export const dtypes: Dtype[] = ['float64', 'float32'];

/** A size of a tensor: empty, one and odd ones come up often. */
export const size: fc.Arbitrary<number> = fc.oneof(fc.constantFrom(0, 1, 3), fc.integer({ min: 0, max: 11 }));

/**
 * n numbers in [−range, range]: mostly spread evenly over it, now and then over all exponents, where fast-check favours
 * ±0, denormals and the ends.
 */
export function numbers(dtype: Dtype, n: number, range = 10): fc.Arbitrary<FloatArray> {
  const max = dtype === 'float32' ? Math.fround(range) : range;
  const options = { min: -max, max, noNaN: true };
  const even = fc.integer({ min: -1_000_003, max: 1_000_003 }).map((k) => (k / 1_000_003) * max);
  const anyExponent = dtype === 'float32' ? fc.float(options) : fc.double(options);
  const one = fc.oneof({ arbitrary: even, weight: 4 }, { arbitrary: anyExponent, weight: 1 });
  return fc.array(one, { minLength: n, maxLength: n }).map((values) => from(dtype, values));
}

export function from(dtype: Dtype, values: ArrayLike<number>): FloatArray {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}

/** An output buffer full of NaN: an operation that overwrites leaves none behind. */
export function garbage(dtype: Dtype, n: number): FloatArray {
  return zeros(dtype, n).fill(Number.NaN);
}

/**
 * Every |got − want| ≤ γ(operations)·magnitude, γ(k) = k·u/(1 − k·u): the standard bound on a chain of k rounded
 * operations, with u = 2⁻²⁴ or 2⁻⁵³. In float64 the oracle rounds as well, hence the factor two there. One
 * smallest denormal an operation is allowed on top, for results too small to have relative precision.
 */
export function expectWithinBound(
  got: FloatArray,
  want: ArrayLike<number>,
  magnitude: ArrayLike<number>,
  operations: number,
): void {
  const float32 = dtypeOf(got) === 'float32';
  const u = float32 ? 2 ** -24 : 2 ** -53;
  const gamma = ((float32 ? 1 : 2) * (operations * u)) / (1 - operations * u);
  const denormal = operations * (float32 ? 2 ** -149 : 2 ** -1074);
  expect(got.length).toBe(want.length);
  for (let i = 0; i < got.length; i++) {
    const bound = gamma * magnitude[i] + denormal;
    if (!(Math.abs(got[i] - want[i]) <= bound)) {
      throw new Error(`[${i}]: got ${got[i]}, want ${want[i]} ± ${bound} (${dtypeOf(got)}, ${operations} operations)`);
    }
  }
}

/** Σ f(x), left to right. */
export function total(x: ArrayLike<number>, f: (v: number) => number): number {
  return Array.from(x, f).reduce((sum, v) => sum + v, 0);
}

/** Relative to the largest entry, as `tests/goldens` are compared. */
export function expectGolden(got: ArrayLike<number>, want: number[], tolerance: number): void {
  expect(got.length).toBe(want.length);
  const largest = Math.max(...want.map(Math.abs));
  const worst = Math.max(...want.map((w, i) => Math.abs(w - got[i])));
  expect(worst).toBeLessThanOrEqual(tolerance * largest);
}

/** Numbers that fast-check may not hit: both zeros, denormals, the largest, and where exp and tanh saturate. */
export const extremes = [
  0, -0, 5e-324, -5e-324, 1e-40, -1e-40, 1e-8, -1e-8, 20, -20, 709, -745, 1e4, -1e4, 1e300, -1e300,
];

const SIZES = new Set(['m', 'k', 'n', 'rows', 'vocabulary', 'outer', 'axis', 'inner', 'cols']);

/** Letters of a shape whose arguments are called otherwise. */
const LETTERS: Record<string, string> = { M: 'm', K: 'k', R: 'rows', V: 'vocabulary' };

type Operation = (...args: never[]) => unknown;
type Argument = FloatArray | Int32Array | number;

/**
 * Calls `operation` with each argument spoilt in turn, and expects an error that names the function, the argument,
 * what it got and what it wants, with no argument changed by the call:
 * every array with an element more or less, every float array with the other dtype, every size −1 and 1.5.
 *
 * @param names the names of the arguments in order, the first of which is an output
 */
export function expectRejects(operation: Operation, names: string, args: Argument[]): void {
  const list = names.split(' ');
  const fn = operation.name;
  expect(list.length).toBe(args.length);
  expect(() => operation(...(args as never[])), 'the unspoilt call').not.toThrow();

  const rejects = (at: number, spoilt: Argument, type: typeof RangeError | typeof TypeError, message: RegExp) => {
    const call = args.map((arg, i) => {
      const own = i === at ? spoilt : arg;
      return typeof own === 'number' ? own : own.slice();
    });
    const before = call.map((arg) => (typeof arg === 'number' ? arg : Array.from(arg)));
    let thrown: unknown = null;
    try {
      operation(...(call as never[]));
    } catch (error) {
      thrown = error;
    }
    expect(thrown, `${fn} with a spoilt ${list[at]}`).toBeInstanceOf(type);
    expect((thrown as Error).message).toMatch(message);
    expect(call.map((arg) => (typeof arg === 'number' ? arg : Array.from(arg)))).toEqual(before);
    return (thrown as Error).message;
  };

  for (const [at, arg] of args.entries()) {
    const name = list[at];
    if (typeof arg === 'number') {
      if (!SIZES.has(name)) continue;
      for (const bad of [-1, 1.5]) rejects(at, bad, RangeError, new RegExp(`^${fn}: .*${bad}`));
      continue;
    }
    // The lengths of an elementwise operation follow its first output, so the blame falls on another argument.
    const anyName = at === 0 ? '\\w+' : name;
    const longer = new (arg.constructor as Float64ArrayConstructor)(arg.length + 1) as FloatArray;
    const shorter = arg.slice(1);
    for (const bad of [longer, shorter]) {
      const got = at === 0 ? '\\d+' : bad.length;
      const message = new RegExp(`^${fn}: ${anyName} has ${got} elements, expected \\[.+\\] = \\[[\\d,]+\\]$`);
      expectSizes(rejects(at, bad, RangeError, message), list, args);
    }
    if (arg instanceof Int32Array) continue;
    const other = dtypeOf(arg) === 'float64' ? Float32Array.from(arg) : Float64Array.from(arg);
    const [got, wanted] = (at === 0 ? [arg, other] : [other, arg]).map((array) => array.constructor.name);
    rejects(at, other, TypeError, new RegExp(`^${fn}: ${anyName} is ${got}, expected ${wanted} like the output$`));
  }
}

/** Each letter of the shape in a message, `expected [R,n] = [2,3]`, has the size that was given for it. */
function expectSizes(message: string, list: readonly string[], args: readonly Argument[]): void {
  const [letters, sizes] = Array.from(message.matchAll(/\[([^\]]+)\]/g), ([, inside]) => inside.split(','));
  for (const [i, letter] of letters.entries()) {
    const name = [LETTERS[letter] ?? letter, letter.toLowerCase()].find((name) => list.includes(name));
    if (name !== undefined) expect(sizes[i], `${letter} in «${message}»`).toBe(String(args[list.indexOf(name)]));
  }
}
