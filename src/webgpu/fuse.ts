import type { addRowBackward } from './add.ts';
import type { FloatBuffer } from './buffers.ts';
import { type Call, isCall, same, type WalkKernels } from './calls.ts';
import { softmaxCrossEntropy } from './crossEntropyStage.ts';
import { scatterColumns } from './linear.ts';
import { peepholeBackward } from './lstm.ts';
import { matmulNN, type matmulTN } from './matmul.ts';
import { parseBackward, parseForward } from './parseRecurrence.ts';
import { type RecurrenceWay, runBackward, runForward } from './recurrence.ts';
import { type WeightGradient, weightGradients } from './weightGradients.ts';

/** A part of a walk, ready to run; fused where its calls are done together. */
export interface Stage {
  /** What it is called where the choice is reported. */
  readonly name: string;
  run(): void;
}

/** A call of the walk, or a part of one that a stage does apart from the rest. */
export type Part =
  | Call
  | { readonly kernel: 'matmulNN'; readonly args: Parameters<typeof matmulNN> }
  | { readonly kernel: 'matmulTN'; readonly args: Parameters<typeof matmulTN> }
  | { readonly kernel: 'addRowBackward'; readonly args: Parameters<typeof addRowBackward> }
  | { readonly kernel: 'peepholeBackward'; readonly args: Parameters<typeof peepholeBackward> };

/** A stage, and what it does said in calls. */
export interface WalkStage extends Stage {
  readonly parts: readonly Part[];
}

export interface FuseOptions {
  /** Whether recurrences that are small enough become one dispatch, or which way all take. Default true. */
  readonly persistent?: RecurrenceWay;
  /** What nobody will look at: the gradients of the states that a window goes on from. */
  readonly unused?: readonly FloatBuffer[];
  /** The sum of the losses that somebody else will make: what it would have been summed from is handed to them. */
  readonly takeLosses?: (losses: FloatBuffer) => void;
}

/**
 * A walk's calls as the stages that do the same with fewer dispatches. What stands in the calls' outputs afterwards is
 * the same, but for what only the fused calls exchange among themselves.
 *
 * - the recurrence of one direction: the gather of its one-hot inputs, its start and all its steps;
 * - the softmax cross-entropy and its backward, where both are in the walk;
 * - the weights' gradients, which nobody reads before the walk is over, all together at its end.
 */
export function fuse(
  calls: readonly Call[],
  run: WalkKernels,
  { persistent = true, unused = [], takeLosses }: FuseOptions = {},
): WalkStage[] {
  const stages: WalkStage[] = [];
  const gradients: WeightGradient[] = [];
  const done = new Set<Call>();
  for (let i = 0; i < calls.length; ) {
    const call = calls[i];
    if (done.has(call)) {
      i++;
      continue;
    }
    const recurrence = parseForward(calls, i);
    if (recurrence) {
      stages.push({ ...runForward(recurrence, persistent), parts: calls.slice(i, recurrence.next) });
      i = recurrence.next;
      continue;
    }
    const reversed = parseBackward(calls, i, unused);
    if (reversed) {
      stages.push({ ...runBackward(reversed, persistent), parts: calls.slice(i, reversed.next) });
      i = reversed.next;
      continue;
    }
    i++;
    if (isCall(call, 'softmaxCrossEntropyForward')) {
      const [losses, p, z, targets, w, R, V] = call.args;
      const backward = calls.find(
        (other): other is Call<'softmaxCrossEntropyBackward'> =>
          isCall(other, 'softmaxCrossEntropyBackward') && same(other.args[1], p) && same(other.args[2], targets),
      );
      if (backward && !same(p, z)) {
        const [dz] = backward.args;
        done.add(backward);
        const parts = [call, backward];
        stages.push({ name: 'loss', parts, run: () => softmaxCrossEntropy(losses, p, dz, z, targets, w, R, V) });
        continue;
      }
    }
    if (isCall(call, 'sumAxis') && takeLosses && call.args[2] === 1 && call.args[4] === 1) {
      takeLosses(call.args[1]);
      continue;
    }
    if (isCall(call, 'linearBackward')) {
      const [dx, c, db, dy, x, W, R, D, O, addToDx] = call.args;
      if (dx) {
        const args: Parameters<typeof matmulNN> = [dx, dy, W, R, O, D, addToDx];
        stages.push({ name: call.kernel, parts: [{ kernel: 'matmulNN', args }], run: () => matmulNN(...args) });
      }
      gradients.push({ c, a: dy, b: x, K: R, M: O, N: D });
      if (db) gradients.push({ c: db, a: dy, b: null, K: R, M: O, N: 0 });
      continue;
    }
    if (isCall(call, 'oneHotLinearBackward')) {
      const [dW, db, dy, ids, R, D, O] = call.args;
      const parts: Part[] = [{ kernel: call.kernel, args: [dW, null, dy, ids, R, D, O] }];
      stages.push({ name: call.kernel, parts, run: () => scatterColumns(dW, dy, ids, R, D, O) });
      if (db) gradients.push({ c: db, a: dy, b: null, K: R, M: O, N: 0 });
      continue;
    }
    if (isCall(call, 'elmanWeightBackward') || isCall(call, 'gruWeightBackward')) {
      const [c, db, dz, hPrev, R, H] = call.args;
      const M = dz.length / R;
      gradients.push({ c, a: dz, b: hPrev, K: R, M, N: H });
      if (db) gradients.push({ c: db, a: dz, b: null, K: R, M, N: 0 });
      continue;
    }
    if (isCall(call, 'lstmWeightBackward')) {
      const [c, db, dp, da, hPrev, cPrev, cells, R, H] = call.args;
      gradients.push({ c, a: da, b: hPrev, K: R, M: 4 * H, N: H });
      if (db) gradients.push({ c: db, a: da, b: null, K: R, M: 4 * H, N: 0 });
      if (dp) {
        const args: Parameters<typeof peepholeBackward> = [dp, da, cPrev, cells, R, H];
        const parts: Part[] = [{ kernel: 'peepholeBackward', args }];
        stages.push({ name: 'peepholes', parts, run: () => peepholeBackward(...args) });
      }
      continue;
    }
    stages.push({ name: call.kernel, parts: [call], run: () => runCall(run, call) });
  }
  if (gradients.length > 0) {
    const parts = gradients.map(partOf);
    stages.push({ name: 'weightGradients', parts, run: () => weightGradients(gradients) });
  }
  return stages;
}

function partOf({ c, a, b, K, M, N }: WeightGradient): Part {
  return b ? { kernel: 'matmulTN', args: [c, a, b, M, K, N, true] } : { kernel: 'addRowBackward', args: [c, a, K, M] };
}

/** Runs a call as it stands. */
export function runCall(run: WalkKernels, { kernel, args }: Call): void {
  (run[kernel] as (...args: Call['args']) => void)(...args);
}
