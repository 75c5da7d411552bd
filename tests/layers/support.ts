import { expect } from 'vitest';
import { RandomState } from '../../src/tensor/random.ts';
import { type Dtype, dtypeOf, type FloatArray } from '../../src/tensor/shape.ts';
import { from } from '../tensor/support.ts';

export { dtypes, expectGolden, from, garbage } from '../tensor/support.ts';

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** Draws arrays of one dtype from one stream. */
export function drawer(dtype: Dtype, seed: number): (n: number, scale?: number) => FloatArray {
  const rng = new RandomState(seed);
  return (n, scale = 1) =>
    from(
      dtype,
      rng.randn(n).map((v) => v * scale),
    );
}

/** The unit roundoff of a dtype. */
export const roundoff = (dtype: Dtype): number => (dtype === 'float32' ? 2 ** -24 : 2 ** -53);

/** Every |got − want| ≤ roundings·u·max(1, the largest number wanted). */
export function expectNear(got: FloatArray, want: ArrayLike<number>, roundings: number): void {
  expect(got.length).toBe(want.length);
  const largest = Math.max(1, ...Array.from(want, Math.abs));
  for (let i = 0; i < got.length; i++) {
    const off = Math.abs(got[i] - want[i]);
    if (!(off <= roundings * roundoff(dtypeOf(got)) * largest))
      throw new Error(`[${i}]: got ${got[i]}, want ${want[i]}`);
  }
}

/** (W·x)[row] for W [·,x.length]. */
export function times(W: ArrayLike<number>, row: number, x: ArrayLike<number>, at = 0, n = x.length): number {
  let sum = 0;
  for (let j = 0; j < n; j++) sum += W[row * n + j] * x[at + j];
  return sum;
}

type Argument = FloatArray | Int32Array | number | string | boolean | null;
type Call = (...args: never[]) => unknown;

/**
 * Calls `operation` with each array spoilt in turn (an element more, one less, the other dtype) and expects an error that
 * names function and argument, what it got and what it wants, with no array changed.
 *
 * @param names of the arguments in order; the one marked `*` is the one that the others' dtype is held against
 * @returns how many calls were refused
 */
export function expectRejects(operation: Call, names: string, args: Argument[]): number {
  const fn = operation.name;
  const list = names.split(' ').map((name) => name.replace('*', ''));
  const like = names.split(' ').findIndex((name) => name.endsWith('*'));
  expect(list).toHaveLength(args.length);
  const copy = () => args.map((arg) => (ArrayBuffer.isView(arg) ? arg.slice() : arg));
  expect(() => operation(...(copy() as never[])), `${fn} unspoilt`).not.toThrow();
  let refused = 0;
  for (const [at, arg] of args.entries()) {
    if (!ArrayBuffer.isView(arg)) continue;
    const longer = new (arg.constructor as Float64ArrayConstructor)(arg.length + 1);
    const spoils: [Argument, typeof Error, RegExp][] = [longer, arg.slice(1)].map((bad) => {
      const message = `^${fn}: ${list[at]} has ${bad.length} elements, expected \\[.+\\] = \\[[\\d,]+\\]$`;
      return [bad as FloatArray, RangeError, new RegExp(message)];
    });
    if (!(arg instanceof Int32Array)) {
      const other = dtypeOf(arg) === 'float64' ? Float32Array.from(arg) : Float64Array.from(arg);
      // A spoilt yardstick makes the next argument the odd one out.
      const name = at === like ? '\\w+' : list[at];
      const message = `^${fn}: ${name} is Float(32|64)Array, expected Float(32|64)Array like the output$`;
      spoils.push([other, TypeError, new RegExp(message)]);
    }
    for (const [bad, type, message] of spoils) {
      const call = copy();
      call[at] = ArrayBuffer.isView(bad) ? bad.slice() : bad;
      const before = call.map((a) => (ArrayBuffer.isView(a) ? a.slice() : a));
      let thrown: unknown = null;
      try {
        operation(...(call as never[]));
      } catch (error) {
        thrown = error;
      }
      expect(thrown, `${fn} with a spoilt ${list[at]}`).toBeInstanceOf(type);
      expect((thrown as Error).message).toMatch(message);
      expect(call).toStrictEqual(before);
      refused++;
    }
  }
  return refused;
}
