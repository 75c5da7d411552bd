import type * as layers from '../layers/gru.ts';
import type { addKernels } from './add.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { forEachUnit } from './elements.ts';
import type { Products } from './matmul.ts';
import type { WasmMemory } from './memory.ts';
import { sigmoid, sigmoidSlope } from './sigmoid.ts';
import { tanh, tanhSlope } from './tanh.ts';

/**
 * zh = Whh·h_{t−1} + bhh as a product; then in one pass over the gates r = σ(zx_r + zh_r), z = σ(zx_z + zh_z),
 * n = tanh(zx_n + r ⊙ zh_n), h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}, and the same backwards.
 */
export function gruKernels(
  w: WasmMemory,
  { matmulTN, weightNN, weightNT }: Products,
  { addRow, addRowBackward }: ReturnType<typeof addKernels>,
): Pick<typeof layers, 'gruStepForward' | 'gruStepBackward' | 'gruWeightBackward'> {
  const { gruGates, gruGatesBackward } = w.call;
  return {
    gruStepForward(h, cache, zh, zx, hPrev, Whh, bhh, B, H) {
      const fn = 'gruStepForward';
      const hAt = w.at(fn, 'h', h, '[B,H]', B, H);
      const cacheAt = w.at(fn, 'cache', cache, '[B,4H]', B, 4 * H);
      const zhAt = w.at(fn, 'zh', zh, '[B,3H]', B, 3 * H);
      const zxAt = w.at(fn, 'zx', zx, '[B,3H]', B, 3 * H);
      const hPrevAt = w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[3H,H]', 3 * H, H);
      w.atOrNull(fn, 'bhh', bhh, '[3H]', 3 * H);
      weightNT(zh, hPrev, Whh, B, H, 3 * H);
      if (bhh) addRow(zh, zh, bhh, B, 3 * H);
      gruGates(hAt, cacheAt, zhAt, zxAt, hPrevAt, B, H);
    },
    gruStepBackward(dzx, dzh, dhPrev, dh, cache, hPrev, Whh, B, H) {
      const fn = 'gruStepBackward';
      const dzxAt = w.at(fn, 'dzx', dzx, '[B,3H]', B, 3 * H);
      const dzhAt = w.at(fn, 'dzh', dzh, '[B,3H]', B, 3 * H);
      const dhPrevAt = w.at(fn, 'dhPrev', dhPrev, '[B,H]', B, H);
      const dhAt = w.at(fn, 'dh', dh, '[B,H]', B, H);
      const cacheAt = w.at(fn, 'cache', cache, '[B,4H]', B, 4 * H);
      const hPrevAt = w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[3H,H]', 3 * H, H);
      gruGatesBackward(dzxAt, dzhAt, dhPrevAt, dhAt, cacheAt, hPrevAt, B, H);
      weightNN(dhPrev, dzh, Whh, B, 3 * H, H, true);
    },
    gruWeightBackward(dWhh, dbhh, dzh, hPrev, R, H) {
      const fn = 'gruWeightBackward';
      w.at(fn, 'dWhh', dWhh, '[3H,H]', 3 * H, H);
      w.atOrNull(fn, 'dbhh', dbhh, '[3H]', 3 * H);
      w.at(fn, 'dzh', dzh, '[R,3H]', R, 3 * H);
      w.at(fn, 'hPrev', hPrev, '[R,H]', R, H);
      matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true);
      if (dbhh) addRowBackward(dbhh, dzh, R, 3 * H);
    },
  };
}

export function emitGru(m: ModuleBuilder): void {
  m.function('gruGates', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [h, cache, zh, zx, hPrev, B, H] = params;
    const arrays = [
      [h, 1],
      [hPrev, 1],
      [cache, 4],
      [zh, 3],
      [zx, 3],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [h], [hPrev], kept, own, input) => {
      const r = f.let(sigmoid(f, f.let(f32x4.add(at.load(input[0]), at.load(own[0])))));
      const z = f.let(sigmoid(f, f.let(f32x4.add(at.load(input[1]), at.load(own[1])))));
      const zhn = f.let(at.load(own[2]));
      const n = f.let(tanh(f, f.let(f32x4.add(at.load(input[2]), f32x4.mul(r, zhn)))));
      [r, z, n, zhn].forEach((value, k) => {
        at.store(kept[k], value);
      });
      at.store(h, f32x4.add(f32x4.mul(f32x4.sub(1, z), n), f32x4.mul(z, at.load(hPrev))));
    });
  });
  m.function('gruGatesBackward', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [dzx, dzh, dhPrev, dh, cache, hPrev, B, H] = params;
    const arrays = [
      [dhPrev, 1],
      [dh, 1],
      [hPrev, 1],
      [dzx, 3],
      [dzh, 3],
      [cache, 4],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [dhPrev], [dh], [hPrev], input, own, kept) => {
      const [r, z, n, zhn] = kept.map((pointer) => f.let(at.load(pointer)));
      const d = f.let(at.load(dh));
      const dan = f.let(f32x4.mul(f32x4.mul(d, f32x4.sub(1, z)), tanhSlope(n)));
      const dar = f.let(f32x4.mul(f32x4.mul(dan, zhn), sigmoidSlope(r)));
      const daz = f.let(f32x4.mul(f32x4.mul(d, f32x4.sub(at.load(hPrev), n)), sigmoidSlope(z)));
      [dar, daz, dan].forEach((value, k) => {
        at.store(input[k], value);
      });
      [dar, daz, f.let(f32x4.mul(dan, r))].forEach((value, k) => {
        at.store(own[k], value);
      });
      at.store(dhPrev, f32x4.mul(d, z));
    });
  });
}
