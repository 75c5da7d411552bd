import { assertIds } from '../check/arrays.ts';
import type * as layers from '../layers/softmaxCrossEntropy.ts';
import type { softmax as Softmax } from '../tensor/softmax.ts';
import { type FunctionBuilder, f32x4, type I32, i32, type Local, type ModuleBuilder, v128 } from './assembler.ts';
import { emitRows, forEachElement, maxOf, sumOf } from './elements.ts';
import { exp } from './exp.ts';
import { log } from './log.ts';
import { storeLoss } from './loss.ts';
import type { WasmMemory } from './memory.ts';

/** p = softmax(z); losses[r] = w[r]·(ln Σ_k e^(z_k − m) − (z_target − m)), p = softmax(z), and dz = w[r]·(p − onehot(target)). */
export function softmaxCrossEntropyKernels(
  w: WasmMemory,
): Pick<typeof layers, 'softmaxCrossEntropyForward' | 'softmaxCrossEntropyBackward'> & { softmax: typeof Softmax } {
  const { call } = w;
  return {
    softmax(p, z, rows, n) {
      const pAt = w.at('softmax', 'p', p, '[R,n]', rows, n);
      call.softmax(pAt, w.at('softmax', 'z', z, '[R,n]', rows, n), rows, n);
    },
    softmaxCrossEntropyForward(losses, p, z, targets, weights, R, V) {
      const fn = 'softmaxCrossEntropyForward';
      const lossesAt = w.at(fn, 'losses', losses, '[R]', R);
      const pAt = w.at(fn, 'p', p, '[R,V]', R, V);
      const zAt = w.at(fn, 'z', z, '[R,V]', R, V);
      const weightsAt = w.at(fn, 'w', weights, '[R]', R);
      const targetsAt = w.at(fn, 'targets', targets, '[R]', R);
      assertIds(fn, 'targets', targets, V);
      call[fn](lossesAt, pAt, zAt, targetsAt, weightsAt, R, V);
    },
    softmaxCrossEntropyBackward(dz, p, targets, weights, R, V) {
      const fn = 'softmaxCrossEntropyBackward';
      const dzAt = w.at(fn, 'dz', dz, '[R,V]', R, V);
      const pAt = w.at(fn, 'p', p, '[R,V]', R, V);
      const weightsAt = w.at(fn, 'w', weights, '[R]', R);
      const targetsAt = w.at(fn, 'targets', targets, '[R]', R);
      assertIds(fn, 'targets', targets, V);
      call[fn](dzAt, pAt, targetsAt, weightsAt, R, V);
    },
  };
}

/** p = e^(z − max)/Σ_k e^(z_k − max) for a row: each exponential is computed once. `p` may be `z`. Gives the sum. */
export function softmaxRow(
  f: FunctionBuilder,
  p: Local<'i32'>,
  z: Local<'i32'>,
  max: Local<'v128'>,
  V: I32,
): Local<'v128'> {
  const sum = sumOf(f, V, (at) => {
    const e = f.let(exp(f, f32x4.sub(at.load(z), max)));
    at.store(p, e);
    return e;
  });
  forEachElement(f, V, (at) => at.store(p, f32x4.div(at.load(p), sum)));
  return sum;
}

/** Adds the kernel `softmax(p, z, R, n)`; `p` may be `z`. */
export function emitSoftmax(m: ModuleBuilder): void {
  emitRows(m, 'softmax', ['[R,n]', '[R,n]'], (f, [p, z], n) => {
    softmaxRow(
      f,
      p,
      z,
      maxOf(f, n, (at) => at.load(z)),
      n,
    );
  });
}

export function emitSoftmaxCrossEntropy(m: ModuleBuilder): void {
  emitSoftmax(m);
  const forward = ['[R]', '[R,n]', '[R,n]', '[R]', '[R]'] as const;
  emitRows(m, 'softmaxCrossEntropyForward', forward, (f, [losses, p, z, targets, weights], V) => {
    const max = maxOf(f, V, (at) => at.load(z));
    const target = f.let(v128.load32Zero(i32.add(z, i32.shl(i32.load(targets), 2)))); // read before p, which may be z
    const sum = softmaxRow(f, p, z, max, V);
    storeLoss(f, losses, weights, f32x4.sub(log(f, sum), f32x4.sub(target, max)));
  });
  const backward = ['[R,n]', '[R,n]', '[R]', '[R]'] as const;
  emitRows(m, 'softmaxCrossEntropyBackward', backward, (f, [dz, p, targets, weights], V) => {
    const weight = f.let(v128.loadSplat(weights));
    forEachElement(f, V, (at) => at.store(dz, f32x4.mul(weight, at.load(p))));
    const target = f.int(i32.add(dz, i32.shl(i32.load(targets), 2)));
    f.storeOne(target, f32x4.sub(v128.load32Zero(target), weight));
  });
}
