import type { FloatBuffer } from '../device/buffers.ts';
import { matmul } from './matmulKernels.ts';

/**
 * C = A·B, or C += A·B when `accumulate` is set. `c` must not share elements with `a` or `b`.
 *
 * @param c [M,N], overwritten (or added to)
 * @param a [M,K]
 * @param b [K,N]
 * @throws {RangeError} on a length that does not fit.
 */
export function matmulNN(
  c: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  matmul('matmulNN', 'NN', c, a, b, m, k, n, { accumulate });
}

/**
 * dA = dC·Bᵀ and dB = Aᵀ·dC, for C = A·B.
 *
 * @param da [M,K], overwritten (or added to)
 * @param db [K,N], overwritten (or added to)
 * @param dc [M,N]
 */
export function matmulNNBackward(
  da: FloatBuffer,
  db: FloatBuffer,
  dc: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  matmulNT(da, dc, b, m, n, k, accumulate);
  matmulTN(db, a, dc, k, m, n, accumulate);
}

/**
 * C = A·Bᵀ, or C += A·Bᵀ when `accumulate` is set: rows of A times weights `[out,in]`. `c` must not share elements with
 * `a` or `b`.
 *
 * @param c [M,N], overwritten (or added to)
 * @param a [M,K]
 * @param b [N,K]
 * @throws {RangeError} on a length that does not fit.
 */
export function matmulNT(
  c: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  matmul('matmulNT', 'NT', c, a, b, m, k, n, { accumulate });
}

/**
 * dA = dC·B and dB = dCᵀ·A, for C = A·Bᵀ.
 *
 * @param da [M,K], overwritten (or added to)
 * @param db [N,K], overwritten (or added to)
 * @param dc [M,N]
 */
export function matmulNTBackward(
  da: FloatBuffer,
  db: FloatBuffer,
  dc: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  matmulNN(da, dc, b, m, n, k, accumulate);
  matmulTN(db, dc, a, n, m, k, accumulate);
}

/**
 * C = Aᵀ·B, or C += Aᵀ·B when `accumulate` is set: the weight gradient, a sum of outer products over the K rows.
 *
 * @param c [M,N], overwritten (or added to)
 * @param a [K,M]
 * @param b [K,N]
 * @throws {RangeError} on a length that does not fit.
 */
export function matmulTN(
  c: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  matmul('matmulTN', 'TN', c, a, b, m, k, n, { accumulate });
}

/**
 * dA = B·dCᵀ and dB = A·dC, for C = Aᵀ·B.
 *
 * @param da [K,M], overwritten (or added to)
 * @param db [K,N], overwritten (or added to)
 * @param dc [M,N]
 */
export function matmulTNBackward(
  da: FloatBuffer,
  db: FloatBuffer,
  dc: FloatBuffer,
  a: FloatBuffer,
  b: FloatBuffer,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  matmulNT(da, b, dc, k, n, m, accumulate);
  matmulNN(db, a, dc, k, m, n, accumulate);
}
