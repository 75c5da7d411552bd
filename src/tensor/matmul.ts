import { assertDtype, assertLength } from '../check/arrays.ts';
import { assertFlag } from '../check/values.ts';
import { fill } from './detached.ts';
import type { FloatArray } from './shape.ts';

/** The three products. A backward pass is made of two of them, and may be given faster ones. */
export type Products = Record<'matmulNN' | 'matmulNT' | 'matmulTN', typeof matmulNN>;

/**
 * C = A·B, or C += A·B when `accumulate` is set. `c` must not share memory with `a` or `b`.
 *
 * @param c [M,N], overwritten (or added to)
 * @param a [M,K]
 * @param b [K,N]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function matmulNN(
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  assertLength('matmulNN', 'c', c, '[M,N]', m, n);
  assertLength('matmulNN', 'a', a, '[M,K]', m, k);
  assertLength('matmulNN', 'b', b, '[K,N]', k, n);
  assertDtype('matmulNN', 'a', a, c);
  assertDtype('matmulNN', 'b', b, c);
  assertFlag('matmulNN', 'accumulate', accumulate);
  if (!accumulate) fill(c, 0);
  const m2 = m - (m % 2);
  for (let i = 0; i < m2; i += 2) addTwoRows(c, i * n, a, i * k, b, k, n);
  if (m2 < m) addOneRow(c, m2 * n, a, m2 * k, b, k, n);
}

/**
 * dA = dC·Bᵀ and dB = Aᵀ·dC, for C = A·B.
 *
 * @param da [M,K], overwritten (or added to)
 * @param db [K,N], overwritten (or added to)
 * @param dc [M,N]
 */
export function matmulNNBackward(
  da: FloatArray,
  db: FloatArray,
  dc: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
  { matmulNT, matmulTN }: Products = loops,
): void {
  assertLength('matmulNNBackward', 'da', da, '[M,K]', m, k);
  assertLength('matmulNNBackward', 'db', db, '[K,N]', k, n);
  assertLength('matmulNNBackward', 'dc', dc, '[M,N]', m, n);
  assertLength('matmulNNBackward', 'a', a, '[M,K]', m, k);
  assertLength('matmulNNBackward', 'b', b, '[K,N]', k, n);
  assertDtype('matmulNNBackward', 'db', db, da);
  assertDtype('matmulNNBackward', 'dc', dc, da);
  assertDtype('matmulNNBackward', 'a', a, da);
  assertDtype('matmulNNBackward', 'b', b, da);
  assertFlag('matmulNNBackward', 'accumulate', accumulate);
  matmulNT(da, dc, b, m, n, k, accumulate);
  matmulTN(db, a, dc, k, m, n, accumulate);
}

/**
 * C = A·Bᵀ, or C += A·Bᵀ when `accumulate` is set: rows of A times weights `[out,in]`. `c` must not share memory with
 * `a` or `b`.
 *
 * @param c [M,N], overwritten (or added to)
 * @param a [M,K]
 * @param b [N,K]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function matmulNT(
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  assertLength('matmulNT', 'c', c, '[M,N]', m, n);
  assertLength('matmulNT', 'a', a, '[M,K]', m, k);
  assertLength('matmulNT', 'b', b, '[N,K]', n, k);
  assertDtype('matmulNT', 'a', a, c);
  assertDtype('matmulNT', 'b', b, c);
  assertFlag('matmulNT', 'accumulate', accumulate);
  if (!accumulate) fill(c, 0);
  const m2 = m - (m % 2);
  for (let i = 0; i < m2; i += 2) dotTwoRows(c, i * n, a, i * k, b, k, n);
  if (m2 < m) dotOneRow(c, m2 * n, a, m2 * k, b, k, n);
}

/**
 * dA = dC·B and dB = dCᵀ·A, for C = A·Bᵀ.
 *
 * @param da [M,K], overwritten (or added to)
 * @param db [N,K], overwritten (or added to)
 * @param dc [M,N]
 */
export function matmulNTBackward(
  da: FloatArray,
  db: FloatArray,
  dc: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
  { matmulNN, matmulTN }: Products = loops,
): void {
  assertLength('matmulNTBackward', 'da', da, '[M,K]', m, k);
  assertLength('matmulNTBackward', 'db', db, '[N,K]', n, k);
  assertLength('matmulNTBackward', 'dc', dc, '[M,N]', m, n);
  assertLength('matmulNTBackward', 'a', a, '[M,K]', m, k);
  assertLength('matmulNTBackward', 'b', b, '[N,K]', n, k);
  assertDtype('matmulNTBackward', 'db', db, da);
  assertDtype('matmulNTBackward', 'dc', dc, da);
  assertDtype('matmulNTBackward', 'a', a, da);
  assertDtype('matmulNTBackward', 'b', b, da);
  assertFlag('matmulNTBackward', 'accumulate', accumulate);
  matmulNN(da, dc, b, m, n, k, accumulate);
  matmulTN(db, dc, a, n, m, k, accumulate);
}

/**
 * C = Aᵀ·B, or C += Aᵀ·B when `accumulate` is set: the weight gradient, a sum of outer products over the K rows.
 *
 * @param c [M,N], overwritten (or added to)
 * @param a [K,M]
 * @param b [K,N]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function matmulTN(
  c: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
): void {
  assertLength('matmulTN', 'c', c, '[M,N]', m, n);
  assertLength('matmulTN', 'a', a, '[K,M]', k, m);
  assertLength('matmulTN', 'b', b, '[K,N]', k, n);
  assertDtype('matmulTN', 'a', a, c);
  assertDtype('matmulTN', 'b', b, c);
  assertFlag('matmulTN', 'accumulate', accumulate);
  if (!accumulate) fill(c, 0);
  const m2 = m - (m % 2);
  for (let i = 0; i < m2; i += 2) addTwoColumns(c, i, a, m, b, k, n);
  if (m2 < m) for (let j = 0; j < n; j++) c[m2 * n + j] += dotRest(a, m2, m, b, j, n, k);
}

/**
 * dA = B·dCᵀ and dB = A·dC, for C = Aᵀ·B.
 *
 * @param da [K,M], overwritten (or added to)
 * @param db [K,N], overwritten (or added to)
 * @param dc [M,N]
 */
export function matmulTNBackward(
  da: FloatArray,
  db: FloatArray,
  dc: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  accumulate = false,
  { matmulNT, matmulNN }: Products = loops,
): void {
  assertLength('matmulTNBackward', 'da', da, '[K,M]', k, m);
  assertLength('matmulTNBackward', 'db', db, '[K,N]', k, n);
  assertLength('matmulTNBackward', 'dc', dc, '[M,N]', m, n);
  assertLength('matmulTNBackward', 'a', a, '[K,M]', k, m);
  assertLength('matmulTNBackward', 'b', b, '[K,N]', k, n);
  assertDtype('matmulTNBackward', 'db', db, da);
  assertDtype('matmulTNBackward', 'dc', dc, da);
  assertDtype('matmulTNBackward', 'a', a, da);
  assertDtype('matmulTNBackward', 'b', b, da);
  assertFlag('matmulTNBackward', 'accumulate', accumulate);
  matmulNT(da, b, dc, k, n, m, accumulate);
  matmulNN(db, a, dc, k, m, n, accumulate);
}

/** The products by plain loops. */
export const loops: Products = { matmulNN, matmulNT, matmulTN };

// The loops below do the work. They differ from the plain triple loop only in making several elements of C at a time: a
// number that has been read serves several products, the sums stay in registers and do not wait for one another.

/** c[i,j] += a[i,·]·b[j,·] for two rows of A: tiles of 2×4 dot products, two elements of each at a time. */
function dotTwoRows(c: FloatArray, out: number, a: FloatArray, row: number, b: FloatArray, k: number, n: number): void {
  const a0 = row;
  const a1 = row + k;
  const k2 = k - (k % 2);
  const n4 = n - (n % 4);
  for (let j = 0; j < n4; j += 4) {
    const b0 = j * k;
    const b1 = b0 + k;
    const b2 = b1 + k;
    const b3 = b2 + k;
    let s00 = 0;
    let s01 = 0;
    let s02 = 0;
    let s03 = 0;
    let s10 = 0;
    let s11 = 0;
    let s12 = 0;
    let s13 = 0;
    for (let l = 0; l < k2; l += 2) {
      const x = a[a0 + l];
      const xx = a[a0 + l + 1];
      const y = a[a1 + l];
      const yy = a[a1 + l + 1];
      let w = b[b0 + l];
      let ww = b[b0 + l + 1];
      s00 += x * w + xx * ww;
      s10 += y * w + yy * ww;
      w = b[b1 + l];
      ww = b[b1 + l + 1];
      s01 += x * w + xx * ww;
      s11 += y * w + yy * ww;
      w = b[b2 + l];
      ww = b[b2 + l + 1];
      s02 += x * w + xx * ww;
      s12 += y * w + yy * ww;
      w = b[b3 + l];
      ww = b[b3 + l + 1];
      s03 += x * w + xx * ww;
      s13 += y * w + yy * ww;
    }
    if (k2 < k) {
      const x = a[a0 + k2];
      const y = a[a1 + k2];
      s00 += x * b[b0 + k2];
      s01 += x * b[b1 + k2];
      s02 += x * b[b2 + k2];
      s03 += x * b[b3 + k2];
      s10 += y * b[b0 + k2];
      s11 += y * b[b1 + k2];
      s12 += y * b[b2 + k2];
      s13 += y * b[b3 + k2];
    }
    c[out + j] += s00;
    c[out + j + 1] += s01;
    c[out + j + 2] += s02;
    c[out + j + 3] += s03;
    c[out + n + j] += s10;
    c[out + n + j + 1] += s11;
    c[out + n + j + 2] += s12;
    c[out + n + j + 3] += s13;
  }
  for (let j = n4; j < n; j++) {
    c[out + j] += dotRest(a, a0, 1, b, j * k, 1, k);
    c[out + n + j] += dotRest(a, a1, 1, b, j * k, 1, k);
  }
}

/** c[j] += a·b[j,·] for one row of A: four dot products at a time, two elements of each. */
function dotOneRow(c: FloatArray, out: number, a: FloatArray, row: number, b: FloatArray, k: number, n: number): void {
  const k2 = k - (k % 2);
  const n4 = n - (n % 4);
  for (let j = 0; j < n4; j += 4) {
    const b0 = j * k;
    const b1 = b0 + k;
    const b2 = b1 + k;
    const b3 = b2 + k;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let l = 0; l < k2; l += 2) {
      const x = a[row + l];
      const xx = a[row + l + 1];
      s0 += x * b[b0 + l] + xx * b[b0 + l + 1];
      s1 += x * b[b1 + l] + xx * b[b1 + l + 1];
      s2 += x * b[b2 + l] + xx * b[b2 + l + 1];
      s3 += x * b[b3 + l] + xx * b[b3 + l + 1];
    }
    if (k2 < k) {
      const x = a[row + k2];
      s0 += x * b[b0 + k2];
      s1 += x * b[b1 + k2];
      s2 += x * b[b2 + k2];
      s3 += x * b[b3 + k2];
    }
    c[out + j] += s0;
    c[out + j + 1] += s1;
    c[out + j + 2] += s2;
    c[out + j + 3] += s3;
  }
  for (let j = n4; j < n; j++) c[out + j] += dotRest(a, row, 1, b, j * k, 1, k);
}

/** c[i,j] += Σ_l a[i,l]·b[l,j] for two rows of A: tiles of 2×4 sums. */
function addTwoRows(
  c: FloatArray,
  out: number,
  a: FloatArray,
  row0: number,
  b: FloatArray,
  k: number,
  n: number,
): void {
  const row1 = row0 + k;
  const n4 = n - (n % 4);
  for (let j = 0; j < n4; j += 4) {
    let s00 = 0;
    let s01 = 0;
    let s02 = 0;
    let s03 = 0;
    let s10 = 0;
    let s11 = 0;
    let s12 = 0;
    let s13 = 0;
    for (let l = 0; l < k; l++) {
      const row = l * n + j;
      const x = a[row0 + l];
      const y = a[row1 + l];
      let w = b[row];
      s00 += x * w;
      s10 += y * w;
      w = b[row + 1];
      s01 += x * w;
      s11 += y * w;
      w = b[row + 2];
      s02 += x * w;
      s12 += y * w;
      w = b[row + 3];
      s03 += x * w;
      s13 += y * w;
    }
    c[out + j] += s00;
    c[out + j + 1] += s01;
    c[out + j + 2] += s02;
    c[out + j + 3] += s03;
    c[out + n + j] += s10;
    c[out + n + j + 1] += s11;
    c[out + n + j + 2] += s12;
    c[out + n + j + 3] += s13;
  }
  for (let j = n4; j < n; j++) {
    c[out + j] += dotRest(a, row0, 1, b, j, n, k);
    c[out + n + j] += dotRest(a, row1, 1, b, j, n, k);
  }
}

/** c[i,j] += Σ_l a[l,i]·b[l,j] for two columns i, i + 1 of A `[K,M]`: tiles of 2×4 sums. */
function addTwoColumns(c: FloatArray, i: number, a: FloatArray, m: number, b: FloatArray, k: number, n: number): void {
  const out = i * n;
  const n4 = n - (n % 4);
  for (let j = 0; j < n4; j += 4) {
    let s00 = 0;
    let s01 = 0;
    let s02 = 0;
    let s03 = 0;
    let s10 = 0;
    let s11 = 0;
    let s12 = 0;
    let s13 = 0;
    for (let l = 0; l < k; l++) {
      const row = l * n + j;
      const at = l * m + i;
      const x = a[at];
      const y = a[at + 1];
      let w = b[row];
      s00 += x * w;
      s10 += y * w;
      w = b[row + 1];
      s01 += x * w;
      s11 += y * w;
      w = b[row + 2];
      s02 += x * w;
      s12 += y * w;
      w = b[row + 3];
      s03 += x * w;
      s13 += y * w;
    }
    c[out + j] += s00;
    c[out + j + 1] += s01;
    c[out + j + 2] += s02;
    c[out + j + 3] += s03;
    c[out + n + j] += s10;
    c[out + n + j + 1] += s11;
    c[out + n + j + 2] += s12;
    c[out + n + j + 3] += s13;
  }
  for (let j = n4; j < n; j++) {
    c[out + j] += dotRest(a, i, m, b, j, n, k);
    c[out + n + j] += dotRest(a, i + 1, m, b, j, n, k);
  }
}

/** c[j] += Σ_l a[l]·b[l,j] for one row of A: eight sums at a time. */
function addOneRow(
  c: FloatArray,
  out: number,
  a: FloatArray,
  start: number,
  b: FloatArray,
  k: number,
  n: number,
): void {
  const n8 = n - (n % 8);
  for (let j = 0; j < n8; j += 8) {
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let s4 = 0;
    let s5 = 0;
    let s6 = 0;
    let s7 = 0;
    for (let l = 0; l < k; l++) {
      const row = l * n + j;
      const x = a[start + l];
      s0 += x * b[row];
      s1 += x * b[row + 1];
      s2 += x * b[row + 2];
      s3 += x * b[row + 3];
      s4 += x * b[row + 4];
      s5 += x * b[row + 5];
      s6 += x * b[row + 6];
      s7 += x * b[row + 7];
    }
    c[out + j] += s0;
    c[out + j + 1] += s1;
    c[out + j + 2] += s2;
    c[out + j + 3] += s3;
    c[out + j + 4] += s4;
    c[out + j + 5] += s5;
    c[out + j + 6] += s6;
    c[out + j + 7] += s7;
  }
  for (let j = n8; j < n; j++) c[out + j] += dotRest(a, start, 1, b, j, n, k);
}

/** Σ_l a[from + l·step]·b[start + l·down]: what is left over beside the tiles. */
function dotRest(
  a: FloatArray,
  from: number,
  step: number,
  b: FloatArray,
  start: number,
  down: number,
  k: number,
): number {
  let s = 0;
  for (let l = 0; l < k; l++) s += a[from + l * step] * b[start + l * down];
  return s;
}
