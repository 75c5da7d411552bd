import type * as layers from '../layers/binaryCrossEntropyOfSoftmax.ts';
import {
  type Expr,
  type FunctionBuilder,
  f32x4,
  i32,
  i32x4,
  type Local,
  type ModuleBuilder,
  v128,
} from './assembler.ts';
import { type Elements, emitRows, forEachElement, maxOf, sumOf } from './elements.ts';
import { exp } from './exp.ts';
import { log, log1p } from './log.ts';
import { storeLoss } from './loss.ts';
import type { WasmMemory } from './memory.ts';
import { softmaxRow } from './softmaxCrossEntropy.ts';

/**
 * losses[r] = −w[r]·Σ_j (y ln p + (1 − y) ln(1 − p)), p = softmax(z), and its dz, with the largest element of a row, m,
 * kept apart as in `layers/`: ln Σ_{k≠m} e^(z_k − z_m) says what 1 − p_m is, and Σ_{k≠m} p_k.
 */
export function binaryCrossEntropyOfSoftmaxKernels(
  w: WasmMemory,
): Pick<typeof layers, 'binaryCrossEntropyOfSoftmaxForward' | 'binaryCrossEntropyOfSoftmaxBackward'> {
  const { call } = w;
  return {
    binaryCrossEntropyOfSoftmaxForward(losses, p, z, targets, weights, R, V) {
      const fn = 'binaryCrossEntropyOfSoftmaxForward';
      const lossesAt = w.at(fn, 'losses', losses, '[R]', R);
      const pAt = w.at(fn, 'p', p, '[R,V]', R, V);
      const zAt = w.at(fn, 'z', z, '[R,V]', R, V);
      const targetsAt = w.at(fn, 'targets', targets, '[R,V]', R, V);
      call[fn](lossesAt, pAt, zAt, targetsAt, w.at(fn, 'w', weights, '[R]', R), R, V);
    },
    binaryCrossEntropyOfSoftmaxBackward(dz, p, targets, weights, R, V) {
      const fn = 'binaryCrossEntropyOfSoftmaxBackward';
      const dzAt = w.at(fn, 'dz', dz, '[R,V]', R, V);
      const pAt = w.at(fn, 'p', p, '[R,V]', R, V);
      const targetsAt = w.at(fn, 'targets', targets, '[R,V]', R, V);
      call[fn](dzAt, pAt, targetsAt, w.at(fn, 'w', weights, '[R]', R), R, V);
    },
  };
}

/** Where a row has the first of its largest elements, `max`: the offset in bytes. */
function placeOf(f: FunctionBuilder, row: Local<'i32'>, max: Local<'v128'>, V: Local<'i32'>): Local<'i32'> {
  const place = f.int(0);
  const end = f.int(i32.shl(V, 2));
  const elsewhere = v128.anyTrue(f32x4.unequal(v128.loadSplat(i32.add(row, place)), max));
  f.while(i32.and(i32.lessThan(i32.add(place, 4), end), elsewhere), () => f.advance(place, 4));
  return place;
}

export function emitBinaryCrossEntropyOfSoftmax(m: ModuleBuilder): void {
  const forward = ['[R]', '[R,n]', '[R,n]', '[R,n]', '[R]'] as const;
  emitRows(m, 'binaryCrossEntropyOfSoftmaxForward', forward, (f, [losses, p, z, targets, weights], V) => {
    const max = maxOf(f, V, (at) => at.load(z));
    const place = f.let(i32x4.splat(placeOf(f, z, max, V)));
    const isLargest = (at: Elements): Expr<'v128'> => i32x4.equal(at.offset, place);
    const second = maxOf(f, V, (at) => v128.select(Number.NEGATIVE_INFINITY, at.load(z), isLargest(at)));
    const rest = sumOf(f, V, (at) => v128.select(0, exp(f, f32x4.sub(at.load(z), second)), isLargest(at)));
    const logRest = f.let(f32x4.add(f32x4.sub(second, max), log(f, rest)));
    const logSum = f.let(log1p(f, exp(f, logRest)));
    const sum = sumOf(f, V, (at) => {
      const y = f.let(at.load(targets));
      const logP = f.let(f32x4.sub(f32x4.sub(at.load(z), max), logSum));
      const logOthers = log1p(f, f32x4.neg(exp(f, logP)));
      const log1P = v128.select(f32x4.sub(logRest, logSum), logOthers, isLargest(at));
      return f32x4.neg(f32x4.add(f32x4.mul(y, logP), f32x4.mul(f32x4.sub(1, y), log1P)));
    });
    softmaxRow(f, p, z, max, V);
    storeLoss(f, losses, weights, sum);
  });
  const backward = ['[R,n]', '[R,n]', '[R,n]', '[R]'] as const;
  emitRows(m, 'binaryCrossEntropyOfSoftmaxBackward', backward, (f, [dz, p, targets, weights], V) => {
    const top = maxOf(f, V, (at) => at.load(p));
    const offset = placeOf(f, p, top, V);
    const y = f.let(v128.loadSplat(i32.add(targets, offset)));
    const place = f.let(i32x4.splat(offset));
    const isLargest = (at: Elements): Expr<'v128'> => i32x4.equal(at.offset, place);
    // c = (1 − y)·o/(1 − o) − y for the others, whose 1 − o is ½ and more
    const term = (o: Expr<'v128'>, own: Expr<'v128'>): Expr<'v128'> =>
      f32x4.sub(f32x4.div(f32x4.mul(f32x4.sub(1, own), o), f32x4.sub(1, o)), own);
    const rest = sumOf(f, V, (at) => v128.select(0, at.load(p), isLargest(at)));
    const others = sumOf(f, V, (at) => v128.select(0, term(at.load(p), at.load(targets)), isLargest(at)));
    const share = f.let(f32x4.mul(f32x4.sub(1, y), top));
    const weight = f.let(v128.loadSplat(weights));
    forEachElement(f, V, (at) => {
      const o = f.let(at.load(p));
      const largest = f32x4.sub(f32x4.sub(share, f32x4.mul(y, rest)), f32x4.mul(top, others));
      const ofTop = f32x4.sub(f32x4.mul(y, o), f32x4.mul(share, f32x4.div(o, rest)));
      const other = f32x4.add(term(o, at.load(targets)), f32x4.sub(ofTop, f32x4.mul(o, others)));
      const sum = v128.select(largest, other, isLargest(at));
      at.store(dz, v128.and(f32x4.mul(weight, sum), f32x4.unequal(weight, 0)));
    });
  });
}
