import type { Kernels, Stages } from '../bptt/engine.ts';
import {
  backwardEnd,
  backwardStart,
  backwardStep,
  forwardStart,
  forwardStep,
  type Recurrence,
} from '../bptt/recurrence.ts';
import { cellSizes } from '../layers/cell.ts';
import type { FloatArray } from '../tensor/shape.ts';
import type { WeightProducts } from './matmul.ts';
import type { WasmMemory } from './memory.ts';
import { StepLoops } from './steps.ts';

type CpuRecurrence = Recurrence<FloatArray, Int32Array>;

/**
 * The loops of `bptt/recurrence.ts`, their steps in a loop inside WebAssembly ({@link StepLoops}), the recurrent weights
 * packed once for all of them.
 *
 * @param kernels of which the steps' products are replaced by those with `weights`
 */
export function recurrenceStages(
  w: WasmMemory,
  kernels: Kernels<FloatArray, Int32Array>,
  weights: WeightProducts,
  loops: StepLoops = new StepLoops(w),
): Pick<Stages<FloatArray, Int32Array>, 'recurrenceForward' | 'recurrenceBackward'> {
  const { matmulNN } = weights;
  const ofSteps = { ...kernels, linearForward: weights.linear, matmulNN };
  return {
    recurrenceForward(r) {
      const { steps, reverse, maxSteps } = r;
      forwardStart(kernels, r);
      pack(r, weights.packNT, (H, blocks) => [H, blocks * H]);
      const range = { first: reverse ? steps - 1 : 0, count: steps, direction: reverse ? -1 : 1 } as const;
      loops.run(range, maxSteps, (t) => forwardStep(ofSteps, r, t));
    },
    recurrenceBackward(r, backSteps) {
      const { steps, reverse, maxSteps } = r;
      backwardStart(kernels, r);
      pack(r, weights.packNN, (H, blocks) => [blocks * H, H]);
      const range = { first: reverse ? 0 : steps - 1, count: steps, direction: reverse ? 1 : -1 } as const;
      const cut = { every: backSteps, run: (t: number) => backwardStep(ofSteps, r, t, true) };
      loops.run(range, maxSteps, (t) => backwardStep(ofSteps, r, t, false), backSteps < steps ? cut : undefined);
      backwardEnd(kernels, r);
    },
  };
}

/** Packs the recurrent weights for the steps of a pass. */
function pack(
  { cell, B, H, weights: w }: CpuRecurrence,
  packOne: WeightProducts['packNN'],
  sizes: (H: number, blocks: number) => [K: number, N: number],
): void {
  const { hidden, inner } = cellSizes(cell);
  if (hidden > 0) packOne(w.Whh!, B, ...sizes(H, hidden));
  if (inner > 0) packOne(w.innerWhh!, B, ...sizes(H, inner));
}
