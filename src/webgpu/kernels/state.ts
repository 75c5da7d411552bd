import type { FloatBuffer } from '../device/buffers.ts';
import { elementwise, dispatchElementwise } from '../device/elementwise.ts';
import { assertFloats } from '../device/assert.ts';
import { memoize, optionsKey } from '../device/memoize.ts';

const startForward = memoize(optionsKey, ({ learned }: { learned: boolean }) =>
  elementwise(
    learned ? 'startStateForwardLearned' : 'startStateForward',
    { h: 'f32' },
    { given: 'f32', keep: 'f32', ...(learned ? { h0: 'f32' } : {}) },
    { H: 'u32' },
    `set_h(i, select(${learned ? 'h0(i % args.H)' : '0.0'}, given(i), keep(i / args.H) == 1.0));`,
  ),
);

/**
 * The state that a window starts from: h[b,·] = keep[b]·given[b,·] + (1 − keep[b])·h0.
 *
 * @param h [B,H], overwritten
 * @param given [B,H]
 * @param h0 [H], or null for zero
 * @param keep [B], 1 or 0
 */
export function startStateForward(
  h: FloatBuffer,
  given: FloatBuffer,
  h0: FloatBuffer | null,
  keep: FloatBuffer,
  B: number,
  H: number,
): void {
  assertFloats('startStateForward', 'h', h, '[B,H]', B, H);
  assertFloats('startStateForward', 'given', given, '[B,H]', B, H);
  if (h0) assertFloats('startStateForward', 'h0', h0, '[H]', H);
  assertFloats('startStateForward', 'keep', keep, '[B]', B);
  dispatchElementwise(startForward({ learned: h0 !== null }), { h, given, keep, ...(h0 ? { h0 } : {}) }, B * H, { H });
}

const startBackward = elementwise(
  'startStateBackward',
  { dgiven: 'f32' },
  { dh: 'f32', keep: 'f32' },
  { H: 'u32' },
  'set_dgiven(i, keep(i / args.H) * dh(i));',
);

const learnedBackward = elementwise(
  'startStateBackwardLearned',
  { dh0: 'f32' },
  { dh: 'f32', keep: 'f32' },
  { B: 'u32' },
  `var total = 0.0;
  for (var b = 0u; b < args.B; b++) { total += (1.0 - keep(b)) * dh(b * args.count + i); }
  set_dh0(i, dh0(i) + total);`,
);

/**
 * dgiven[b,·] = keep[b]·dh[b,·] and dh0 += Σ_b (1 − keep[b])·dh[b,·], for h = startState(given, h0, keep).
 *
 * @param dgiven [B,H], overwritten; may be `dh`
 * @param dh0 [H], added to; null where h0 is not learned
 * @param dh [B,H]
 */
export function startStateBackward(
  dgiven: FloatBuffer,
  dh0: FloatBuffer | null,
  dh: FloatBuffer,
  keep: FloatBuffer,
  B: number,
  H: number,
): void {
  assertFloats('startStateBackward', 'dgiven', dgiven, '[B,H]', B, H);
  assertFloats('startStateBackward', 'dh', dh, '[B,H]', B, H);
  assertFloats('startStateBackward', 'keep', keep, '[B]', B);
  if (dh0) {
    assertFloats('startStateBackward', 'dh0', dh0, '[H]', H);
    dispatchElementwise(learnedBackward, { dh0, dh, keep }, H, { B });
  }
  dispatchElementwise(startBackward, { dgiven, dh, keep }, B * H, { H });
}

const hold = elementwise(
  'holdStateForward',
  { h: 'f32' },
  { hPrev: 'f32', mask: 'f32' },
  { H: 'u32' },
  'if (mask(i / args.H) != 1.0) { set_h(i, hPrev(i)); }',
);

/**
 * Where a sequence has no step (mask 0) its state stands still: h[b,·] = hPrev[b,·].
 *
 * @param h [B,H], the rows with mask 0 overwritten
 * @param hPrev [B,H]
 * @param mask [B], 1 or 0
 */
export function holdStateForward(h: FloatBuffer, hPrev: FloatBuffer, mask: FloatBuffer, B: number, H: number): void {
  assertFloats('holdStateForward', 'h', h, '[B,H]', B, H);
  assertFloats('holdStateForward', 'hPrev', hPrev, '[B,H]', B, H);
  assertFloats('holdStateForward', 'mask', mask, '[B]', B);
  dispatchElementwise(hold, { h, hPrev, mask }, B * H, { H });
}

/**
 * Where the state stood still its gradient passes through: dhPrev[b,·] = dh[b,·].
 *
 * @param dhPrev [B,H], the rows with mask 0 overwritten
 * @param dh [B,H]
 * @param mask [B], 1 or 0
 */
export function holdStateBackward(dhPrev: FloatBuffer, dh: FloatBuffer, mask: FloatBuffer, B: number, H: number): void {
  assertFloats('holdStateBackward', 'dhPrev', dhPrev, '[B,H]', B, H);
  assertFloats('holdStateBackward', 'dh', dh, '[B,H]', B, H);
  assertFloats('holdStateBackward', 'mask', mask, '[B]', B);
  dispatchElementwise(hold, { h: dhPrev, hPrev: dh, mask }, B * H, { H });
}

const clear = elementwise(
  'clearRows',
  { y: 'f32' },
  { mask: 'f32' },
  { n: 'u32' },
  'if (mask(i / args.n) != 1.0) { set_y(i, 0.0); }',
);

/**
 * y[b,·] = 0 where mask[b] is 0. In place.
 *
 * @param y [B,n]
 * @param mask [B], 1 or 0
 */
export function clearRows(y: FloatBuffer, mask: FloatBuffer, B: number, n: number): void {
  assertFloats('clearRows', 'y', y, '[B,n]', B, n);
  assertFloats('clearRows', 'mask', mask, '[B]', B);
  dispatchElementwise(clear, { y, mask }, B * n, { n });
}
