import { addRow, addRowBackward } from '../tensor/add.ts';
import { matmulNN, matmulNT, matmulTN } from '../tensor/matmul.ts';
import { expectLength, type FloatArray } from '../tensor/shape.ts';
import { logistic } from '../tensor/sigmoid.ts';
import { tanhOf } from '../tensor/tanh.ts';
import { expectTensor } from './expect.ts';

/**
 * One step of the gated recurrent unit as PyTorch and cuDNN compute it, the reset gate after the product:
 *
 *     zh = Whh·h_{t−1} + bhh                       zx = Wih·x_t + bih, rows r,z,n
 *     r  = σ(zx_r + zh_r)
 *     z  = σ(zx_z + zh_z)
 *     n  = tanh(zx_n + r ⊙ zh_n)
 *     h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}
 *
 * The form of the paper, with the reset before the product, is `gruResetBefore.ts`.
 *
 * @param h [B,H], overwritten
 * @param cache [B,4H], overwritten with r, z, n and zh_n, which backward needs
 * @param zh [B,3H], scratch, overwritten
 * @param zx [B,3H]
 * @param hPrev [B,H]
 * @param Whh [3H,H]
 * @param bhh [3H], or null for none
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function gruStepForward(
  h: FloatArray,
  cache: FloatArray,
  zh: FloatArray,
  zx: FloatArray,
  hPrev: FloatArray,
  Whh: FloatArray,
  bhh: FloatArray | null,
  B: number,
  H: number,
): void {
  expectLength('gruStepForward', 'h', h, '[B,H]', B, H);
  expectTensor('gruStepForward', 'cache', cache, h, '[B,4H]', B, 4 * H);
  expectTensor('gruStepForward', 'zh', zh, h, '[B,3H]', B, 3 * H);
  expectTensor('gruStepForward', 'zx', zx, h, '[B,3H]', B, 3 * H);
  expectTensor('gruStepForward', 'hPrev', hPrev, h, '[B,H]', B, H);
  expectTensor('gruStepForward', 'Whh', Whh, h, '[3H,H]', 3 * H, H);
  if (bhh) expectTensor('gruStepForward', 'bhh', bhh, h, '[3H]', 3 * H);
  matmulNT(zh, hPrev, Whh, B, H, 3 * H);
  if (bhh) addRow(zh, zh, bhh, B, 3 * H);
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    const k = b * 4 * H;
    for (let j = 0; j < H; j++) {
      const r = logistic(zx[g + j] + zh[g + j]);
      const z = logistic(zx[g + H + j] + zh[g + H + j]);
      const n = tanhOf(zx[g + 2 * H + j] + r * zh[g + 2 * H + j]);
      cache[k + j] = r;
      cache[k + H + j] = z;
      cache[k + 2 * H + j] = n;
      cache[k + 3 * H + j] = zh[g + 2 * H + j];
      h[b * H + j] = (1 - z) * n + z * hPrev[b * H + j];
    }
  }
}

/**
 * Of h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}, backwards through the gates:
 *
 *     dn = dh ⊙ (1 − z),  dz = dh ⊙ (h_{t−1} − n)
 *     dan = dn ⊙ (1 − n²)                          n = tanh(an), an = zx_n + r ⊙ zh_n
 *     dar = dan ⊙ zh_n ⊙ r(1 − r),  daz = dz ⊙ z(1 − z)
 *     dzx = [dar, daz, dan],  dzh = [dar, daz, dan ⊙ r]
 *     dh_{t−1} = dh ⊙ z + dzh·Whh
 *
 * @param dzx [B,3H], overwritten
 * @param dzh [B,3H], overwritten
 * @param dhPrev [B,H], overwritten
 * @param dh [B,H], everything that reaches h_t
 * @param cache [B,4H], what the forward step gave
 */
export function gruStepBackward(
  dzx: FloatArray,
  dzh: FloatArray,
  dhPrev: FloatArray,
  dh: FloatArray,
  cache: FloatArray,
  hPrev: FloatArray,
  Whh: FloatArray,
  B: number,
  H: number,
): void {
  expectLength('gruStepBackward', 'dzx', dzx, '[B,3H]', B, 3 * H);
  expectTensor('gruStepBackward', 'dzh', dzh, dzx, '[B,3H]', B, 3 * H);
  expectTensor('gruStepBackward', 'dhPrev', dhPrev, dzx, '[B,H]', B, H);
  expectTensor('gruStepBackward', 'dh', dh, dzx, '[B,H]', B, H);
  expectTensor('gruStepBackward', 'cache', cache, dzx, '[B,4H]', B, 4 * H);
  expectTensor('gruStepBackward', 'hPrev', hPrev, dzx, '[B,H]', B, H);
  expectTensor('gruStepBackward', 'Whh', Whh, dzx, '[3H,H]', 3 * H, H);
  for (let b = 0; b < B; b++) {
    const g = b * 3 * H;
    const k = b * 4 * H;
    for (let j = 0; j < H; j++) {
      const r = cache[k + j];
      const z = cache[k + H + j];
      const n = cache[k + 2 * H + j];
      const zhn = cache[k + 3 * H + j];
      const d = dh[b * H + j];
      const dan = d * (1 - z) * (1 - n * n);
      const dar = dan * zhn * r * (1 - r);
      const daz = d * (hPrev[b * H + j] - n) * z * (1 - z);
      dzx[g + j] = dar;
      dzx[g + H + j] = daz;
      dzx[g + 2 * H + j] = dan;
      dzh[g + j] = dar;
      dzh[g + H + j] = daz;
      dzh[g + 2 * H + j] = dan * r;
      dhPrev[b * H + j] = d * z;
    }
  }
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
  dWhh: FloatArray,
  dbhh: FloatArray | null,
  dzh: FloatArray,
  hPrev: FloatArray,
  R: number,
  H: number,
): void {
  expectLength('gruWeightBackward', 'dWhh', dWhh, '[3H,H]', 3 * H, H);
  if (dbhh) expectTensor('gruWeightBackward', 'dbhh', dbhh, dWhh, '[3H]', 3 * H);
  expectTensor('gruWeightBackward', 'dzh', dzh, dWhh, '[R,3H]', R, 3 * H);
  expectTensor('gruWeightBackward', 'hPrev', hPrev, dWhh, '[R,H]', R, H);
  matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true);
  if (dbhh) addRowBackward(dbhh, dzh, R, 3 * H);
}
