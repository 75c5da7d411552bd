import { addRowBackward } from './add.ts';
import type { FloatBuffer } from './buffers.ts';
import { type CellWgsl, gatesBackwardKernel } from './cellKernels.ts';
import { overElements } from './elements.ts';
import { expectFloats } from './expect.ts';
import { matmulNN, matmulTN } from './matmul.ts';
import { stepForward } from './recurrence.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';
import { TANH_WGSL } from './tanh.ts';

/**
 * r = σ(zx_r + zh_r), z = σ(zx_z + zh_z), n = tanh(zx_n + r ⊙ zh_n), h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}; the cache holds
 * r, z, n and zh_n.
 */
export const GRU: CellWgsl = {
  name: 'gru',
  gates: 3,
  hasC: false,
  cacheBlocks: 4,
  splitGradients: true,
  peepholes: false,
  next: `${SIGMOID_WGSL}${TANH_WGSL}
fn next(x: vec4f, s: vec4f, row: u32, j: u32, hp: f32, cp: f32) -> Next {
  let r = sigmoid_of(x.x + s.x);
  let z = sigmoid_of(x.y + s.y);
  let n = tanh_of(x.z + r * s.z);
  let at = row * 4u * args.H + j;
  set_cache(at, r);
  set_cache(at + args.H, z);
  set_cache(at + 2u * args.H, n);
  set_cache(at + 3u * args.H, s.z);
  return Next((1.0 - z) * n + z * hp, 0.0);
}`,
  back: `
fn back(row: u32, j: u32, d: f32, dc: f32) -> Back {
  let at = row * 4u * args.H + j;
  let r = cache(at);
  let z = cache(at + args.H);
  let n = cache(at + 2u * args.H);
  let dan = d * (1.0 - z) * (1.0 - n * n);
  let dar = dan * cache(at + 3u * args.H) * r * (1.0 - r);
  let daz = d * (hPrev(row * args.H + j) - n) * z * (1.0 - z);
  return Back(vec4f(dar, daz, dan, 0.0), dan * r, 0.0);
}`,
  past: 'd * cache(row * 4u * args.H + args.H + j)',
};

const gatesBackward = gatesBackwardKernel(GRU);

/**
 * One step with the reset gate after the product, product and gates in one dispatch.
 *
 * @param h [B,H], overwritten
 * @param cache [B,4H], overwritten with r, z, n and zh_n
 * @param zh [B,3H], not used: the product stays in registers
 * @param zx [B,3H]
 * @param hPrev [B,H]
 * @param Whh [3H,H]
 * @param bhh [3H], or null for none
 */
export function gruStepForward(
  h: FloatBuffer,
  cache: FloatBuffer,
  zh: FloatBuffer,
  zx: FloatBuffer,
  hPrev: FloatBuffer,
  Whh: FloatBuffer,
  bhh: FloatBuffer | null,
  B: number,
  H: number,
): void {
  expectFloats('gruStepForward', 'h', h, '[B,H]', B, H);
  expectFloats('gruStepForward', 'cache', cache, '[B,4H]', B, 4 * H);
  expectFloats('gruStepForward', 'zh', zh, '[B,3H]', B, 3 * H);
  expectFloats('gruStepForward', 'zx', zx, '[B,3H]', B, 3 * H);
  expectFloats('gruStepForward', 'hPrev', hPrev, '[B,H]', B, H);
  expectFloats('gruStepForward', 'Whh', Whh, '[3H,H]', 3 * H, H);
  if (bhh) expectFloats('gruStepForward', 'bhh', bhh, '[3H]', 3 * H);
  stepForward(GRU, { h, hPrev, cache, zx, Whh, ...(bhh ? { bhh } : {}) }, B, H);
}

/**
 * dan = dh ⊙ (1 − z) ⊙ (1 − n²), dar = dan ⊙ zh_n ⊙ r(1 − r), daz = dh ⊙ (h_{t−1} − n) ⊙ z(1 − z),
 * dzx = [dar, daz, dan], dzh = [dar, daz, dan ⊙ r], dh_{t−1} = dh ⊙ z + dzh·Whh.
 *
 * @param dzx [B,3H], overwritten
 * @param dzh [B,3H], overwritten
 * @param dhPrev [B,H], overwritten
 * @param dh [B,H], everything that reaches h_t
 * @param cache [B,4H], what the forward step gave
 */
export function gruStepBackward(
  dzx: FloatBuffer,
  dzh: FloatBuffer,
  dhPrev: FloatBuffer,
  dh: FloatBuffer,
  cache: FloatBuffer,
  hPrev: FloatBuffer,
  Whh: FloatBuffer,
  B: number,
  H: number,
): void {
  expectFloats('gruStepBackward', 'dzx', dzx, '[B,3H]', B, 3 * H);
  expectFloats('gruStepBackward', 'dzh', dzh, '[B,3H]', B, 3 * H);
  expectFloats('gruStepBackward', 'dhPrev', dhPrev, '[B,H]', B, H);
  expectFloats('gruStepBackward', 'dh', dh, '[B,H]', B, H);
  expectFloats('gruStepBackward', 'cache', cache, '[B,4H]', B, 4 * H);
  expectFloats('gruStepBackward', 'hPrev', hPrev, '[B,H]', B, H);
  expectFloats('gruStepBackward', 'Whh', Whh, '[3H,H]', 3 * H, H);
  overElements(gatesBackward, { dzx, dzh, dhPrev, cache, hPrev, dh }, B * H, { H });
  matmulNN(dhPrev, dzh, Whh, B, 3 * H, H, true);
}

/**
 * dWhh += Σ_t dzh_tᵀ·h_{t−1} and dbhh += Σ_t dzh_t over the R = T·B rows of a sequence.
 *
 * @param dWhh [3H,H], added to
 * @param dbhh [3H], added to; null for none
 * @param dzh [R,3H]
 * @param hPrev [R,H], the states before each step
 */
export function gruWeightBackward(
  dWhh: FloatBuffer,
  dbhh: FloatBuffer | null,
  dzh: FloatBuffer,
  hPrev: FloatBuffer,
  R: number,
  H: number,
): void {
  expectFloats('gruWeightBackward', 'dWhh', dWhh, '[3H,H]', 3 * H, H);
  if (dbhh) expectFloats('gruWeightBackward', 'dbhh', dbhh, '[3H]', 3 * H);
  expectFloats('gruWeightBackward', 'dzh', dzh, '[R,3H]', R, 3 * H);
  expectFloats('gruWeightBackward', 'hPrev', hPrev, '[R,H]', R, H);
  matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true);
  if (dbhh) addRowBackward(dbhh, dzh, R, 3 * H);
}
