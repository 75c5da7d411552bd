import type * as host from '../../layers/state.ts';
import { assertFloats, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise, elementwise } from '../device/elementwise.ts';
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

/** The state [B,H] that a window starts from: h[b,·] = keep[b]·given[b,·] + (1 − keep[b])·h0, with h0 [H] or null for zero. */
export const startStateForward: OnDevice<typeof host.startStateForward> = (h, given, h0, keep, B, H) => {
  assertFloats('startStateForward', { h, given }, '[B,H]', B, H);
  assertFloats('startStateForward', { h0 }, '[H]', H);
  assertFloats('startStateForward', { keep }, '[B]', B);
  dispatchElementwise(startForward({ learned: h0 !== null }), { h, given, keep, ...(h0 ? { h0 } : {}) }, B * H, { H });
};

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

/** dgiven[b,·] = keep[b]·dh[b,·], which may be `dh`, and, unless it is null, dh0 += Σ_b (1 − keep[b])·dh[b,·]. */
export const startStateBackward: OnDevice<typeof host.startStateBackward> = (dgiven, dh0, dh, keep, B, H) => {
  assertFloats('startStateBackward', { dgiven, dh }, '[B,H]', B, H);
  assertFloats('startStateBackward', { keep }, '[B]', B);
  assertFloats('startStateBackward', { dh0 }, '[H]', H);
  if (dh0) dispatchElementwise(learnedBackward, { dh0, dh, keep }, H, { B });
  dispatchElementwise(startBackward, { dgiven, dh, keep }, B * H, { H });
};

const hold = elementwise(
  'holdStateForward',
  { h: 'f32' },
  { hPrev: 'f32', mask: 'f32' },
  { H: 'u32' },
  'if (mask(i / args.H) != 1.0) { set_h(i, hPrev(i)); }',
);

/** At padded steps (mask 0) the state is copied through unchanged: h[b,·] = hPrev[b,·]. The other rows of `h` stay. */
export const holdStateForward: OnDevice<typeof host.holdStateForward> = (h, hPrev, mask, B, H) => {
  assertFloats('holdStateForward', { h, hPrev }, '[B,H]', B, H);
  assertFloats('holdStateForward', { mask }, '[B]', B);
  dispatchElementwise(hold, { h, hPrev, mask }, B * H, { H });
};

/** And so is its gradient: dhPrev[b,·] = dh[b,·]. The other rows of `dhPrev` stay. */
export const holdStateBackward: OnDevice<typeof host.holdStateBackward> = (dhPrev, dh, mask, B, H) => {
  assertFloats('holdStateBackward', { dhPrev, dh }, '[B,H]', B, H);
  assertFloats('holdStateBackward', { mask }, '[B]', B);
  dispatchElementwise(hold, { h: dhPrev, hPrev: dh, mask }, B * H, { H });
};

const clear = elementwise(
  'clearRows',
  { y: 'f32' },
  { mask: 'f32' },
  { n: 'u32' },
  'if (mask(i / args.n) != 1.0) { set_y(i, 0.0); }',
);

/** y[b,·] = 0 where mask[b] is 0, in place: y [B,n]. */
export const clearRows: OnDevice<typeof host.clearRows> = (y, mask, B, n) => {
  assertFloats('clearRows', { y }, '[B,n]', B, n);
  assertFloats('clearRows', { mask }, '[B]', B);
  dispatchElementwise(clear, { y, mask }, B * n, { n });
};
