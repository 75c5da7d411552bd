import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { add, type DoubleDouble, divide, multiply, ONE } from './doubleDouble.ts';
import { expOf } from './exp.ts';
import type { FloatArray } from './shape.ts';

/** tanh(j/64) in two parts and its derivative 1 − tanh²(j/64), side by side for j = 0 … 192. */
const STOPS: Float64Array = stops();

function stops(): Float64Array {
  const last = 3 * 64;
  // tanh x = x/(1 + x²/(3 + x²/(5 + …)))
  const x: DoubleDouble = { high: 1 / 64, low: 0 };
  const xx = multiply(x, x);
  let fraction: DoubleDouble = { high: 17, low: 0 };
  for (let n = 15; n > 0; n -= 2) fraction = add({ high: n, low: 0 }, divide(xx, fraction));
  const step = divide(x, fraction);
  const table = new Float64Array(3 * (last + 1));
  let t: DoubleDouble = { high: 0, low: 0 };
  for (let j = 0; j <= last; j++) {
    table.set([t.high, t.low, 1 - t.high * t.high], 3 * j);
    t = divide(add(t, step), add(ONE, multiply(t, step)));
  }
  return table;
}

/**
 * tanh x of one number, in float64: the same bits on every host, which `Math.tanh` does not promise. Within 0.56 ulp.
 *
 * - |x| < ¼: x/(1 + x²/(3 + x²/(5 + …))), Lambert's continued fraction, to the seventh step.
 * - |x| < 3: with s = tanh(j/64) from a table and t = tanh r for the rest |r| ≤ 1/128, by the same fraction, the addition
 *   theorem (s + t)/(1 + s·t) = s + t·(1 − s²)/(1 + s·t).
 * - beyond: 1 − 2/(e^(2|x|) + 1).
 */
export function tanhOf(x: number): number {
  const size = Math.abs(x);
  if (size < 1 / 4) {
    if (size < 2 ** -27) return x; // −0 too
    const xx = x * x;
    return x - (x * xx * (45045 + xx * (2772 + xx * 27))) / (135135 + xx * (62370 + xx * (3150 + xx * 28)));
  }
  if (!(size < 20)) return Math.sign(x); // or NaN
  const y = size < 3 ? tanhByStops(size) : 1 - 2 / (expOf(2 * size) + 1);
  return x < 0 ? -y : y;
}

function tanhByStops(x: number): number {
  const j = (x * 64 + 0.5) | 0;
  const r = x - j / 64;
  const rr = r * r;
  const s = STOPS[3 * j];
  const t = r * (15 + rr); // divided by 15 + 6r², tanh r
  return s + (STOPS[3 * j + 1] + (STOPS[3 * j + 2] * t) / (15 + 6 * rr + s * t));
}

/**
 * y = tanh(x). `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function tanh(y: FloatArray, x: FloatArray): void {
  assertFloats('tanh', 'y', y);
  assertLength('tanh', 'x', x, '[n]', y.length);
  assertDtype('tanh', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = tanhOf(x[i]);
}

/** dx = (1 − y²)·dy, for y = tanh(x). `dx` is overwritten and may be `dy`. */
export function tanhBackward(dx: FloatArray, dy: FloatArray, y: FloatArray): void {
  assertFloats('tanhBackward', 'dx', dx);
  assertLength('tanhBackward', 'dy', dy, '[n]', dx.length);
  assertLength('tanhBackward', 'y', y, '[n]', dx.length);
  assertDtype('tanhBackward', 'dy', dy, dx);
  assertDtype('tanhBackward', 'y', y, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = (1 - y[i] * y[i]) * dy[i];
}
