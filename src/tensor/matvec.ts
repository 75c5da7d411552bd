import { assertDtype, assertLength } from '../check/arrays.ts';
import { assertFlag } from '../check/values.ts';
import { loops, type Products } from './matmul.ts';
import { outer } from './outer.ts';
import type { FloatArray } from './shape.ts';

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
  assertLength('matvec', 'y', y, '[M]', m);
  assertLength('matvec', 'a', a, '[M,K]', m, k);
  assertLength('matvec', 'x', x, '[K]', k);
  assertDtype('matvec', 'a', a, y);
  assertDtype('matvec', 'x', x, y);
  assertFlag('matvec', 'accumulate', accumulate);
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
  assertLength('matvecBackward', 'da', da, '[M,K]', m, k);
  assertLength('matvecBackward', 'dx', dx, '[K]', k);
  assertLength('matvecBackward', 'dy', dy, '[M]', m);
  assertLength('matvecBackward', 'a', a, '[M,K]', m, k);
  assertLength('matvecBackward', 'x', x, '[K]', k);
  assertDtype('matvecBackward', 'dx', dx, da);
  assertDtype('matvecBackward', 'dy', dy, da);
  assertDtype('matvecBackward', 'a', a, da);
  assertDtype('matvecBackward', 'x', x, da);
  assertFlag('matvecBackward', 'accumulate', accumulate);
  outer(da, dy, x, m, k, accumulate, products);
  products.matmulNN(dx, dy, a, 1, m, k, accumulate);
}
