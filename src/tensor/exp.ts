import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { add, type DoubleDouble, divide, LN2, multiply, ONE, splitAt } from './doubleDouble.ts';
import { powerOfTwo } from './powerOfTwo.ts';
import type { FloatArray } from './shape.ts';

/** ln 2/128 */
const STEP: DoubleDouble = divide(LN2, { high: 128, low: 0 });
/** The same in two parts, the first so short that n times it is exact for |n| < 2¹⁸. */
const { high: STEP_HIGH, low: STEP_LOW }: DoubleDouble = splitAt(2 ** -42, STEP);
/** 2^(j/128) rounded and, relative to it, what rounding left over, side by side for j = 0 … 127. */
const ROOTS: Float64Array = rootsOfTwo();
/** Added and taken off again it leaves a whole number. */
const ROUNDER = 1.5 * 2 ** 52;

function rootsOfTwo(): Float64Array {
  let root = ONE;
  for (let i = 14; i > 0; i--) root = add(ONE, divide(multiply(root, STEP), { high: i, low: 0 })); // Σ stepⁱ/i! after Horner
  const table = new Float64Array(2 * 128);
  for (let j = 0, power = ONE; j < 128; j++, power = multiply(power, root)) {
    table[2 * j] = power.high;
    table[2 * j + 1] = power.low / power.high;
  }
  return table;
}

/**
 * eˣ of one number, in float64: the same bits on every host, which `Math.exp` does not promise. Within 0.51 ulp, 0.76 where
 * the result is a denormal. NaN stays NaN.
 *
 * eˣ = 2^(n/128)·eʳ with n the whole number next to 128·x/ln 2: a power of two, one of its 128th roots from a table, and the
 * first terms of Σ rⁱ/i! for |r| ≤ ln 2/256 (P. Tang, Table-driven implementation of the exponential function in IEEE
 * floating-point arithmetic, ACM TOMS 15, 1989).
 */
export function expOf(x: number): number {
  return expOfSum(x, 0);
}

/** e^(x + rest), for a rest that is small beside x or 1. */
export function expOfSum(x: number, rest: number): number {
  if (!(Math.abs(x) < 700)) return expAtTheEnds(x, rest);
  const steps = x * (128 / Math.LN2) + ROUNDER - ROUNDER;
  const r = x - steps * STEP_HIGH - (steps * STEP_LOW - rest);
  const rr = r * r;
  const n = steps | 0;
  const at = (n & 127) << 1;
  const scale = ROOTS[at] * powerOfTwo(n >> 7);
  return scale + scale * (ROOTS[at + 1] + r + rr * (1 / 2 + r * (1 / 6) + rr * (1 / 24 + r * (1 / 120))));
}

/** The same near the ends of the normal numbers and beyond: 64 powers of two are kept apart and multiplied on last. */
function expAtTheEnds(x: number, rest: number): number {
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (!(x > -746)) return x < 0 ? 0 : x; // NaN is neither
  const steps = x > 0 ? 64 * 128 : -64 * 128;
  return expOfSum(x - steps * STEP_HIGH, rest - steps * STEP_LOW) * powerOfTwo(steps / 128);
}

/**
 * y = eˣ. `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function exp(y: FloatArray, x: FloatArray): void {
  assertFloats('exp', 'y', y);
  assertLength('exp', 'x', x, '[n]', y.length);
  assertDtype('exp', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = expOf(x[i]);
}

/** dx = y·dy, for y = eˣ. `dx` is overwritten and may be `dy`. */
export function expBackward(dx: FloatArray, dy: FloatArray, y: FloatArray): void {
  assertFloats('expBackward', 'dx', dx);
  assertLength('expBackward', 'dy', dy, '[n]', dx.length);
  assertLength('expBackward', 'y', y, '[n]', dx.length);
  assertDtype('expBackward', 'dy', dy, dx);
  assertDtype('expBackward', 'y', y, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = y[i] * dy[i];
}
