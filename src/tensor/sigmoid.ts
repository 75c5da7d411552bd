import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { expOf } from './exp.ts';
import type { FloatArray } from './shape.ts';

/** σ(x) = 1/(1 + e⁻ˣ). For x → −∞ the exponential overflows to infinity and the quotient to the right limit, 0. */
export function logistic(x: number): number {
  return 1 / (1 + expOf(-x));
}

/**
 * y = σ(x). `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function sigmoid(y: FloatArray, x: FloatArray): void {
  assertFloats('sigmoid', 'y', y);
  assertLength('sigmoid', 'x', x, '[n]', y.length);
  assertDtype('sigmoid', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = logistic(x[i]);
}

/** dx = y(1 − y)·dy, for y = σ(x). `dx` is overwritten and may be `dy`. */
export function sigmoidBackward(dx: FloatArray, dy: FloatArray, y: FloatArray): void {
  assertFloats('sigmoidBackward', 'dx', dx);
  assertLength('sigmoidBackward', 'dy', dy, '[n]', dx.length);
  assertLength('sigmoidBackward', 'y', y, '[n]', dx.length);
  assertDtype('sigmoidBackward', 'dy', dy, dx);
  assertDtype('sigmoidBackward', 'y', y, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = y[i] * (1 - y[i]) * dy[i];
}
