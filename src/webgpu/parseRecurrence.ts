import type { FloatBuffer, IntBuffer } from './buffers.ts';
import { type Call, isCall, same } from './calls.ts';
import type { CellWgsl } from './cellKernels.ts';
import { ELMAN } from './elman.ts';
import { GRU } from './gru.ts';
import { LSTM, LSTM_PEEPHOLE } from './lstm.ts';

/** What one step of a recurrence reads and writes. */
interface Step {
  readonly cell: CellWgsl;
  readonly Whh: FloatBuffer;
  readonly B: number;
  readonly H: number;
  /** By the names that the cell's kernels give them. */
  readonly tensors: Readonly<Record<string, FloatBuffer>>;
}

/** The calls of one direction's way through a window, as one. */
interface Recurrence {
  /** The calls that it stands for end before this one. */
  readonly next: number;
  readonly cell: CellWgsl;
  readonly B: number;
  readonly H: number;
  /** In the order in which they are walked. */
  readonly steps: readonly Step[];
  /** The [B] of each step, or null where every sequence has every step. */
  readonly masks: readonly FloatBuffer[] | null;
  /** From one step's rows to the next's: B, or −B. 0 for a single step. */
  readonly stride: number;
}

export interface ForwardRecurrence extends Recurrence {
  readonly start: Start;
  readonly startC: Start | null;
  /** The one-hot input, where its gather is part of it: the ids [B] of each step. */
  readonly gather: { ids: readonly IntBuffer[]; Wih: FloatBuffer; bih: FloatBuffer | null; D: number } | null;
}

interface Start {
  readonly given: FloatBuffer;
  readonly learned: FloatBuffer | null;
  readonly keep: FloatBuffer;
}

export interface BackwardRecurrence extends Recurrence {
  readonly dfinal: FloatBuffer;
  readonly dfinalC: FloatBuffer | null;
  /** Where dcNext stands. */
  readonly dc: FloatBuffer | null;
  /** Where what reaches the state before the window is wanted; null where it is not. */
  readonly dhNext: FloatBuffer | null;
  /** The gradient is cut every `span` steps; 0 for nowhere. */
  readonly span: number;
}

/** The forward steps that begin at call i, with what belongs to them; null where there are none. */
export function parseForward(calls: readonly Call[], i: number): ForwardRecurrence | null {
  let at = i;
  const gathered = calls[at];
  if (isCall(gathered, 'oneHotLinearForward')) at++;
  const first = calls[at];
  if (!isCall(first, 'startStateForward')) return null;
  const starts = [first];
  const second = calls[++at];
  if (isCall(second, 'startStateForward')) {
    starts.push(second);
    at++;
  }
  const steps: Step[] = [];
  const masks: FloatBuffer[] = [];
  for (let step = forwardStep(calls[at]); step; step = forwardStep(calls[at])) {
    steps.push(step);
    at++;
    for (const state of step.cell.hasC ? ['h', 'c'] : ['h']) {
      const hold = calls[at];
      if (!isCall(hold, 'holdStateForward') || !same(hold.args[0], step.tensors[state])) break;
      if (state === 'h') masks.push(hold.args[2]);
      at++;
    }
  }
  const [head] = steps;
  if (!head || (masks.length > 0 && masks.length !== steps.length)) return null;
  const stride = strideOf(steps);
  if (stride === null || !same(first.args[0], head.tensors.hPrev)) return null;
  if (head.cell.hasC !== (starts.length === 2)) return null;
  if (head.cell.hasC && !same(starts[1].args[0], head.tensors.cPrev)) return null;
  const [start, startC = null] = starts.map(({ args: [, given, learned, keep] }) => ({ given, learned, keep }));
  const { cell, B, H } = head;
  const all = { next: at, cell, B, H, steps, masks: masks.length > 0 ? masks : null, stride, start, startC };
  if (!isCall(gathered, 'oneHotLinearForward')) return { ...all, gather: null };
  const [zx, ids, Wih, bih, , D] = gathered.args;
  const idsOf = ({ tensors }: Step): IntBuffer => {
    const row = (tensors.zx.start - zx.start) / (cell.gates * H);
    return ids.slice(row, row + B);
  };
  if (steps.some(({ tensors }) => tensors.zx.storage !== zx.storage)) return null;
  return { ...all, gather: { ids: steps.map(idsOf), Wih, bih, D } };
}

function forwardStep(call: Call | undefined): Step | null {
  if (isCall(call, 'elmanStepForward')) {
    const [h, zx, hPrev, Whh, bhh, f, B, H] = call.args;
    return { cell: ELMAN[f], Whh, B, H, tensors: { h, zx, hPrev, Whh, ...(bhh ? { bhh } : {}) } };
  }
  if (isCall(call, 'gruStepForward')) {
    const [h, cache, , zx, hPrev, Whh, bhh, B, H] = call.args;
    return { cell: GRU, Whh, B, H, tensors: { h, cache, zx, hPrev, Whh, ...(bhh ? { bhh } : {}) } };
  }
  if (isCall(call, 'lstmStepForward')) {
    const [h, c, cache, , zx, hPrev, cPrev, Whh, bhh, p, B, H] = call.args;
    const tensors = { h, c, cache, zx, hPrev, cPrev, Whh, ...(bhh ? { bhh } : {}), ...(p ? { p } : {}) };
    return { cell: p ? LSTM_PEEPHOLE : LSTM, Whh, B, H, tensors };
  }
  return null;
}

/** The backward steps that begin at call i; null where there are none. */
export function parseBackward(
  calls: readonly Call[],
  i: number,
  unused: readonly FloatBuffer[],
): BackwardRecurrence | null {
  let at = i;
  const final = calls[at++];
  if (!isCall(final, 'copy')) return null;
  const [dhNext, dfinal] = final.args;
  const finalC = calls[at];
  let dc: FloatBuffer | null = null;
  let dfinalC: FloatBuffer | null = null;
  if (isCall(finalC, 'copy')) {
    [dc, dfinalC] = finalC.args;
    at++;
  }
  const steps: Step[] = [];
  const masks: FloatBuffer[] = [];
  const cuts: number[] = [];
  for (;;) {
    const sum = calls[at];
    if (!isCall(sum, 'add') || !same(sum.args[0], sum.args[1]) || !same(sum.args[2], dhNext)) break;
    let here = at + 1;
    const kept = calls[here];
    if (dc && isCall(kept, 'copy') && same(kept.args[1], dc)) here++;
    const step = backwardStep(calls[here++], dhNext, dc);
    if (!step || !same(step.tensors.dh, sum.args[0])) return null;
    for (const [k, cut] of (dc ? [dhNext, dc] : [dhNext]).entries()) {
      const fill = calls[here];
      if (!isCall(fill, 'fill') || fill.args[1] !== 0 || !same(fill.args[0], cut)) break;
      if (k === 0) cuts.push(steps.length);
      here++;
    }
    const hold = calls[here];
    if (isCall(hold, 'holdStateBackward')) {
      masks.push(hold.args[2]);
      here += dc ? 2 : 1;
      while (isCall(calls[here], 'clearRows')) here++;
    }
    steps.push(step);
    at = here;
  }
  const [head] = steps;
  if (!head || head.cell.hasC !== (dc !== null)) return null;
  if (masks.length > 0 && masks.length !== steps.length) return null;
  const stride = strideOf(steps);
  const span = spanOf(cuts, steps.length);
  if (stride === null || span === null) return null;
  const { cell, B, H } = head;
  const isUnused = (call: Call | undefined): boolean =>
    isCall(call, 'startStateBackward') && call.args[1] === null && unused.some((view) => same(view, call.args[0]));
  const states = cell.hasC ? 2 : 1;
  const wanted = !Array.from({ length: states }, (_, k) => calls[at + k]).every(isUnused);
  return {
    ...{ next: wanted ? at : at + states, cell, B, H, steps, stride, span, dfinal, dfinalC, dc },
    masks: masks.length > 0 ? masks : null,
    dhNext: wanted ? dhNext : null,
  };
}

function backwardStep(call: Call | undefined, dhNext: FloatBuffer, dc: FloatBuffer | null): Step | null {
  if (isCall(call, 'elmanStepBackward')) {
    const [dzx, dhPrev, dh, h, Whh, f, B, H] = call.args;
    return same(dhPrev, dhNext) ? { cell: ELMAN[f], Whh, B, H, tensors: { dzx, dh, h, Whh } } : null;
  }
  if (isCall(call, 'gruStepBackward')) {
    const [dzx, dzh, dhPrev, dh, cache, hPrev, Whh, B, H] = call.args;
    return same(dhPrev, dhNext) ? { cell: GRU, Whh, B, H, tensors: { dzx, dzh, dh, cache, hPrev, Whh } } : null;
  }
  if (isCall(call, 'lstmStepBackward')) {
    const [dzx, dhPrev, dcPrev, dh, dcNext, cache, cPrev, Whh, p, B, H] = call.args;
    if (!same(dhPrev, dhNext) || !same(dcPrev, dc) || !same(dcNext, dc)) return null;
    const tensors = { dzx, dh, cache, cPrev, Whh, ...(p ? { p } : {}) };
    return { cell: p ? LSTM_PEEPHOLE : LSTM, Whh, B, H, tensors };
  }
  return null;
}

/** What does not change from step to step. */
const CONSTANT = new Set(['Whh', 'bhh', 'p']);

/** From the rows of one step to those of the next: B, or −B; null where the steps do not follow one another so. */
function strideOf(steps: readonly Step[]): number | null {
  const [head] = steps;
  const { B, cell } = head;
  const stride = steps.length < 2 ? 0 : Math.sign(rowOf(steps[1], head)) * B;
  for (const [n, step] of steps.entries()) {
    if (step.cell !== cell || step.B !== B || step.H !== head.H) return null;
    for (const [name, view] of Object.entries(step.tensors)) {
      const from = head.tensors[name];
      if (!from || view.storage !== from.storage) return null;
      const width = from.length / B;
      if (view.start - from.start !== (CONSTANT.has(name) ? 0 : n * stride * width)) return null;
    }
  }
  return stride;
}

function rowOf(step: Step, head: Step): number {
  const name = 'h' in head.tensors ? 'h' : 'dh';
  return step.tensors[name].start - head.tensors[name].start;
}

/** The span whose cuts these are: after the steps that are walked as numbers `cuts`; 0 for none, null where none fits. */
function spanOf(cuts: readonly number[], steps: number): number | null {
  if (cuts.length === 0) return 0;
  const times = cuts.map((n) => steps - 1 - n);
  const span = Math.min(...times);
  const fits = times.every((t) => t % span === 0) && times.length === Math.floor((steps - 1) / span);
  return span > 0 && fits ? span : null;
}
