import { loops, type Products } from './matmul.ts';
import { outer } from './outer.ts';
import { expectDtype, expectLength, type FloatArray } from './shape.ts';

/**
 * y = A·x.
 *
 * @param y [M], overwritten (or added to)
 * @param a [M,K]
 * @param x [K]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function matvec(
  y: FloatArray,
  a: FloatArray,
  x: FloatArray,
  m: number,
  k: number,
  accumulate = false,
  { matmulNT }: Products = loops,
): void {
  expectLength('matvec', 'y', y, '[M]', m);
  expectLength('matvec', 'a', a, '[M,K]', m, k);
  expectLength('matvec', 'x', x, '[K]', k);
  expectDtype('matvec', 'a', a, y);
  expectDtype('matvec', 'x', x, y);
  matmulNT(y, x, a, 1, k, m, accumulate);
}

/**
 * dA = dy·xᵀ and dx = Aᵀ·dy, for y = A·x.
 *
 * @param da [M,K], overwritten (or added to)
 * @param dx [K], overwritten (or added to)
 * @param dy [M]
 */
export function matvecBackward(
  da: FloatArray,
  dx: FloatArray,
  dy: FloatArray,
  a: FloatArray,
  x: FloatArray,
  m: number,
  k: number,
  accumulate = false,
  products: Products = loops,
): void {
  expectLength('matvecBackward', 'da', da, '[M,K]', m, k);
  expectLength('matvecBackward', 'dx', dx, '[K]', k);
  expectLength('matvecBackward', 'dy', dy, '[M]', m);
  expectLength('matvecBackward', 'a', a, '[M,K]', m, k);
  expectLength('matvecBackward', 'x', x, '[K]', k);
  expectDtype('matvecBackward', 'dx', dx, da);
  expectDtype('matvecBackward', 'dy', dy, da);
  expectDtype('matvecBackward', 'a', a, da);
  expectDtype('matvecBackward', 'x', x, da);
  outer(da, dy, x, m, k, accumulate, products);
  products.matmulNN(dx, dy, a, 1, m, k, accumulate);
}
