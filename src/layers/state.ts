import { assertLength, assertTensor } from '../check/arrays.ts';
import type { FloatArray } from '../tensor/shape.ts';

/**
 * The state that a window starts from: h[b,·] = keep[b]·given[b,·] + (1 − keep[b])·h0.
 * Sequences that go on keep the state they were given, those that begin get h0 (learned, or zero where it is null).
 *
 * @param h [B,H], overwritten
 * @param given [B,H]
 * @param h0 [H], or null for zero
 * @param keep [B], 1 or 0
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function startStateForward(
  h: FloatArray,
  given: FloatArray,
  h0: FloatArray | null,
  keep: FloatArray,
  B: number,
  H: number,
): void {
  assertLength('startStateForward', 'h', h, '[B,H]', B, H);
  assertTensor('startStateForward', 'given', given, h, '[B,H]', B, H);
  if (h0) assertTensor('startStateForward', 'h0', h0, h, '[H]', H);
  assertTensor('startStateForward', 'keep', keep, h, '[B]', B);
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) h[b * H + j] = keep[b] === 1 ? given[b * H + j] : h0 ? h0[j] : 0;
  }
}

/**
 * dgiven[b,·] = keep[b]·dh[b,·] and dh0 += Σ_b (1 − keep[b])·dh[b,·], for h = startState(given, h0, keep).
 *
 * @param dgiven [B,H], overwritten; may be `dh`
 * @param dh0 [H], added to; null where h0 is not learned
 * @param dh [B,H]
 */
export function startStateBackward(
  dgiven: FloatArray,
  dh0: FloatArray | null,
  dh: FloatArray,
  keep: FloatArray,
  B: number,
  H: number,
): void {
  assertLength('startStateBackward', 'dgiven', dgiven, '[B,H]', B, H);
  if (dh0) assertTensor('startStateBackward', 'dh0', dh0, dgiven, '[H]', H);
  assertTensor('startStateBackward', 'dh', dh, dgiven, '[B,H]', B, H);
  assertTensor('startStateBackward', 'keep', keep, dgiven, '[B]', B);
  for (let b = 0; b < B; b++) {
    for (let j = 0; j < H; j++) {
      const d = dh[b * H + j];
      if (dh0) dh0[j] += (1 - keep[b]) * d;
      dgiven[b * H + j] = keep[b] * d;
    }
  }
}

/**
 * Where a sequence has no step (padding, mask 0), its state stands still: h[b,·] = hPrev[b,·].
 *
 * @param h [B,H], the rows with mask 0 overwritten
 * @param hPrev [B,H]
 * @param mask [B], 1 or 0
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function holdStateForward(h: FloatArray, hPrev: FloatArray, mask: FloatArray, B: number, H: number): void {
  assertLength('holdStateForward', 'h', h, '[B,H]', B, H);
  assertTensor('holdStateForward', 'hPrev', hPrev, h, '[B,H]', B, H);
  assertTensor('holdStateForward', 'mask', mask, h, '[B]', B);
  for (let b = 0; b < B; b++) {
    if (mask[b] === 1) continue;
    for (let j = 0; j < H; j++) h[b * H + j] = hPrev[b * H + j];
  }
}

/**
 * Where the state stood still its gradient passes through, dhPrev[b,·] = dh[b,·], after the cell's backward has filled
 * `dhPrev` for every row as if there were no mask.
 *
 * @param dhPrev [B,H], the rows with mask 0 overwritten
 * @param dh [B,H]
 * @param mask [B], 1 or 0
 */
export function holdStateBackward(dhPrev: FloatArray, dh: FloatArray, mask: FloatArray, B: number, H: number): void {
  assertLength('holdStateBackward', 'dhPrev', dhPrev, '[B,H]', B, H);
  assertTensor('holdStateBackward', 'dh', dh, dhPrev, '[B,H]', B, H);
  assertTensor('holdStateBackward', 'mask', mask, dhPrev, '[B]', B);
  holdStateForward(dhPrev, dh, mask, B, H);
}

/**
 * y[b,·] = 0 where mask[b] is 0: a step that did not happen sends nothing to the weights or the input. In place.
 *
 * @param y [B,n]
 * @param mask [B], 1 or 0
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function clearRows(y: FloatArray, mask: FloatArray, B: number, n: number): void {
  assertLength('clearRows', 'y', y, '[B,n]', B, n);
  assertTensor('clearRows', 'mask', mask, y, '[B]', B);
  if (n === 0) return; // a detached array cannot even be filled with nothing
  for (let b = 0; b < B; b++) if (mask[b] !== 1) y.fill(0, b * n, (b + 1) * n);
}
