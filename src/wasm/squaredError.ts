import type * as layers from '../layers/squaredError.ts';
import { f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitRows, forEachElement, sumOf } from './elements.ts';
import { storeLoss } from './loss.ts';
import type { WasmMemory } from './memory.ts';

/** losses[r] = w[r]·Σ_j (o − y)², do = 2·w[r]·(o − y). */
export function squaredErrorKernels(
  w: WasmMemory,
): Pick<typeof layers, 'squaredErrorForward' | 'squaredErrorBackward'> {
  const { call } = w;
  return {
    squaredErrorForward(losses, o, targets, weights, R, V) {
      const fn = 'squaredErrorForward';
      const lossesAt = w.at(fn, 'losses', losses, '[R]', R);
      const oAt = w.at(fn, 'o', o, '[R,V]', R, V);
      const targetsAt = w.at(fn, 'targets', targets, '[R,V]', R, V);
      call[fn](lossesAt, oAt, targetsAt, w.at(fn, 'w', weights, '[R]', R), R, V);
    },
    squaredErrorBackward(dout, o, targets, weights, R, V) {
      const fn = 'squaredErrorBackward';
      const doutAt = w.at(fn, 'dout', dout, '[R,V]', R, V);
      const oAt = w.at(fn, 'o', o, '[R,V]', R, V);
      const targetsAt = w.at(fn, 'targets', targets, '[R,V]', R, V);
      call[fn](doutAt, oAt, targetsAt, w.at(fn, 'w', weights, '[R]', R), R, V);
    },
  };
}

export function emitSquaredError(m: ModuleBuilder): void {
  const forward = ['[R]', '[R,n]', '[R,n]', '[R]'] as const;
  emitRows(m, 'squaredErrorForward', forward, (f, [losses, o, targets, weights], V) => {
    const sum = sumOf(f, V, (at) => {
      const e = f.let(f32x4.sub(at.load(o), at.load(targets)));
      return f32x4.mul(e, e);
    });
    storeLoss(f, losses, weights, sum);
  });
  const backward = ['[R,n]', '[R,n]', '[R,n]', '[R]'] as const;
  emitRows(m, 'squaredErrorBackward', backward, (f, [dout, o, targets, weights], V) => {
    const twice = f.let(f32x4.mul(2, v128.loadSplat(weights)));
    forEachElement(f, V, (at) => at.store(dout, f32x4.mul(twice, f32x4.sub(at.load(o), at.load(targets)))));
  });
}
