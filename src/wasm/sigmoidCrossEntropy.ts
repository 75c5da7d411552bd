import type * as layers from '../layers/sigmoidCrossEntropy.ts';
import { f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitRows, forEachElement, sumOf } from './elements.ts';
import { exp } from './exp.ts';
import { log1p } from './log.ts';
import { storeLoss } from './loss.ts';
import type { WasmMemory } from './memory.ts';
import { sigmoidFrom } from './sigmoid.ts';

/**
 * losses[r] = w[r]·Σ_j (max(z,0) − z·y + ln(1 + e)), o = σ(z), both from the one e = e^(−|z|); dz = w[r]·(o − y).
 */
export function sigmoidCrossEntropyKernels(
  w: WasmMemory,
): Pick<typeof layers, 'sigmoidCrossEntropyForward' | 'sigmoidCrossEntropyBackward'> {
  const { call } = w;
  return {
    sigmoidCrossEntropyForward(losses, o, z, targets, weights, R, V) {
      const fn = 'sigmoidCrossEntropyForward';
      const lossesAt = w.at(fn, 'losses', losses, '[R]', R);
      const oAt = w.at(fn, 'o', o, '[R,V]', R, V);
      const zAt = w.at(fn, 'z', z, '[R,V]', R, V);
      const targetsAt = w.at(fn, 'targets', targets, '[R,V]', R, V);
      call[fn](lossesAt, oAt, zAt, targetsAt, w.at(fn, 'w', weights, '[R]', R), R, V);
    },
    sigmoidCrossEntropyBackward(dz, o, targets, weights, R, V) {
      const fn = 'sigmoidCrossEntropyBackward';
      const dzAt = w.at(fn, 'dz', dz, '[R,V]', R, V);
      const oAt = w.at(fn, 'o', o, '[R,V]', R, V);
      const targetsAt = w.at(fn, 'targets', targets, '[R,V]', R, V);
      call[fn](dzAt, oAt, targetsAt, w.at(fn, 'w', weights, '[R]', R), R, V);
    },
  };
}

export function emitSigmoidCrossEntropy(m: ModuleBuilder): void {
  const forward = ['[R]', '[R,n]', '[R,n]', '[R,n]', '[R]'] as const;
  emitRows(m, 'sigmoidCrossEntropyForward', forward, (f, [losses, o, z, targets, weights], V) => {
    const sum = sumOf(f, V, (at) => {
      const x = f.let(at.load(z));
      const e = f.let(exp(f, f32x4.neg(f32x4.abs(x))));
      at.store(o, sigmoidFrom(x, e));
      const linear = f32x4.sub(f32x4.max(x, 0), f32x4.mul(x, at.load(targets)));
      return f32x4.add(linear, log1p(f, e));
    });
    storeLoss(f, losses, weights, sum);
  });
  const backward = ['[R,n]', '[R,n]', '[R,n]', '[R]'] as const;
  emitRows(m, 'sigmoidCrossEntropyBackward', backward, (f, [dz, o, targets, weights], V) => {
    const weight = f.let(v128.loadSplat(weights));
    forEachElement(f, V, (at) => at.store(dz, f32x4.mul(weight, f32x4.sub(at.load(o), at.load(targets)))));
  });
}
