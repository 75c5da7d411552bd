import { assertFinite, assertFloats } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertAboveZero } from '../check/numbers.ts';
import { clip } from '../tensor/clip.ts';
import { powOf } from '../tensor/pow.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { sumOfSquares } from '../tensor/sum.ts';

/**
 * Clips every element of the gradient to [−limit, limit], in place: the notebooks' `np.clip(dparam, -5, 5, out=dparam)`.
 *
 * @throws {RangeError} unless limit > 0, and on a NaN or infinity among the gradient: cut, it would pass for a number.
 */
export function clipByValue(grads: FloatArray, limit: number): void {
  assertFloats('clipByValue', 'grads', grads);
  assertAboveZero('clipByValue', 'limit', limit);
  assertFinite('clipByValue', 'grads', grads);
  clip(grads, grads, -limit, limit);
}

/**
 * Scales the gradient in place so that its norm is at most `maxNorm` (Pascanu, Mikolov & Bengio 2013), by
 * min(1, maxNorm/(norm + 1e-6)) as PyTorch's `clip_grad_norm_`.
 *
 * @param p which norm: 1, 2, 3, … or Infinity
 * @returns the norm before clipping
 * @throws {RangeError} unless maxNorm > 0 and p ≥ 1, and on a NaN or infinity among the gradient.
 */
export function clipByNorm(grads: FloatArray, maxNorm: number, p = 2): number {
  assertFloats('clipByNorm', 'grads', grads);
  assertAboveZero('clipByNorm', 'maxNorm', maxNorm);
  assertNormKind('clipByNorm', p);
  const norm = gradientNorm(grads, p);
  if (!Number.isFinite(norm)) {
    assertFinite('clipByNorm', 'grads', grads);
    // The norm of these finite numbers is beyond all numbers; that of a share of them is not.
    const largest = largestOf(grads);
    for (let i = 0; i < grads.length; i++) grads[i] /= largest;
    const factor = maxNorm / gradientNorm(grads, p);
    for (let i = 0; i < grads.length; i++) grads[i] *= factor;
    return norm;
  }
  const factor = maxNorm / (norm + 1e-6);
  if (factor < 1) for (let i = 0; i < grads.length; i++) grads[i] *= factor;
  return norm;
}

/**
 * (Σ|g|^p)^(1/p), or the largest |g| for p = Infinity. Powers too large for float64 are taken of |g| over the largest.
 *
 * @throws {RangeError} unless p ≥ 1.
 */
export function gradientNorm(grads: FloatArray, p = 2): number {
  assertFloats('gradientNorm', 'grads', grads);
  assertNormKind('gradientNorm', p);
  if (p === Infinity) return largestOf(grads);
  const sum = p === 2 ? sumOfSquares(grads) : sumOfPowers(grads, p, 1);
  if (Number.isFinite(sum)) return p === 2 ? Math.sqrt(sum) : powOf(sum, 1 / p);
  const largest = largestOf(grads);
  return Number.isFinite(largest) ? largest * powOf(sumOfPowers(grads, p, largest), 1 / p) : largest;
}

/** Σ(|g|/unit)^p */
function sumOfPowers(grads: FloatArray, p: number, unit: number): number {
  let sum = 0;
  for (let i = 0; i < grads.length; i++) sum += powOf(Math.abs(grads[i]) / unit, p);
  return sum;
}

/** The largest |g|; NaN where there is one. */
function largestOf(grads: FloatArray): number {
  let largest = 0;
  for (let i = 0; i < grads.length; i++) largest = Math.max(largest, Math.abs(grads[i]));
  return largest;
}

function assertNormKind(fn: string, p: unknown): void {
  if (typeof p === 'number' && p >= 1) return;
  throw new RangeError(`${fn}: p is ${describe(p)}, expected a number ≥ 1`);
}
