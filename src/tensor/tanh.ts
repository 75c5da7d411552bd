import { expectDtype, expectLength, type FloatArray } from './shape.ts';

/**
 * y = tanh(x). `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function tanh(y: FloatArray, x: FloatArray): void {
  expectLength('tanh', 'x', x, '[n]', y.length);
  expectDtype('tanh', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i]);
}

/** dx = (1 − y²)·dy, for y = tanh(x). `dx` is overwritten and may be `dy`. */
export function tanhBackward(dx: FloatArray, dy: FloatArray, y: FloatArray): void {
  expectLength('tanhBackward', 'dy', dy, '[n]', dx.length);
  expectLength('tanhBackward', 'y', y, '[n]', dx.length);
  expectDtype('tanhBackward', 'dy', dy, dx);
  expectDtype('tanhBackward', 'y', y, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = (1 - y[i] * y[i]) * dy[i];
}
