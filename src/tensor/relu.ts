import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import type { FloatArray } from './shape.ts';

/**
 * y = max(x, 0). `y` may be `x`. NaN stays NaN.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function relu(y: FloatArray, x: FloatArray): void {
  assertFloats('relu', 'y', y);
  assertLength('relu', 'x', x, '[n]', y.length);
  assertDtype('relu', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = Math.max(x[i], 0);
}

/** dx = dy where y > 0, else 0, for y = max(x, 0): at the kink x = 0 the slope is taken as 0. `dx` may be `dy`. */
export function reluBackward(dx: FloatArray, dy: FloatArray, y: FloatArray): void {
  assertFloats('reluBackward', 'dx', dx);
  assertLength('reluBackward', 'dy', dy, '[n]', dx.length);
  assertLength('reluBackward', 'y', y, '[n]', dx.length);
  assertDtype('reluBackward', 'dy', dy, dx);
  assertDtype('reluBackward', 'y', y, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = y[i] > 0 ? dy[i] : 0;
}
