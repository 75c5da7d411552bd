import { addRow, addRowBackward } from '../tensor/add.ts';
import { matmulNN, matmulNT, matmulTN } from '../tensor/matmul.ts';
import { expectLength, type FloatArray } from '../tensor/shape.ts';
import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import { expectTensor } from './expect.ts';

/**
 * One step of the gated recurrent unit as in the paper (Cho et al. 2014), the reset gate before the product:
 *
 *     r  = σ(zx_r + Whh_r·h_{t−1} + bhh_r)         zx = Wih·x_t + bih, rows r,z,n
 *     z  = σ(zx_z + Whh_z·h_{t−1} + bhh_z)
 *     n  = tanh(zx_n + Whh_n·(r ⊙ h_{t−1}) + bhh_n)
 *     h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
 *
 * @param h [B,H], overwritten
 * @param cache [B,3H], overwritten with r, z, n, which backward needs
 * @param rh [B,H], overwritten with r ⊙ h_{t−1}, which the weights' gradient needs
 * @param zh [B,3H], scratch, overwritten
 * @param zx [B,3H]
 * @param hPrev [B,H]
 * @param Whh [3H,H]
 * @param bhh [3H], or null for none
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function gruResetBeforeStepForward(
  h: FloatArray,
  cache: FloatArray,
  rh: FloatArray,
  zh: FloatArray,
  zx: FloatArray,
  hPrev: FloatArray,
  Whh: FloatArray,
  bhh: FloatArray | null,
  B: number,
  H: number,
): void {
  expectLength('gruResetBeforeStepForward', 'h', h, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepForward', 'cache', cache, h, '[B,3H]', B, 3 * H);
  expectTensor('gruResetBeforeStepForward', 'rh', rh, h, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepForward', 'zh', zh, h, '[B,3H]', B, 3 * H);
  expectTensor('gruResetBeforeStepForward', 'zx', zx, h, '[B,3H]', B, 3 * H);
  expectTensor('gruResetBeforeStepForward', 'hPrev', hPrev, h, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepForward', 'Whh', Whh, h, '[3H,H]', 3 * H, H);
  if (bhh) expectTensor('gruResetBeforeStepForward', 'bhh', bhh, h, '[3H]', 3 * H);
  matmulNT(zh, hPrev, Whh, B, H, 3 * H);
  if (bhh) addRow(zh, zh, bhh, B, 3 * H);
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    for (let j = 0; j < H; j++) {
      const r = logistic(zx[g + j] + zh[g + j]);
      cache[g + j] = r;
      cache[g + H + j] = logistic(zx[g + H + j] + zh[g + H + j]);
      rh[b * H + j] = r * hPrev[b * H + j];
    }
  }
  const Wn = Whh.subarray(2 * H * H);
  const zn = zh.subarray(0, B * H);
  matmulNT(zn, rh, Wn, B, H, H);
  if (bhh) addRow(zn, zn, bhh.subarray(2 * H), B, H);
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    for (let j = 0; j < H; j++) {
      const z = cache[g + H + j];
      const n = tanhOf(zx[g + 2 * H + j] + zn[b * H + j]);
      cache[g + 2 * H + j] = n;
      h[b * H + j] = (1 - z) * n + z * hPrev[b * H + j];
    }
  }
}

/**
 * Of h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}, backwards through the gates:
 *
 *     dan = dh ⊙ (1 − z) ⊙ (1 − n²)                n = tanh(an), an = zx_n + Whh_n·(r ⊙ h_{t−1}) + bhh_n
 *     drh = dan·Whh_n
 *     dar = drh ⊙ h_{t−1} ⊙ r(1 − r),  daz = dh ⊙ (h_{t−1} − n) ⊙ z(1 − z)
 *     dh_{t−1} = dh ⊙ z + drh ⊙ r + [dar, daz]·Whh_{r,z}
 *
 * @param dzx [B,3H], overwritten with [dar, daz, dan]
 * @param dzh [B,3H], overwritten with [dar, daz, 0]: the share of the product with h_{t−1}
 * @param dan [B,H], overwritten: the share of the product with r ⊙ h_{t−1}
 * @param dhPrev [B,H], overwritten
 * @param scratch [B,H], overwritten
 * @param dh [B,H], everything that reaches h_t
 * @param cache [B,3H], what the forward step gave
 */
export function gruResetBeforeStepBackward(
  dzx: FloatArray,
  dzh: FloatArray,
  dan: FloatArray,
  dhPrev: FloatArray,
  scratch: FloatArray,
  dh: FloatArray,
  cache: FloatArray,
  hPrev: FloatArray,
  Whh: FloatArray,
  B: number,
  H: number,
): void {
  expectLength('gruResetBeforeStepBackward', 'dzx', dzx, '[B,3H]', B, 3 * H);
  expectTensor('gruResetBeforeStepBackward', 'dzh', dzh, dzx, '[B,3H]', B, 3 * H);
  expectTensor('gruResetBeforeStepBackward', 'dan', dan, dzx, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepBackward', 'dhPrev', dhPrev, dzx, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepBackward', 'scratch', scratch, dzx, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepBackward', 'dh', dh, dzx, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepBackward', 'cache', cache, dzx, '[B,3H]', B, 3 * H);
  expectTensor('gruResetBeforeStepBackward', 'hPrev', hPrev, dzx, '[B,H]', B, H);
  expectTensor('gruResetBeforeStepBackward', 'Whh', Whh, dzx, '[3H,H]', 3 * H, H);
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    for (let j = 0; j < H; j++) {
      const z = cache[g + H + j];
      const n = cache[g + 2 * H + j];
      dan[b * H + j] = dh[b * H + j] * (1 - z) * (1 - n * n);
    }
  }
  const drh = scratch;
  matmulNN(drh, dan, Whh.subarray(2 * H * H), B, H, H);
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    for (let j = 0; j < H; j++) {
      const r = cache[g + j];
      const z = cache[g + H + j];
      const n = cache[g + 2 * H + j];
      const d = dh[b * H + j];
      const prev = hPrev[b * H + j];
      const dar = drh[b * H + j] * prev * r * (1 - r);
      const daz = d * (prev - n) * z * (1 - z);
      dzx[g + j] = dar;
      dzx[g + H + j] = daz;
      dzx[g + 2 * H + j] = dan[b * H + j];
      dzh[g + j] = dar;
      dzh[g + H + j] = daz;
      dzh[g + 2 * H + j] = 0;
      dhPrev[b * H + j] = d * z + drh[b * H + j] * r;
    }
  }
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
  dWhh: FloatArray,
  dbhh: FloatArray | null,
  dzx: FloatArray,
  dzh: FloatArray,
  dan: FloatArray,
  hPrev: FloatArray,
  rh: FloatArray,
  R: number,
  H: number,
): void {
  expectLength('gruResetBeforeWeightBackward', 'dWhh', dWhh, '[3H,H]', 3 * H, H);
  if (dbhh) expectTensor('gruResetBeforeWeightBackward', 'dbhh', dbhh, dWhh, '[3H]', 3 * H);
  expectTensor('gruResetBeforeWeightBackward', 'dzx', dzx, dWhh, '[R,3H]', R, 3 * H);
  expectTensor('gruResetBeforeWeightBackward', 'dzh', dzh, dWhh, '[R,3H]', R, 3 * H);
  expectTensor('gruResetBeforeWeightBackward', 'dan', dan, dWhh, '[R,H]', R, H);
  expectTensor('gruResetBeforeWeightBackward', 'hPrev', hPrev, dWhh, '[R,H]', R, H);
  expectTensor('gruResetBeforeWeightBackward', 'rh', rh, dWhh, '[R,H]', R, H);
  matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true);
  matmulTN(dWhh.subarray(2 * H * H), dan, rh, H, R, H, true);
  if (dbhh) addRowBackward(dbhh, dzx, R, 3 * H);
}
