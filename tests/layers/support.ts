import { expect } from 'vitest';
import { type Cell, type CellBackward, type CellForward, cellSizes } from '../../src/layers/cell.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { type Dtype, dtypeOf, type FloatArray } from '../../src/tensor/shape.ts';
import { from, garbage } from '../tensor/support.ts';

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
      const [got, wanted] = (at === like ? [arg, other] : [other, arg]).map((array) => array.constructor.name);
      const message = `^${fn}: ${name} is ${got}, expected ${wanted} like the output$`;
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

/** The arrays of one step of a cell: random numbers, and garbage where its functions are to write. */
export function drawStep(
  cell: Cell,
  dtype: Dtype,
  seed: number,
  B: number,
  H: number,
): { forward: CellForward; backward: CellBackward } {
  const { hidden, inner, separate } = cellSizes(cell);
  const draw = drawer(dtype, seed);
  const blank = (blocks: number) => garbage(dtype, B * H * blocks);
  const extras = Object.values(cell.extra ?? {});
  const common = {
    states: cell.states.map(() => blank(1)),
    saved: blank(cell.savedBlocks),
    previous: cell.states.map(() => draw(B * H)),
    extra: extras.map(({ blocks }) => draw(blocks * H)),
  };
  const dxGates = blank(cell.gates);
  return {
    forward: {
      ...common,
      ...{ xGates: draw(B * H * cell.gates), hGates: draw(B * H * hidden) },
      ...{ operand: blank(inner > 0 ? 1 : 0), innerGates: draw(B * H * inner) },
    },
    backward: {
      ...common,
      ...{ dxGates, dhGates: separate ? blank(hidden) : dxGates, dprevious: cell.states.map(() => blank(1)) },
      dextra: extras.map(({ blocks }) => blank(blocks)),
      dstates: cell.states.map(() => draw(B * H)),
      ...{ dinnerGates: blank(inner), doperand: draw(inner > 0 ? B * H : 0) },
    },
  };
}

/** The number of unit j of sequence b in one block of an array [B,blocks·H]. */
export function blockOf(values: FloatArray, blocks: number, block: number, H: number, i: number): number {
  const [b, j] = [Math.floor(i / H), i % H];
  return values[(b * blocks + block) * H + j];
}

/** Holds a number to a plain formula, within so many roundings of the larger of it and 1. */
export function expectNumber(got: number, want: number, roundings: number, dtype: Dtype): void {
  const off = Math.abs(got - want);
  if (!(off <= roundings * roundoff(dtype) * Math.max(1, Math.abs(want)))) throw new Error(`got ${got}, want ${want}`);
}
