import { addRow, addRowBackward } from '../tensor/add.ts';
import { matmulNN, matmulNT, matmulTN } from '../tensor/matmul.ts';
import { relu, reluBackward } from '../tensor/relu.ts';
import { scale } from '../tensor/scale.ts';
import { expectLength, type FloatArray } from '../tensor/shape.ts';
import { sigmoid, sigmoidBackward } from '../tensor/sigmoid.ts';
import { tanh, tanhBackward } from '../tensor/tanh.ts';
import { expectTensor } from './expect.ts';

/** What the Elman cell puts its sum through. */
export type Nonlinearity = 'tanh' | 'sigmoid' | 'relu' | 'identity';

/**
 * One step of the Elman net (Elman 1990; the notebooks' `hs[t]`), for a batch:
 *
 *     h_t = f(zx_t + Whh·h_{t−1} + bhh)      with  zx_t = Wih·x_t + bih
 *
 * The input's share `zx_t` does not depend on the state, so it is made for all time steps at once by
 * {@link linearForward} or {@link oneHotLinearForward} before the loop.
 *
 * @param h [B,H], overwritten
 * @param zx [B,H]
 * @param hPrev [B,H]
 * @param Whh [H,H]
 * @param bhh [H], or null for none
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function elmanStepForward(
  h: FloatArray,
  zx: FloatArray,
  hPrev: FloatArray,
  Whh: FloatArray,
  bhh: FloatArray | null,
  f: Nonlinearity,
  B: number,
  H: number,
): void {
  expectLength('elmanStepForward', 'h', h, '[B,H]', B, H);
  expectTensor('elmanStepForward', 'zx', zx, h, '[B,H]', B, H);
  expectTensor('elmanStepForward', 'hPrev', hPrev, h, '[B,H]', B, H);
  expectTensor('elmanStepForward', 'Whh', Whh, h, '[H,H]', H, H);
  if (bhh) expectTensor('elmanStepForward', 'bhh', bhh, h, '[H]', H);
  h.set(zx);
  matmulNT(h, hPrev, Whh, B, H, H, true);
  if (bhh) addRow(h, h, bhh, B, H);
  if (f === 'tanh') tanh(h, h);
  else if (f === 'sigmoid') sigmoid(h, h);
  else if (f === 'relu') relu(h, h);
}

/**
 * dz = f′·dh and dh_{t−1} = dz·Whh, for h_t = f(z_t), z_t = zx_t + Whh·h_{t−1} + bhh.
 *
 * `dz` is the gradient of the sum: of `zx_t` and of `Whh·h_{t−1} + bhh` alike. The weights' share is left to
 * {@link elmanWeightBackward}, one product over all time steps.
 *
 * @param dz [B,H], overwritten
 * @param dhPrev [B,H], overwritten
 * @param dh [B,H], everything that reaches h_t: from the output of this step and from the step after it
 * @param h [B,H], what the forward step gave
 */
export function elmanStepBackward(
  dz: FloatArray,
  dhPrev: FloatArray,
  dh: FloatArray,
  h: FloatArray,
  Whh: FloatArray,
  f: Nonlinearity,
  B: number,
  H: number,
): void {
  expectLength('elmanStepBackward', 'dz', dz, '[B,H]', B, H);
  expectTensor('elmanStepBackward', 'dhPrev', dhPrev, dz, '[B,H]', B, H);
  expectTensor('elmanStepBackward', 'dh', dh, dz, '[B,H]', B, H);
  expectTensor('elmanStepBackward', 'h', h, dz, '[B,H]', B, H);
  expectTensor('elmanStepBackward', 'Whh', Whh, dz, '[H,H]', H, H);
  if (f === 'tanh') tanhBackward(dz, dh, h);
  else if (f === 'sigmoid') sigmoidBackward(dz, dh, h);
  else if (f === 'relu') reluBackward(dz, dh, h);
  else scale(dz, dh, 1);
  matmulNN(dhPrev, dz, Whh, B, H, H);
}

/**
 * dWhh += Σ_t dz_tᵀ·h_{t−1} and dbhh += Σ_t dz_t over the R = T·B rows of a sequence.
 *
 * @param dWhh [H,H], added to
 * @param dbhh [H], added to; null for none
 * @param dz [R,H]
 * @param hPrev [R,H], the states before each step
 */
export function elmanWeightBackward(
  dWhh: FloatArray,
  dbhh: FloatArray | null,
  dz: FloatArray,
  hPrev: FloatArray,
  R: number,
  H: number,
): void {
  expectLength('elmanWeightBackward', 'dWhh', dWhh, '[H,H]', H, H);
  if (dbhh) expectTensor('elmanWeightBackward', 'dbhh', dbhh, dWhh, '[H]', H);
  expectTensor('elmanWeightBackward', 'dz', dz, dWhh, '[R,H]', R, H);
  expectTensor('elmanWeightBackward', 'hPrev', hPrev, dWhh, '[R,H]', R, H);
  matmulTN(dWhh, dz, hPrev, H, R, H, true);
  if (dbhh) addRowBackward(dbhh, dz, R, H);
}
