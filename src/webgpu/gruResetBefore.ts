import { addRowBackward } from './add.ts';
import type { FloatBuffer } from './buffers.ts';
import { elementwise, overElements } from './elements.ts';
import { expectFloats } from './expect.ts';
import { linearForward } from './linear.ts';
import { matmulNN, matmulTN } from './matmul.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';
import { TANH_WGSL } from './tanh.ts';

const gatesForward = elementwise(
  'gruResetBeforeGates',
  { cache: 'f32', rh: 'f32' },
  { zx: 'f32', zh: 'f32', hPrev: 'f32' },
  { H: 'u32' },
  `let j = i % args.H;
  let at = (i / args.H) * 3u * args.H + j;
  let r = sigmoid_of(zx(at) + zh(at));
  set_cache(at, r);
  set_cache(at + args.H, sigmoid_of(zx(at + args.H) + zh(at + args.H)));
  set_rh(i, r * hPrev(i));`,
  SIGMOID_WGSL,
);

const stateForward = elementwise(
  'gruResetBeforeState',
  { cache: 'f32', h: 'f32' },
  { zx: 'f32', zn: 'f32', hPrev: 'f32' },
  { H: 'u32' },
  `let j = i % args.H;
  let at = (i / args.H) * 3u * args.H + j;
  let z = cache(at + args.H);
  let n = tanh_of(zx(at + 2u * args.H) + zn(i));
  set_cache(at + 2u * args.H, n);
  set_h(i, (1.0 - z) * n + z * hPrev(i));`,
  TANH_WGSL,
);

/**
 * One step with the reset gate before the product, as in the paper: r = σ(zx_r + zh_r), z = σ(zx_z + zh_z),
 * n = tanh(zx_n + Whh_n·(r ⊙ h_{t−1}) + bhh_n), h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}.
 *
 * @param h [B,H], overwritten
 * @param cache [B,3H], overwritten with r, z, n
 * @param rh [B,H], overwritten with r ⊙ h_{t−1}
 * @param zh [B,3H], scratch, overwritten
 * @param zx [B,3H]
 * @param hPrev [B,H]
 * @param Whh [3H,H]
 * @param bhh [3H], or null for none
 */
export function gruResetBeforeStepForward(
  h: FloatBuffer,
  cache: FloatBuffer,
  rh: FloatBuffer,
  zh: FloatBuffer,
  zx: FloatBuffer,
  hPrev: FloatBuffer,
  Whh: FloatBuffer,
  bhh: FloatBuffer | null,
  B: number,
  H: number,
): void {
  expectFloats('gruResetBeforeStepForward', 'h', h, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepForward', 'cache', cache, '[B,3H]', B, 3 * H);
  expectFloats('gruResetBeforeStepForward', 'rh', rh, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepForward', 'zh', zh, '[B,3H]', B, 3 * H);
  expectFloats('gruResetBeforeStepForward', 'zx', zx, '[B,3H]', B, 3 * H);
  expectFloats('gruResetBeforeStepForward', 'hPrev', hPrev, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepForward', 'Whh', Whh, '[3H,H]', 3 * H, H);
  if (bhh) expectFloats('gruResetBeforeStepForward', 'bhh', bhh, '[3H]', 3 * H);
  linearForward(zh, hPrev, Whh, bhh, B, H, 3 * H);
  overElements(gatesForward, { cache, rh, zx, zh, hPrev }, B * H, { H });
  const zn = zh.slice(0, B * H);
  linearForward(zn, rh, Whh.slice(2 * H * H, 3 * H * H), bhh?.slice(2 * H, 3 * H) ?? null, B, H, H);
  overElements(stateForward, { cache, h, zx, zn, hPrev }, B * H, { H });
}

const candidateBackward = elementwise(
  'gruResetBeforeCandidateBackward',
  { dan: 'f32' },
  { dh: 'f32', cache: 'f32' },
  { H: 'u32' },
  `let at = (i / args.H) * 3u * args.H + i % args.H;
  let n = cache(at + 2u * args.H);
  set_dan(i, dh(i) * (1.0 - cache(at + args.H)) * (1.0 - n * n));`,
);

const gatesBackward = elementwise(
  'gruResetBeforeGatesBackward',
  { dzx: 'f32', dzh: 'f32', dhPrev: 'f32' },
  { dan: 'f32', drh: 'f32', dh: 'f32', cache: 'f32', hPrev: 'f32' },
  { H: 'u32' },
  `let at = (i / args.H) * 3u * args.H + i % args.H;
  let r = cache(at);
  let z = cache(at + args.H);
  let n = cache(at + 2u * args.H);
  let d = dh(i);
  let before = hPrev(i);
  let dar = drh(i) * before * r * (1.0 - r);
  let daz = d * (before - n) * z * (1.0 - z);
  set_dzx(at, dar);
  set_dzx(at + args.H, daz);
  set_dzx(at + 2u * args.H, dan(i));
  set_dzh(at, dar);
  set_dzh(at + args.H, daz);
  set_dzh(at + 2u * args.H, 0.0);
  set_dhPrev(i, d * z + drh(i) * r);`,
);

/**
 * dan = dh ⊙ (1 − z) ⊙ (1 − n²), drh = dan·Whh_n, dar = drh ⊙ h_{t−1} ⊙ r(1 − r), daz = dh ⊙ (h_{t−1} − n) ⊙ z(1 − z),
 * dh_{t−1} = dh ⊙ z + drh ⊙ r + [dar, daz]·Whh_{r,z}.
 *
 * @param dzx [B,3H], overwritten with [dar, daz, dan]
 * @param dzh [B,3H], overwritten with [dar, daz, 0]
 * @param dan [B,H], overwritten
 * @param dhPrev [B,H], overwritten
 * @param scratch [B,H], overwritten
 * @param dh [B,H], everything that reaches h_t
 * @param cache [B,3H], what the forward step gave
 */
export function gruResetBeforeStepBackward(
  dzx: FloatBuffer,
  dzh: FloatBuffer,
  dan: FloatBuffer,
  dhPrev: FloatBuffer,
  scratch: FloatBuffer,
  dh: FloatBuffer,
  cache: FloatBuffer,
  hPrev: FloatBuffer,
  Whh: FloatBuffer,
  B: number,
  H: number,
): void {
  expectFloats('gruResetBeforeStepBackward', 'dzx', dzx, '[B,3H]', B, 3 * H);
  expectFloats('gruResetBeforeStepBackward', 'dzh', dzh, '[B,3H]', B, 3 * H);
  expectFloats('gruResetBeforeStepBackward', 'dan', dan, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepBackward', 'dhPrev', dhPrev, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepBackward', 'scratch', scratch, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepBackward', 'dh', dh, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepBackward', 'cache', cache, '[B,3H]', B, 3 * H);
  expectFloats('gruResetBeforeStepBackward', 'hPrev', hPrev, '[B,H]', B, H);
  expectFloats('gruResetBeforeStepBackward', 'Whh', Whh, '[3H,H]', 3 * H, H);
  overElements(candidateBackward, { dan, dh, cache }, B * H, { H });
  const drh = scratch;
  matmulNN(drh, dan, Whh.slice(2 * H * H, 3 * H * H), B, H, H);
  overElements(gatesBackward, { dzx, dzh, dhPrev, dan, drh, dh, cache, hPrev }, B * H, { H });
  matmulNN(dhPrev, dzh, Whh, B, 3 * H, H, true);
}

/**
 * dWhh_{r,z} += Σ_t [dar, daz]ᵀ·h_{t−1}, dWhh_n += Σ_t danᵀ·(r ⊙ h_{t−1}), dbhh += Σ_t [dar, daz, dan],
 * over the R = T·B rows of a sequence.
 *
 * @param dWhh [3H,H], added to
 * @param dbhh [3H], added to; null for none
 * @param dzx [R,3H]
 * @param dzh [R,3H], its n block zero
 * @param dan [R,H]
 * @param hPrev [R,H], the states before each step
 * @param rh [R,H]
 */
export function gruResetBeforeWeightBackward(
  dWhh: FloatBuffer,
  dbhh: FloatBuffer | null,
  dzx: FloatBuffer,
  dzh: FloatBuffer,
  dan: FloatBuffer,
  hPrev: FloatBuffer,
  rh: FloatBuffer,
  R: number,
  H: number,
): void {
  expectFloats('gruResetBeforeWeightBackward', 'dWhh', dWhh, '[3H,H]', 3 * H, H);
  if (dbhh) expectFloats('gruResetBeforeWeightBackward', 'dbhh', dbhh, '[3H]', 3 * H);
  expectFloats('gruResetBeforeWeightBackward', 'dzx', dzx, '[R,3H]', R, 3 * H);
  expectFloats('gruResetBeforeWeightBackward', 'dzh', dzh, '[R,3H]', R, 3 * H);
  expectFloats('gruResetBeforeWeightBackward', 'dan', dan, '[R,H]', R, H);
  expectFloats('gruResetBeforeWeightBackward', 'hPrev', hPrev, '[R,H]', R, H);
  expectFloats('gruResetBeforeWeightBackward', 'rh', rh, '[R,H]', R, H);
  matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true);
  matmulTN(dWhh.slice(2 * H * H, 3 * H * H), dan, rh, H, R, H, true);
  if (dbhh) addRowBackward(dbhh, dzx, R, 3 * H);
}
