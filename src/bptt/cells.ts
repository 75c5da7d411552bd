import type { Nonlinearity } from '../layers/elman.ts';
import type { Kernels } from './engine.ts';
import type { CellName } from './spec.ts';

/** The weights of one direction of one layer, and their gradients. */
export interface Weights<F> {
  Wih: F;
  Whh: F;
  bih: F | null;
  bhh: F | null;
  /** Peepholes [3H]. */
  p: F | null;
  /** Learned initial states [H]. */
  h0: F | null;
  c0: F | null;
}

/** What one step of a cell reads and writes, for one t: views made once. Sizes in the cell's own file. */
export interface StepViews<F> {
  zx: F;
  h: F;
  hPrev: F;
  cache: F;
  dzx: F;
  dzh: F;
  /** What reaches h_t: from the output of this step and from the step after it. */
  dh: F;
  /** Cells with a second state. */
  c: F;
  cPrev: F;
  /** GRU with the reset before the product. */
  rh: F;
  dan: F;
  /** [B], 1 where the sequence has this step. */
  mask: F;
}

/** Scratch of one direction that every step uses again. */
export interface Scratch<F> {
  /** [B,G·H] */
  gates: F;
  /** [B,H], what reaches h_{t−1} */
  dhNext: F;
  /** [B,H], what reaches c_{t−1} */
  dcNext: F;
  /** [B,H] */
  state: F;
}

/** The same views over all rows R = steps·B of a sequence at once. */
export type SequenceViews<F> = Omit<StepViews<F>, 'zx' | 'h' | 'cache' | 'dh' | 'mask'>;

/** The buffers that a cell needs beside its states and gates. */
export interface CellNeeds {
  /** Blocks of H that forward leaves for backward. */
  cacheBlocks: number;
  /** Whether `zx_t` and the product with h_{t−1} have different gradients. */
  splitGradients: boolean;
  /** Whether the cell needs `rh` and `dan`. */
  resetBefore: boolean;
}

/** How the walk through time calls a cell's functions in `layers/`. */
export interface Cell<F, I> extends CellNeeds {
  forward(k: Kernels<F, I>, s: StepViews<F>, w: Weights<F>, scratch: Scratch<F>, B: number, H: number): void;
  /** Turns `s.dh` (and `scratch.dcNext`) into `s.dzx`, `s.dzh`, `scratch.dhNext` (and `scratch.dcNext`). */
  backward(k: Kernels<F, I>, s: StepViews<F>, w: Weights<F>, scratch: Scratch<F>, B: number, H: number): void;
  /** Adds the recurrent weights' gradients of a whole sequence. */
  weights(k: Kernels<F, I>, s: SequenceViews<F>, dw: Weights<F>, R: number, H: number): void;
}

/** The cell of that name. */
export function cellOf<F, I>(name: CellName, f: Nonlinearity): Cell<F, I> {
  if (name === 'elman') {
    return {
      cacheBlocks: 0,
      splitGradients: false,
      resetBefore: false,
      forward: (k, s, w, _, B, H) => k.elmanStepForward(s.h, s.zx, s.hPrev, w.Whh, w.bhh, f, B, H),
      backward: (k, s, w, scratch, B, H) => k.elmanStepBackward(s.dzx, scratch.dhNext, s.dh, s.h, w.Whh, f, B, H),
      weights: (k, s, dw, R, H) => k.elmanWeightBackward(dw.Whh, dw.bhh, s.dzx, s.hPrev, R, H),
    };
  }
  if (name === 'gru') {
    return {
      cacheBlocks: 4,
      splitGradients: true,
      resetBefore: false,
      forward: (k, s, w, scratch, B, H) =>
        k.gruStepForward(s.h, s.cache, scratch.gates, s.zx, s.hPrev, w.Whh, w.bhh, B, H),
      backward: (k, s, w, scratch, B, H) =>
        k.gruStepBackward(s.dzx, s.dzh, scratch.dhNext, s.dh, s.cache, s.hPrev, w.Whh, B, H),
      weights: (k, s, dw, R, H) => k.gruWeightBackward(dw.Whh, dw.bhh, s.dzh, s.hPrev, R, H),
    };
  }
  if (name === 'gruResetBefore') {
    return {
      cacheBlocks: 3,
      splitGradients: true,
      resetBefore: true,
      forward: (k, s, w, scratch, B, H) =>
        k.gruResetBeforeStepForward(s.h, s.cache, s.rh, scratch.gates, s.zx, s.hPrev, w.Whh, w.bhh, B, H),
      backward: (k, s, w, { dhNext, state }, B, H) =>
        k.gruResetBeforeStepBackward(s.dzx, s.dzh, s.dan, dhNext, state, s.dh, s.cache, s.hPrev, w.Whh, B, H),
      weights: (k, s, dw, R, H) =>
        k.gruResetBeforeWeightBackward(dw.Whh, dw.bhh, s.dzx, s.dzh, s.dan, s.hPrev, s.rh, R, H),
    };
  }
  return {
    cacheBlocks: 5,
    splitGradients: false,
    resetBefore: false,
    forward: (k, s, w, scratch, B, H) =>
      k.lstmStepForward(s.h, s.c, s.cache, scratch.gates, s.zx, s.hPrev, s.cPrev, w.Whh, w.bhh, w.p, B, H),
    backward: (k, s, w, { dhNext, dcNext }, B, H) =>
      k.lstmStepBackward(s.dzx, dhNext, dcNext, s.dh, dcNext, s.cache, s.cPrev, w.Whh, w.p, B, H),
    weights: (k, s, dw, R, H) => k.lstmWeightBackward(dw.Whh, dw.bhh, dw.p, s.dzx, s.hPrev, s.cPrev, s.c, R, H),
  };
}
