import type { FloatBuffer } from '../device/buffers.ts';
import { assertFloats } from '../device/assert.ts';
import { matmulNN, matmulNT, matmulTN } from './matmul.ts';

/**
 * y = A·x.
 *
 * @param y [M], overwritten (or added to)
 * @param a [M,K]
 * @param x [K]
 * @throws {RangeError} on a length that does not fit.
 */
export function matvec(y: FloatBuffer, a: FloatBuffer, x: FloatBuffer, m: number, k: number, accumulate = false): void {
  assertFloats('matvec', 'y', y, '[M]', m);
  assertFloats('matvec', 'a', a, '[M,K]', m, k);
  assertFloats('matvec', 'x', x, '[K]', k);
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
  da: FloatBuffer,
  dx: FloatBuffer,
  dy: FloatBuffer,
  a: FloatBuffer,
  x: FloatBuffer,
  m: number,
  k: number,
  accumulate = false,
): void {
  assertFloats('matvecBackward', 'da', da, '[M,K]', m, k);
  assertFloats('matvecBackward', 'dx', dx, '[K]', k);
  assertFloats('matvecBackward', 'dy', dy, '[M]', m);
  assertFloats('matvecBackward', 'a', a, '[M,K]', m, k);
  assertFloats('matvecBackward', 'x', x, '[K]', k);
  matmulTN(da, dy, x, m, 1, k, accumulate);
  matmulNN(dx, dy, a, 1, m, k, accumulate);
}
