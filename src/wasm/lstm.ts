import type * as layers from '../layers/lstm.ts';
import type { addKernels } from './add.ts';
import { type Expr, f32x4, type ModuleBuilder } from './assembler.ts';
import { blocksOf, forEachUnit } from './elements.ts';
import type { Products } from './matmul.ts';
import type { WasmMemory } from './memory.ts';
import { sigmoid, sigmoidSlope } from './sigmoid.ts';
import { tanh, tanhSlope } from './tanh.ts';

/**
 * Whh·h_{t−1} + bhh as a product; then in one pass over the gates, with a = zx + that,
 * i = σ(a_i + p_i ⊙ c_{t−1}), f = σ(a_f + p_f ⊙ c_{t−1}), g = tanh(a_g), c_t = f ⊙ c_{t−1} + i ⊙ g,
 * o = σ(a_o + p_o ⊙ c_t), h_t = o ⊙ tanh(c_t), and the same backwards. With and without peepholes are two functions.
 */
export function lstmKernels(
  w: WasmMemory,
  { matmulTN, weightNN, weightNT }: Products,
  { addRow, addRowBackward }: ReturnType<typeof addKernels>,
): Pick<typeof layers, 'lstmStepForward' | 'lstmStepBackward' | 'lstmWeightBackward'> {
  const { lstmGates, lstmGatesPeephole, lstmGatesBackward, lstmGatesPeepholeBackward, lstmPeepholeSums } = w.call;
  return {
    lstmStepForward(h, c, cache, a, zx, hPrev, cPrev, Whh, bhh, p, B, H) {
      const fn = 'lstmStepForward';
      const hAt = w.at(fn, 'h', h, '[B,H]', B, H);
      const cAt = w.at(fn, 'c', c, '[B,H]', B, H);
      const cacheAt = w.at(fn, 'cache', cache, '[B,5H]', B, 5 * H);
      const aAt = w.at(fn, 'a', a, '[B,4H]', B, 4 * H);
      const zxAt = w.at(fn, 'zx', zx, '[B,4H]', B, 4 * H);
      w.at(fn, 'hPrev', hPrev, '[B,H]', B, H);
      const cPrevAt = w.at(fn, 'cPrev', cPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[4H,H]', 4 * H, H);
      w.atOrNull(fn, 'bhh', bhh, '[4H]', 4 * H);
      const pAt = w.atOrNull(fn, 'p', p, '[3H]', 3 * H);
      weightNT(a, hPrev, Whh, B, H, 4 * H);
      if (bhh) addRow(a, a, bhh, B, 4 * H);
      const gates = p ? lstmGatesPeephole : lstmGates;
      gates(hAt, cAt, cacheAt, aAt, zxAt, cPrevAt, pAt, B, H);
    },
    lstmStepBackward(da, dhPrev, dcPrev, dh, dc, cache, cPrev, Whh, p, B, H) {
      const fn = 'lstmStepBackward';
      const daAt = w.at(fn, 'da', da, '[B,4H]', B, 4 * H);
      w.at(fn, 'dhPrev', dhPrev, '[B,H]', B, H);
      const dcPrevAt = w.at(fn, 'dcPrev', dcPrev, '[B,H]', B, H);
      const dhAt = w.at(fn, 'dh', dh, '[B,H]', B, H);
      const dcAt = w.at(fn, 'dc', dc, '[B,H]', B, H);
      const cacheAt = w.at(fn, 'cache', cache, '[B,5H]', B, 5 * H);
      const cPrevAt = w.at(fn, 'cPrev', cPrev, '[B,H]', B, H);
      w.at(fn, 'Whh', Whh, '[4H,H]', 4 * H, H);
      const pAt = w.atOrNull(fn, 'p', p, '[3H]', 3 * H);
      const gates = p ? lstmGatesPeepholeBackward : lstmGatesBackward;
      gates(daAt, dcPrevAt, dhAt, dcAt, cacheAt, cPrevAt, pAt, B, H);
      weightNN(dhPrev, da, Whh, B, 4 * H, H);
    },
    lstmWeightBackward(dWhh, dbhh, dp, da, hPrev, cPrev, c, R, H) {
      const fn = 'lstmWeightBackward';
      w.at(fn, 'dWhh', dWhh, '[4H,H]', 4 * H, H);
      w.atOrNull(fn, 'dbhh', dbhh, '[4H]', 4 * H);
      const dpAt = w.atOrNull(fn, 'dp', dp, '[3H]', 3 * H);
      const daAt = w.at(fn, 'da', da, '[R,4H]', R, 4 * H);
      w.at(fn, 'hPrev', hPrev, '[R,H]', R, H);
      const cPrevAt = w.at(fn, 'cPrev', cPrev, '[R,H]', R, H);
      const cAt = w.at(fn, 'c', c, '[R,H]', R, H);
      matmulTN(dWhh, da, hPrev, 4 * H, R, H, true);
      if (dbhh) addRowBackward(dbhh, da, R, 4 * H);
      if (dp) lstmPeepholeSums(dpAt, daAt, cPrevAt, cAt, R, H);
    },
  };
}

export function emitLstm(m: ModuleBuilder): void {
  for (const peephole of [false, true]) {
    const name = peephole ? 'lstmGatesPeephole' : 'lstmGates';
    emitGates(m, name, peephole);
    emitGatesBackward(m, `${name}Backward`, peephole);
  }
  emitPeepholeSums(m);
}

function emitGates(m: ModuleBuilder, name: string, peephole: boolean): void {
  m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [h, c, cache, a, zx, cPrev, p, B, H] = params;
    const peepholes = blocksOf(f, p, H, 3);
    const arrays = [
      [h, 1],
      [c, 1],
      [cPrev, 1],
      [cache, 5],
      [a, 4],
      [zx, 4],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [h], [c], [cPrev], kept, own, input) => {
      const sum = (gate: number): Expr<'v128'> => f32x4.add(at.load(input[gate]), at.load(own[gate]));
      const seen = (gate: number, which: number, cell: Expr<'v128'>): Expr<'v128'> =>
        peephole ? f32x4.add(sum(gate), f32x4.mul(at.load(peepholes[which]), cell)) : sum(gate);
      const prev = f.let(at.load(cPrev));
      const i = f.let(sigmoid(f, f.let(seen(0, 0, prev))));
      const forget = f.let(sigmoid(f, f.let(seen(1, 1, prev))));
      const g = f.let(tanh(f, f.let(sum(2))));
      const next = f.let(f32x4.add(f32x4.mul(forget, prev), f32x4.mul(i, g)));
      const o = f.let(sigmoid(f, f.let(seen(3, 2, next))));
      const tc = f.let(tanh(f, next));
      [i, forget, g, o, tc].forEach((value, k) => {
        at.store(kept[k], value);
      });
      at.store(c, next);
      at.store(h, f32x4.mul(o, tc));
    });
  });
}

function emitGatesBackward(m: ModuleBuilder, name: string, peephole: boolean): void {
  m.function(name, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, params) => {
    const [da, dcPrev, dh, dc, cache, cPrev, p, B, H] = params;
    const peepholes = blocksOf(f, p, H, 3);
    const arrays = [
      [dcPrev, 1],
      [dh, 1],
      [dc, 1],
      [cPrev, 1],
      [da, 4],
      [cache, 5],
    ] as const;
    forEachUnit(f, B, H, arrays, (at, [dcPrev], [dh], [dc], [cPrev], sums, kept) => {
      const [i, forget, g, o, tc] = kept.map((pointer) => f.let(at.load(pointer)));
      const d = f.let(at.load(dh));
      const dao = f.let(f32x4.mul(f32x4.mul(d, tc), sigmoidSlope(o)));
      const dct = f.let(f32x4.add(at.load(dc), f32x4.mul(f32x4.mul(d, o), tanhSlope(tc))));
      if (peephole) f.set(dct, f32x4.add(dct, f32x4.mul(dao, at.load(peepholes[2]))));
      const dai = f.let(f32x4.mul(f32x4.mul(dct, g), sigmoidSlope(i)));
      const daf = f.let(f32x4.mul(f32x4.mul(dct, at.load(cPrev)), sigmoidSlope(forget)));
      const dag = f.let(f32x4.mul(f32x4.mul(dct, i), tanhSlope(g)));
      [dai, daf, dag, dao].forEach((value, k) => {
        at.store(sums[k], value);
      });
      const before = f.let(f32x4.mul(dct, forget));
      if (peephole) {
        const seen = f32x4.add(f32x4.mul(dai, at.load(peepholes[0])), f32x4.mul(daf, at.load(peepholes[1])));
        f.set(before, f32x4.add(before, seen));
      }
      at.store(dcPrev, before);
    });
  });
}

/** dp_i += Σ dai ⊙ c_{t−1}, dp_f += Σ daf ⊙ c_{t−1}, dp_o += Σ dao ⊙ c_t */
function emitPeepholeSums(m: ModuleBuilder): void {
  m.function('lstmPeepholeSums', ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], (f, [dp, da, cPrev, c, R, H]) => {
    const dps = blocksOf(f, dp, H, 3);
    const arrays = [
      [da, 4],
      [cPrev, 1],
      [c, 1],
    ] as const;
    forEachUnit(f, R, H, arrays, (at, [dai, daf, , dao], [cPrev], [c]) => {
      [[dai, cPrev] as const, [daf, cPrev] as const, [dao, c] as const].forEach(([gate, cell], k) => {
        at.store(dps[k], f32x4.add(at.load(dps[k]), f32x4.mul(at.load(gate), at.load(cell))));
      });
    });
  });
}
