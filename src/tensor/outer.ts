import { loops, type Products } from './matmul.ts';
import { expectDtype, expectLength, type FloatArray } from './shape.ts';

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
  expectLength('outer', 'c', c, '[M,N]', m, n);
  expectLength('outer', 'x', x, '[M]', m);
  expectLength('outer', 'y', y, '[N]', n);
  expectDtype('outer', 'x', x, c);
  expectDtype('outer', 'y', y, c);
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
  expectLength('outerBackward', 'dx', dx, '[M]', m);
  expectLength('outerBackward', 'dy', dy, '[N]', n);
  expectLength('outerBackward', 'dc', dc, '[M,N]', m, n);
  expectLength('outerBackward', 'x', x, '[M]', m);
  expectLength('outerBackward', 'y', y, '[N]', n);
  expectDtype('outerBackward', 'dy', dy, dx);
  expectDtype('outerBackward', 'dc', dc, dx);
  expectDtype('outerBackward', 'x', x, dx);
  expectDtype('outerBackward', 'y', y, dx);
  matmulNT(dx, y, dc, 1, n, m, accumulate);
  matmulNN(dy, x, dc, 1, m, n, accumulate);
}
