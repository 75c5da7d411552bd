import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { add, type DoubleDouble, LN2, quotientOf, splitAt, upperHalf } from './doubleDouble.ts';
import { highWord } from './exponent.ts';
import { powerOfTwo } from './powerOfTwo.ts';
import type { FloatArray } from './shape.ts';

/** Logarithms are split at this digit: sums of their upper parts are exact. */
const LAST_DIGIT: number = 2 ** -42;
const { high: LN2_HIGH, low: LN2_LOW }: DoubleDouble = splitAt(LAST_DIGIT, LN2);
/** For 1 + i/128 ≤ z < 1 + (i + 1)/128 a short number c near 1/z, and −ln c in two parts, side by side. */
const INTERVALS: Float64Array = intervals();

function intervals(): Float64Array {
  const table = new Float64Array(3 * 128);
  let last = 512;
  let log: DoubleDouble = { high: 0, low: 0 };
  for (let i = 0; i < 128; i++) {
    const next = Math.round(512 / (1 + (i + 0.5) / 128));
    // ln(last/next) = 2s + 2s³/3 + 2s⁵/5 + … with s = (last − next)/(last + next), small enough for few digits from s³ on.
    const first = quotientOf(2 * (last - next), last + next);
    const s = first.high / 2;
    const ss = s * s;
    const others = s * ss * (2 / 3 + ss * (2 / 5 + ss * (2 / 7 + ss * (2 / 9))));
    log = add(add(log, first), { high: others, low: 0 });
    const { high, low } = splitAt(LAST_DIGIT, log);
    table.set([next / 512, high, low], 3 * i);
    last = next;
  }
  return table;
}

/**
 * ln x of one number, in float64: the same bits on every host, which `Math.log` does not promise. Within 0.51 ulp; −∞ for 0,
 * NaN for negative numbers.
 *
 * With x = 2ᵏ·z, 1 ≤ z < 2, and a number c near 1/z from a table, r = c·z − 1 is small:
 * ln x = k·ln 2 − ln c + r − r²/2 + r³/3 − … (P. Tang, Table-driven implementation of the logarithm function in IEEE
 * floating-point arithmetic, ACM TOMS 16, 1990).
 */
export function logOf(x: number): number {
  return x >= 2 ** -1022 && x < Number.POSITIVE_INFINITY ? logOfSum(x, 0, 0) + logLow[0] : logAtTheEnds(x);
}

function logAtTheEnds(x: number): number {
  if (x > 1) return x;
  if (x > 0) return logOfSum(x * 2 ** 54, 0, -54) + logLow[0];
  return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
}

/** ln(1 + x) of one number, which keeps the digits of a small x; as {@link logOf} otherwise, within 0.51 ulp. */
export function log1pOf(x: number): number {
  if (Math.abs(x) < 2 ** -54) return x;
  const sum = 1 + x;
  if (!(sum > 0 && sum < Number.POSITIVE_INFINITY)) return logAtTheEnds(sum);
  return logOfSum(sum, x - (sum - 1), 0) + logLow[0];
}

/** What is to be added to the last result of {@link logOfSum}. */
export const logLow: Float64Array = new Float64Array(1);

/**
 * The greater part of ln((x + rest)·2ⁿ); the smaller one is left in {@link logLow}. Together they have some 61 bits.
 *
 * @param x a normal number > 0
 * @param rest at most half the last digit of x
 * @param n 0, or so small that the logarithm is far from 0
 */
export function logOfSum(x: number, rest: number, n: number): number {
  if (Math.abs(x - 1) < 1 / 256) {
    const r = x - 1 + rest;
    logLow[0] = restOfSeries(r);
    return r;
  }
  const word = highWord(x);
  const exponent = (word >> 20) - 1023;
  const at = 3 * ((word >> 13) & 127);
  const toOne = powerOfTwo(-exponent);
  const z = x * toOne;
  const c = INTERVALS[at];
  // c·z − 1 in two parts, exact but for the rest, as is what adds up to `high`.
  const zHigh = upperHalf(z);
  const rHigh = zHigh * c - 1;
  const rLow = (z - zHigh + rest * toOne) * c;
  const r = rHigh + rLow;
  const k = exponent + n;
  const high = k * LN2_HIGH + INTERVALS[at + 1] + rHigh;
  logLow[0] = k * LN2_LOW + INTERVALS[at + 2] + rLow + restOfSeries(r);
  return high;
}

/** −r²/2 + r³/3 − … + r⁷/7 − r⁸/8 */
function restOfSeries(r: number): number {
  const rr = r * r;
  return -rr * (1 / 2 - r * (1 / 3) + rr * (1 / 4 - r * (1 / 5) + rr * (1 / 6 - r * (1 / 7) + rr * (1 / 8))));
}

/**
 * y = ln x. `y` may be `x`.
 *
 * @throws {RangeError} where an element is not positive (its index is named): a NaN would come out silently;
 *   on lengths that differ; {TypeError} on mixed dtypes.
 */
export function log(y: FloatArray, x: FloatArray): void {
  assertFloats('log', 'y', y);
  assertLength('log', 'x', x, '[n]', y.length);
  assertDtype('log', 'x', x, y);
  for (let i = 0; i < x.length; i++) {
    if (!(x[i] > 0)) throw new RangeError(`log: x[${i}] is ${x[i]}, expected a number > 0`);
  }
  for (let i = 0; i < y.length; i++) y[i] = logOf(x[i]);
}

/** dx = dy/x, for y = ln x. `dx` is overwritten and may be `dy`. */
export function logBackward(dx: FloatArray, dy: FloatArray, x: FloatArray): void {
  assertFloats('logBackward', 'dx', dx);
  assertLength('logBackward', 'dy', dy, '[n]', dx.length);
  assertLength('logBackward', 'x', x, '[n]', dx.length);
  assertDtype('logBackward', 'dy', dy, dx);
  assertDtype('logBackward', 'x', x, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = dy[i] / x[i];
}
