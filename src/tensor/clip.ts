import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { assertNumber } from '../check/numbers.ts';
import type { FloatArray } from './shape.ts';

/**
 * y = min(max(x, low), high), as `np.clip`. `y` may be `x`. NaN stays NaN.
 *
 * @throws {RangeError} on lengths that differ or low > high, {TypeError} on mixed dtypes.
 */
export function clip(y: FloatArray, x: FloatArray, low: number, high: number): void {
  assertFloats('clip', 'y', y);
  assertLength('clip', 'x', x, '[n]', y.length);
  assertDtype('clip', 'x', x, y);
  assertLimits('clip', low, high);
  for (let i = 0; i < y.length; i++) y[i] = Math.min(Math.max(x[i], low), high);
}

/** dx = dy where low < x < high, else 0, for y = clip(x). `dx` is overwritten and may be `dy`. */
export function clipBackward(dx: FloatArray, dy: FloatArray, x: FloatArray, low: number, high: number): void {
  assertFloats('clipBackward', 'dx', dx);
  assertLength('clipBackward', 'dy', dy, '[n]', dx.length);
  assertLength('clipBackward', 'x', x, '[n]', dx.length);
  assertDtype('clipBackward', 'dy', dy, dx);
  assertDtype('clipBackward', 'x', x, dx);
  assertLimits('clipBackward', low, high);
  for (let i = 0; i < dx.length; i++) dx[i] = x[i] > low && x[i] < high ? dy[i] : 0;
}

function assertLimits(fn: string, low: number, high: number): void {
  assertNumber(fn, 'low', low);
  assertNumber(fn, 'high', high);
  if (low > high) throw new RangeError(`${fn}: low is ${low} and high is ${high}, expected low ≤ high`);
}
