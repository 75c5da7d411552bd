import type * as layers from '../layers/elman.ts';
import type { addKernels } from './add.ts';
import type { Products } from './matmul.ts';
import type { WasmMemory } from './memory.ts';
import type { reluKernels } from './relu.ts';
import type { sigmoidKernels } from './sigmoid.ts';
import type { tanhKernels } from './tanh.ts';

/** h_t = f(zx_t + Whh·h_{t−1} + bhh), its backward dz = f′·dh, dh_{t−1} = dz·Whh, and the weights' sums over time. */
export function elmanKernels(
  w: WasmMemory,
  { matmulTN, weightNN, weightNT }: Products,
  { addRow, addRowBackward }: ReturnType<typeof addKernels>,
  { tanh, tanhBackward }: ReturnType<typeof tanhKernels>,
  { sigmoid, sigmoidBackward }: ReturnType<typeof sigmoidKernels>,
  { relu, reluBackward }: ReturnType<typeof reluKernels>,
): Pick<typeof layers, 'elmanStepForward' | 'elmanStepBackward' | 'elmanWeightBackward'> {
  return {
    elmanStepForward(h, zx, hPrev, Whh, bhh, f, B, H) {
      const fn = 'elmanStepForward';
      const hAt = w.at(fn, 'h', h, '[B,H]', B, H);
      const zxAt = w.at(fn, 'zx', zx, '[B,H]', B, H);
      w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[H,H]', H, H);
      w.atOrNull(fn, 'bhh', bhh, '[H]', H);
      w.call.copy(hAt, zxAt, B * H);
      weightNT(h, hPrev, Whh, B, H, H, true);
      if (bhh) addRow(h, h, bhh, B, H);
      if (f === 'tanh') tanh(h, h);
      else if (f === 'sigmoid') sigmoid(h, h);
      else if (f === 'relu') relu(h, h);
    },
    elmanStepBackward(dz, dhPrev, dh, h, Whh, f, B, H) {
      const fn = 'elmanStepBackward';
      const dzAt = w.at(fn, 'dz', dz, '[B,H]', B, H);
      w.at(fn, 'dhPrev', dhPrev, '[B,H]', B, H);
      const dhAt = w.at(fn, 'dh', dh, '[B,H]', B, H);
      w.at(fn, 'h', h, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[H,H]', H, H);
      if (f === 'tanh') tanhBackward(dz, dh, h);
      else if (f === 'sigmoid') sigmoidBackward(dz, dh, h);
      else if (f === 'relu') reluBackward(dz, dh, h);
      else w.call.copy(dzAt, dhAt, B * H);
      weightNN(dhPrev, dz, Whh, B, H, H);
    },
    elmanWeightBackward(dWhh, dbhh, dz, hPrev, R, H) {
      const fn = 'elmanWeightBackward';
      w.at(fn, 'dWhh', dWhh, '[H,H]', H, H);
      w.atOrNull(fn, 'dbhh', dbhh, '[H]', H);
      w.at(fn, 'dz', dz, '[R,H]', R, H);
      w.at(fn, 'hPrev', hPrev, '[R,H]', R, H);
      matmulTN(dWhh, dz, hPrev, H, R, H, true);
      if (dbhh) addRowBackward(dbhh, dz, R, H);
    },
  };
}
