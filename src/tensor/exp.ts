import { expectDtype, expectLength, type FloatArray } from './shape.ts';

/**
 * y = eˣ. `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function exp(y: FloatArray, x: FloatArray): void {
  expectLength('exp', 'x', x, '[n]', y.length);
  expectDtype('exp', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = Math.exp(x[i]);
}

/** dx = y·dy, for y = eˣ. `dx` is overwritten and may be `dy`. */
export function expBackward(dx: FloatArray, dy: FloatArray, y: FloatArray): void {
  expectLength('expBackward', 'dy', dy, '[n]', dx.length);
  expectLength('expBackward', 'y', y, '[n]', dx.length);
  expectDtype('expBackward', 'dy', dy, dx);
  expectDtype('expBackward', 'y', y, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = y[i] * dy[i];
}
