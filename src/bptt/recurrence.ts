import { type Cell, type CellBackward, type CellForward, cellSizes } from '../layers/cell.ts';
import type { Kernels } from './engine.ts';

/** The weights of one direction of one layer, or their gradients. */
export interface Weights<F> {
  /** [G·H,D] */
  readonly Wih: F;
  /** [G·H] */
  readonly bih: F | null;
  /** The product with h_{t−1}: [hidden·H,H] and [hidden·H]. Null without one. */
  readonly Whh: F | null;
  readonly bhh: F | null;
  /** The second product of cells with inner gates: the remaining rows of Whh and bhh. */
  readonly innerWhh: F | null;
  readonly innerBhh: F | null;
  /** The cell's own, [blocks·H] each. */
  readonly extra: readonly F[];
  /** Learned initial states, [H] each in the order of the states; null where they are zero. */
  readonly initial: readonly F[] | null;
}

/** Vectors [steps,B,D], or ids [steps,B]. */
export type RecurrenceInput<F, I> = { readonly x: F } | { readonly ids: I };

/**
 * One direction of one layer over a window: everything that its forward and backward steps read and write. `steps` rows of
 * B sequences each; `[steps,B,·]` arrays are in the order of time, whichever way the direction runs.
 */
export interface Recurrence<F, I> {
  readonly cell: Cell;
  readonly B: number;
  readonly H: number;
  /** The steps of the window, and of the longest window. */
  readonly steps: number;
  readonly maxSteps: number;
  /** Whether the direction runs from the last step to the first. */
  readonly reverse: boolean;
  /** What the layer reads: vectors [steps,B,D] or ids [steps,B]. */
  readonly input: RecurrenceInput<F, I>;
  readonly D: number;
  readonly weights: Weights<F>;
  readonly gradients: Weights<F>;
  /** [steps,B], 1 where a sequence has the step; null where every sequence has every step. */
  readonly mask: F | null;
  /** [B], 1 where a sequence starts from `initial`, 0 where it starts from the learned state or zero. */
  readonly carry: F;
  /** [B,H] each: the given initial states, their gradients (null where nobody asks), and what the loss sends to the final states. */
  readonly initial: readonly F[];
  readonly dinitial: readonly F[] | null;
  readonly dfinal: readonly F[];
  /** [B,H] each: the states that the window starts from and ends in. */
  readonly start: readonly F[];
  readonly final: readonly F[];
  /** [steps,B,H] each: the states after and before every step. */
  readonly states: readonly F[];
  readonly previous: readonly F[];
  /** [steps,B,H]: what the loss sends to h_t, and after backward all that reached it. */
  readonly dh: F;
  /** [steps,B,·]: the arrays of {@link CellForward} and {@link CellBackward} for all steps. */
  readonly xGates: F;
  readonly dxGates: F;
  readonly dhGates: F;
  readonly saved: F;
  readonly dextra: readonly F[];
  readonly operand: F;
  readonly dinnerGates: F;
  /** [steps,B,H] each, of the states beside h: all that reaches them after and before every step. */
  readonly dothers: readonly F[];
  readonly dpreviousOthers: readonly F[];
  /** [B,H] each: what reaches the first previous states, and what reaches the final ones, of the states beside h. */
  readonly dstartOthers: readonly F[];
  readonly dfinalOthers: readonly F[];
  /** [B,H], scratch: what reaches h_{t−1}. */
  readonly dhPrevious: F;
  /** The arrays of step t, made once. */
  step(t: number): Step<F>;
}

/** The arrays of one step. */
export interface Step<F> {
  readonly forward: CellForward<F>;
  readonly backward: CellBackward<F>;
  /** [B] of the mask. */
  readonly mask: F;
}

/** xGates = Wih·x + bih for all R = steps·B rows of a window. */
export function inputForward<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>): void {
  const { weights: w, xGates, input, D, cell, H } = r;
  const R = r.steps * r.B;
  if ('ids' in input) k.oneHotLinearForward(xGates, input.ids, w.Wih, w.bih, R, D, cell.gates * H);
  else k.linearForward(xGates, input.x, w.Wih, w.bih, R, D, cell.gates * H);
}

/** The input's share of the gates for all steps at once, and the states that the window starts from. */
export function forwardStart<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>): void {
  const { cell, B, H, weights: w } = r;
  inputForward(k, r);
  for (let s = 0; s < cell.states.length; s++) {
    k.startStateForward(r.start[s], r.initial[s], w.initial?.[s] ?? null, r.carry, B, H);
  }
}

/**
 * The forward loop of one direction: {@link forwardStart}, then one step after another.
 *
 *     hGates = Whh·h_{t−1} + bhh,  states_t = cell(xGates_t, hGates, states_{t−1})
 *
 * At padded steps (mask 0) the states are copied through unchanged.
 */
export function recurrenceForward<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>): void {
  forwardStart(k, r);
  for (let i = 0; i < r.steps; i++) forwardStep(k, r, r.reverse ? r.steps - 1 - i : i);
}

/** Step t of {@link recurrenceForward}. */
export function forwardStep<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>, t: number): void {
  const { cell, B, H, weights: w, mask } = r;
  const { hidden, inner } = cellSizes(cell);
  const { forward: step, mask: present } = r.step(t);
  if (hidden > 0) k.linearForward(step.hGates, step.previous[0], w.Whh!, w.bhh, B, H, hidden * H);
  k.cellForward(cell, step, B, H);
  if (inner > 0) {
    k.linearForward(step.innerGates, step.operand, w.innerWhh!, w.innerBhh, B, H, inner * H);
    k.cellInnerForward(cell, step, B, H);
  }
  if (mask === null) return;
  for (let s = 0; s < cell.states.length; s++) k.holdStateForward(step.states[s], step.previous[s], present, B, H);
}

/** What reaches the final states goes to where the loop backwards begins. */
export function backwardStart<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>): void {
  k.copy(r.dhPrevious, r.dfinal[0]);
  for (let s = 1; s < r.cell.states.length; s++) k.copy(r.dfinalOthers[s - 1], r.dfinal[s]);
}

/**
 * The reversed loop over the window that {@link recurrenceForward} has just run over: from `dh` (what the loss sends to
 * every h_t) and `dfinal` to the gradients of the gates of every step, from which all weight gradients are made, and of the
 * initial states.
 *
 *     (dxGates, dhGates, dstates_{t−1}) = cell backward(dstates_t),  dh_{t−1} += dhGates·Whh
 *
 * @param backSteps truncated backpropagation inside the window (k2): no state passes its gradient on over a step whose
 *   number is a multiple of it; the steps of a direction are numbered in its order. A sequence that lacks such a step is not
 *   cut there: padding costs it nothing. Infinity for no cut
 */
export function recurrenceBackward<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>, backSteps: number): void {
  backwardStart(k, r);
  for (let i = r.steps - 1; i >= 0; i--) {
    backwardStep(k, r, r.reverse ? r.steps - 1 - i : i, i > 0 && i % backSteps === 0);
  }
  backwardEnd(k, r);
}

/**
 * Step t of {@link recurrenceBackward}.
 *
 * @param cut whether no gradient is passed on to the step before it
 */
export function backwardStep<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>, t: number, cut: boolean): void {
  const { cell, B, H, weights: w, mask, dhPrevious } = r;
  const { hidden, inner, direct, separate } = cellSizes(cell);
  const { backward: step, mask: present } = r.step(t);
  const [dh, ...dothers] = step.dstates;
  const [, ...dpreviousOthers] = step.dprevious;
  // All that reaches h_t: from the output of this step (there already) and from the step after it.
  k.add(dh, dh, dhPrevious);
  if (inner > 0) {
    k.cellInnerBackward(cell, step, B, H);
    k.matmulNN(step.doperand, step.dinnerGates, w.innerWhh!, B, inner * H, H);
  }
  k.cellBackward(cell, step, B, H);
  if (hidden > 0) k.matmulNN(dhPrevious, step.dhGates, w.Whh!, B, hidden * H, H, direct);
  if (cut) {
    k.fill(dhPrevious, 0);
    for (const d of dpreviousOthers) k.fill(d, 0);
  }
  if (mask === null) return;
  // The gradient of a sequence that lacks the step passes the cell by.
  k.holdStateBackward(dhPrevious, dh, present, B, H);
  for (let s = 0; s < dothers.length; s++) k.holdStateBackward(dpreviousOthers[s], dothers[s], present, B, H);
  k.clearRows(step.dxGates, present, B, cell.gates * H);
  if (separate) k.clearRows(step.dhGates, present, B, hidden * H);
  if (inner > 0) k.clearRows(step.dinnerGates, present, B, inner * H);
  const blocks = Object.values(cell.extra ?? {}).map((extra) => extra.blocks);
  for (const [e, dextra] of step.dextra.entries()) k.clearRows(dextra, present, B, blocks[e] * H);
}

/** The gradients of the states that the window started from, given and learned, where anybody asks for them. */
export function backwardEnd<F, I>(k: Kernels<F, I>, r: Recurrence<F, I>): void {
  const { cell, B, H, gradients: dw } = r;
  if (r.dinitial === null && dw.initial === null) return;
  const dstart = [r.dhPrevious, ...r.dstartOthers];
  for (let s = 0; s < cell.states.length; s++) {
    // Where nobody asks for the gradient of the given state it is made in place, for the learned one's sake.
    const dinitial = r.dinitial?.[s] ?? dstart[s];
    k.startStateBackward(dinitial, dw.initial?.[s] ?? null, dstart[s], r.carry, B, H);
  }
}
