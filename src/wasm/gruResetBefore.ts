import type * as layers from '../layers/gruResetBefore.ts';
import type { addKernels } from './add.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { forEachUnit } from './elements.ts';
import type { Products } from './matmul.ts';
import type { WasmMemory } from './memory.ts';
import { sigmoid, sigmoidSlope } from './sigmoid.ts';
import { tanh, tanhSlope } from './tanh.ts';

/**
 * Whh_{r,z}·h_{t−1} + bhh_{r,z} as a product, r = σ(zx_r + zh_r), z = σ(zx_z + zh_z), r ⊙ h_{t−1}; then
 * Whh_n·(r ⊙ h_{t−1}) + bhh_n as another, n = tanh(zx_n + zh_n), h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}; the same backwards.
 * The scratch zh holds [B,2H] and [B,H], the two products one after the other.
 */
export function gruResetBeforeKernels(
  w: WasmMemory,
  { matmulTN, weightNN, weightNT }: Products,
  { addRow, addRowBackward }: ReturnType<typeof addKernels>,
): Pick<typeof layers, 'gruResetBeforeStepForward' | 'gruResetBeforeStepBackward' | 'gruResetBeforeWeightBackward'> {
  const { gruResetGates, gruNewState, gruNewStateBackward, gruResetGatesBackward } = w.call;
  return {
    gruResetBeforeStepForward(h, cache, rh, zh, zx, hPrev, Whh, bhh, B, H) {
      const fn = 'gruResetBeforeStepForward';
      const hAt = w.at(fn, 'h', h, '[B,H]', B, H);
      const cacheAt = w.at(fn, 'cache', cache, '[B,3H]', B, 3 * H);
      const rhAt = w.at(fn, 'rh', rh, '[B,H]', B, H);
      const zhAt = w.at(fn, 'zh', zh, '[B,3H]', B, 3 * H);
      const zxAt = w.at(fn, 'zx', zx, '[B,3H]', B, 3 * H);
      const hPrevAt = w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[3H,H]', 3 * H, H);
      w.atOrNull(fn, 'bhh', bhh, '[3H]', 3 * H);
      const zrz = zh.subarray(0, 2 * B * H);
      weightNT(zrz, hPrev, Whh.subarray(0, 2 * H * H), B, H, 2 * H);
      if (bhh) addRow(zrz, zrz, bhh.subarray(0, 2 * H), B, 2 * H);
      gruResetGates(cacheAt, rhAt, zhAt, zxAt, hPrevAt, B, H);
      const zn = zh.subarray(2 * B * H);
      weightNT(zn, rh, Whh.subarray(2 * H * H), B, H, H);
      if (bhh) addRow(zn, zn, bhh.subarray(2 * H), B, H);
      gruNewState(hAt, cacheAt, zhAt + 8 * B * H, zxAt, hPrevAt, B, H);
    },
    gruResetBeforeStepBackward(dzx, dzh, dan, dhPrev, scratch, dh, cache, hPrev, Whh, B, H) {
      const fn = 'gruResetBeforeStepBackward';
      const dzxAt = w.at(fn, 'dzx', dzx, '[B,3H]', B, 3 * H);
      const dzhAt = w.at(fn, 'dzh', dzh, '[B,3H]', B, 3 * H);
      const danAt = w.at(fn, 'dan', dan, '[B,H]', B, H);
      const dhPrevAt = w.at(fn, 'dhPrev', dhPrev, '[B,H]', B, H);
      const drhAt = w.at(fn, 'scratch', scratch, '[B,H]', B, H);
      const dhAt = w.at(fn, 'dh', dh, '[B,H]', B, H);
      const cacheAt = w.at(fn, 'cache', cache, '[B,3H]', B, 3 * H);
      const hPrevAt = w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[3H,H]', 3 * H, H);
      gruNewStateBackward(danAt, dhAt, cacheAt, B, H);
      weightNN(scratch, dan, Whh.subarray(2 * H * H), B, H, H);
      gruResetGatesBackward(dzxAt, dzhAt, dhPrevAt, danAt, drhAt, dhAt, cacheAt, hPrevAt, B, H);
      weightNN(dhPrev, dzh, Whh, B, 3 * H, H, true);
    },
    gruResetBeforeWeightBackward(dWhh, dbhh, dzx, dzh, dan, hPrev, rh, R, H) {
      const fn = 'gruResetBeforeWeightBackward';
      w.at(fn, 'dWhh', dWhh, '[3H,H]', 3 * H, H);
      w.atOrNull(fn, 'dbhh', dbhh, '[3H]', 3 * H);
      w.at(fn, 'dzx', dzx, '[R,3H]', R, 3 * H);
      w.at(fn, 'dzh', dzh, '[R,3H]', R, 3 * H);
      w.at(fn, 'dan', dan, '[R,H]', R, H);
      w.at(fn, 'hPrev', hPrev, '[R,H]', R, H);
      w.at(fn, 'rh', rh, '[R,H]', R, H);
      matmulTN(dWhh, dzh, hPrev, 3 * H, R, H, true);
      matmulTN(dWhh.subarray(2 * H * H), dan, rh, H, R, H, true);
      if (dbhh) addRowBackward(dbhh, dzx, R, 3 * H);
    },
  };
}

export function emitGruResetBefore(m: ModuleBuilder): void {
  m.function('gruResetGates', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [cache, rh, zh, zx, hPrev, B, H] = params;
    const arrays = [
      [rh, 1],
      [hPrev, 1],
      [cache, 3],
      [zh, 2],
      [zx, 3],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [rh], [hPrev], kept, own, input) => {
      const r = f.let(sigmoid(f, f.let(f32x4.add(at.load(input[0]), at.load(own[0])))));
      at.store(kept[0], r);
      at.store(kept[1], sigmoid(f, f.let(f32x4.add(at.load(input[1]), at.load(own[1])))));
      at.store(rh, f32x4.mul(r, at.load(hPrev)));
    });
  });
  m.function('gruNewState', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [h, cache, zn, zx, hPrev, B, H] = params;
    const arrays = [
      [h, 1],
      [hPrev, 1],
      [zn, 1],
      [cache, 3],
      [zx, 3],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [h], [hPrev], [zn], kept, input) => {
      const z = f.let(at.load(kept[1]));
      const n = f.let(tanh(f, f.let(f32x4.add(at.load(input[2]), at.load(zn)))));
      at.store(kept[2], n);
      at.store(h, f32x4.add(f32x4.mul(f32x4.sub(1, z), n), f32x4.mul(z, at.load(hPrev))));
    });
  });
  m.function('gruNewStateBackward', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, [dan, dh, cache, B, H]) => {
    forEachUnit(
      f,
      B,
      H,
      [
        [dan, 1],
        [dh, 1],
        [cache, 3],
      ],
      (at, [dan], [dh], [, z, n]) => {
        const dn = f32x4.mul(at.load(dh), f32x4.sub(1, at.load(z)));
        at.store(dan, f32x4.mul(dn, tanhSlope(f.let(at.load(n)))));
      },
    );
  });
  const ten = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  m.function('gruResetGatesBackward', ten, (f, [dzx, dzh, dhPrev, dan, drh, dh, cache, hPrev, B, H]) => {
    const arrays = [
      [dhPrev, 1],
      [dan, 1],
      [drh, 1],
      [dh, 1],
      [hPrev, 1],
      [dzx, 3],
      [dzh, 3],
      [cache, 3],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [dhPrev], [dan], [drh], [dh], [hPrev], input, own, kept) => {
      const [r, z, n] = kept.map((pointer) => f.let(at.load(pointer)));
      const d = f.let(at.load(dh));
      const dr = f.let(at.load(drh));
      const prev = f.let(at.load(hPrev));
      const dar = f.let(f32x4.mul(f32x4.mul(dr, prev), sigmoidSlope(r)));
      const daz = f.let(f32x4.mul(f32x4.mul(d, f32x4.sub(prev, n)), sigmoidSlope(z)));
      [dar, daz, at.load(dan)].forEach((value, k) => {
        at.store(input[k], value);
      });
      [dar, daz, 0].forEach((value, k) => {
        at.store(own[k], value);
      });
      at.store(dhPrev, f32x4.add(f32x4.mul(d, z), f32x4.mul(dr, r)));
    });
  });
}
