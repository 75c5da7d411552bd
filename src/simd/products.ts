import { copy } from '../tensor/detached.ts';
import * as matmul from '../tensor/matmul.ts';
import * as vectors from '../tensor/matvec.ts';
import * as outers from '../tensor/outer.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { emitCopy } from '../wasm/copy.ts';
import { emitMatmul, matmulKernels } from '../wasm/matmul.ts';
import { count, wantsSimd } from './choice.ts';
import { atFirstUse, CopyMemory } from './memory.ts';

/**
 * From this many multiplications on, M·K·N, SIMD with the copying takes at most a third of the loops' time, whatever the
 * shape; at 250 to 500 the two are level. Assembling the kernels takes some 20 ms, once.
 */
const ENOUGH = 4096;

const simd = atFirstUse(() => {
  const memory = new CopyMemory((m) => {
    emitCopy(m);
    emitMatmul(m, false);
  });
  return { memory, kernels: matmulKernels(memory) };
});

function multiply(
  name: keyof matmul.Products,
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  // What is no number may not even be multiplied: the loops say so.
  const work = Number.isInteger(k) ? c?.length * k : 0;
  const done = wantsSimd(work, ENOUGH) && bySimd(name, c, a, b, m, k, n, accumulate);
  if (!done) matmul.loops[name](c, a, b, m, k, n, accumulate);
  count(done);
}

/**
 * Tells whether it could be done; other dtypes are left to the loops.
 *
 * @throws {RangeError} as the loops, on a length that does not fit.
 */
function bySimd(
  name: keyof matmul.Products,
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate: boolean,
): boolean {
  if (!(c instanceof Float32Array && a instanceof Float32Array && b instanceof Float32Array)) return false;
  if (typeof accumulate !== 'boolean') return false;
  const found = simd();
  const views = found?.memory.room(c.length, a.length, b.length);
  if (!found || !views) return false;
  const [cCopy, aCopy, bCopy] = views;
  copy(aCopy, a);
  copy(bCopy, b);
  if (accumulate) copy(cCopy, c);
  found.kernels[name](cCopy, aCopy, bCopy, m, k, n, accumulate);
  copy(c, cCopy);
  return true;
}

type Product = (
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate?: boolean,
) => void;

type ProductBackward = (
  da: FloatArray,
  db: FloatArray,
  dc: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate?: boolean,
) => void;

/** C [M,N] = A [M,K]·B [K,N], or C += A·B when `accumulate` is set. `c` must not share memory with `a` or `b`. */
export const matmulNN: Product = (...args) => multiply('matmulNN', ...args);

/** C [M,N] = A·Bᵀ, or C += A·Bᵀ, with A [M,K] and B [N,K]: rows of A times weights `[out,in]`. */
export const matmulNT: Product = (...args) => multiply('matmulNT', ...args);

/** C [M,N] = Aᵀ·B, or C += Aᵀ·B, with A [K,M] and B [K,N]: the weight gradient, a sum of outer products over K rows. */
export const matmulTN: Product = (...args) => multiply('matmulTN', ...args);

const products: matmul.Products = { matmulNN, matmulNT, matmulTN };

/** dA = dC·Bᵀ and dB = Aᵀ·dC, for C = A·B. */
export const matmulNNBackward: ProductBackward = (da, db, dc, a, b, m, k, n, accumulate) =>
  matmul.matmulNNBackward(da, db, dc, a, b, m, k, n, accumulate, products);

/** dA = dC·B and dB = dCᵀ·A, for C = A·Bᵀ. */
export const matmulNTBackward: ProductBackward = (da, db, dc, a, b, m, k, n, accumulate) =>
  matmul.matmulNTBackward(da, db, dc, a, b, m, k, n, accumulate, products);

/** dA = B·dCᵀ and dB = A·dC, for C = Aᵀ·B. */
export const matmulTNBackward: ProductBackward = (da, db, dc, a, b, m, k, n, accumulate) =>
  matmul.matmulTNBackward(da, db, dc, a, b, m, k, n, accumulate, products);

/** y [M] = A [M,K]·x [K], or y += A·x when `accumulate` is set. */
export function matvec(y: FloatArray, a: FloatArray, x: FloatArray, m: number, k: number, accumulate = false): void {
  vectors.matvec(y, a, x, m, k, accumulate, products);
}

/** dA = dy·xᵀ and dx = Aᵀ·dy, for y = A·x. */
export function matvecBackward(
  da: FloatArray,
  dx: FloatArray,
  dy: FloatArray,
  a: FloatArray,
  x: FloatArray,
  m: number,
  k: number,
  accumulate = false,
): void {
  vectors.matvecBackward(da, dx, dy, a, x, m, k, accumulate, products);
}

/** C [M,N] = x [M]·y [N]ᵀ, or C += x·yᵀ when `accumulate` is set. */
export function outer(c: FloatArray, x: FloatArray, y: FloatArray, m: number, n: number, accumulate = false): void {
  outers.outer(c, x, y, m, n, accumulate, products);
}

/** dx = dC·y and dy = dCᵀ·x, for C = x·yᵀ. */
export function outerBackward(
  dx: FloatArray,
  dy: FloatArray,
  dc: FloatArray,
  x: FloatArray,
  y: FloatArray,
  m: number,
  n: number,
  accumulate = false,
): void {
  outers.outerBackward(dx, dy, dc, x, y, m, n, accumulate, products);
}
