import { assertDtype, assertLength } from '../check/arrays.ts';
import { assertFlag } from '../check/values.ts';
import { loops, type Products } from './matmul.ts';
import type { FloatArray } from './shape.ts';

/**
 * C = x·yᵀ, or C += x·yᵀ when `accumulate` is set.
 *
 * @param c [M,N], overwritten (or added to)
 * @param x [M]
 * @param y [N]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function outer(
  c: FloatArray,
  x: FloatArray,
  y: FloatArray,
  m: number,
  n: number,
  accumulate = false,
  { matmulTN }: Products = loops,
): void {
  assertLength('outer', 'c', c, '[M,N]', m, n);
  assertLength('outer', 'x', x, '[M]', m);
  assertLength('outer', 'y', y, '[N]', n);
  assertDtype('outer', 'x', x, c);
  assertDtype('outer', 'y', y, c);
  assertFlag('outer', 'accumulate', accumulate);
  matmulTN(c, x, y, m, 1, n, accumulate);
}

/**
 * dx = dC·y and dy = dCᵀ·x, for C = x·yᵀ.
 *
 * @param dx [M], overwritten (or added to)
 * @param dy [N], overwritten (or added to)
 * @param dc [M,N]
 */
export function outerBackward(
  dx: FloatArray,
  dy: FloatArray,
  dc: FloatArray,
  x: FloatArray,
  y: FloatArray,
  m: number,
  n: number,
  accumulate = false,
  { matmulNT, matmulNN }: Products = loops,
): void {
  assertLength('outerBackward', 'dx', dx, '[M]', m);
  assertLength('outerBackward', 'dy', dy, '[N]', n);
  assertLength('outerBackward', 'dc', dc, '[M,N]', m, n);
  assertLength('outerBackward', 'x', x, '[M]', m);
  assertLength('outerBackward', 'y', y, '[N]', n);
  assertDtype('outerBackward', 'dy', dy, dx);
  assertDtype('outerBackward', 'dc', dc, dx);
  assertDtype('outerBackward', 'x', x, dx);
  assertDtype('outerBackward', 'y', y, dx);
  assertFlag('outerBackward', 'accumulate', accumulate);
  matmulNT(dx, y, dc, 1, n, m, accumulate);
  matmulNN(dy, x, dc, 1, m, n, accumulate);
}
