import { expectDtype, expectLength, type FloatArray } from './shape.ts';

/**
 * y = ln x. `y` may be `x`.
 *
 * @throws {RangeError} where an element is not positive (its index is named): a NaN would come out silently;
 *   on lengths that differ; {TypeError} on mixed dtypes.
 */
export function log(y: FloatArray, x: FloatArray): void {
  expectLength('log', 'x', x, '[n]', y.length);
  expectDtype('log', 'x', x, y);
  const bad = x.findIndex((v) => !(v > 0));
  if (bad >= 0) throw new RangeError(`log: x[${bad}] is ${x[bad]}, expected a number > 0`);
  for (let i = 0; i < y.length; i++) y[i] = Math.log(x[i]);
}

/** dx = dy/x, for y = ln x. `dx` is overwritten and may be `dy`. */
export function logBackward(dx: FloatArray, dy: FloatArray, x: FloatArray): void {
  expectLength('logBackward', 'dy', dy, '[n]', dx.length);
  expectLength('logBackward', 'x', x, '[n]', dx.length);
  expectDtype('logBackward', 'dy', dy, dx);
  expectDtype('logBackward', 'x', x, dx);
  for (let i = 0; i < dx.length; i++) dx[i] = dy[i] / x[i];
}
