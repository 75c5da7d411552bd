import type { CellNeeds, Scratch, SequenceViews, StepViews, Weights } from './cells.ts';
import type { FloatBuffers } from './engine.ts';
import type { ParameterBlock } from './parameters.ts';
import { type FullSpec, GATES, hasCellState } from './spec.ts';

/** The state of one direction, [B,H] each: h, and c where the cell has one (else an empty buffer). */
export interface States<F> {
  readonly h: F;
  readonly c: F;
}

/** Views over all R = steps·B rows of a window of one direction. */
export interface DirectionViews<F> {
  /** [R,G·H], the input's share of the gates, and its gradient. */
  readonly zx: F;
  readonly dzx: F;
  /** [R,H], the states after each step, and all that reaches them. */
  readonly h: F;
  readonly dh: F;
  readonly sequence: SequenceViews<F>;
  /** The slots that a window starts from and ends in. */
  readonly start: States<F>;
  readonly final: States<F>;
}

/**
 * One direction of one layer: its weights and every buffer that walking through time needs, with the views of each step
 * made once.
 *
 * States stand in T+1 slots `[T+1,B,H]`. Forward in time slot 0 is the start and h_t stands in slot t+1; backward in
 * time h_t stands in slot t and a window of `steps` starts from slot `steps`.
 */
export class Direction<F> {
  readonly reverse: boolean;
  readonly weights: Weights<F>;
  readonly gradients: Weights<F>;
  readonly scratch: Scratch<F>;
  /** One entry for each t. */
  readonly steps: readonly StepViews<F>[];
  /** The state a window goes on from, its gradient, and the gradient that the loss sends to the final state. */
  readonly given: States<F>;
  readonly dgiven: States<F>;
  readonly dfinal: States<F>;
  /** [T,B,H], all that reached each state h_t in the last backward pass. */
  readonly dh: F;

  private readonly engine: FloatBuffers<F>;
  private readonly B: number;
  private readonly H: number;
  private readonly GH: number;
  private readonly slots: States<F>;
  private readonly zx: F;
  private readonly dzx: F;
  private readonly dzh: F;
  private readonly rh: F;
  private readonly dan: F;
  private readonly unused: F;

  /** @param suffix of the parameters' names, e.g. `_l0_reverse` */
  constructor(
    engine: FloatBuffers<F>,
    spec: FullSpec,
    cell: CellNeeds,
    T: number,
    B: number,
    suffix: string,
    reverse: boolean,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
    mask: F,
  ) {
    const H = spec.hiddenSize;
    const BH = B * H;
    const GH = GATES[spec.cell] * H;
    const BC = hasCellState(spec.cell) ? BH : 0;
    const BR = cell.resetBefore ? BH : 0;
    const states = (): States<F> => ({ h: engine.floats(BH), c: engine.floats(BC) });
    this.engine = engine;
    this.reverse = reverse;
    this.B = B;
    this.H = H;
    this.GH = GH;
    this.unused = engine.floats(0);
    this.weights = weightsOf(parameters, suffix);
    this.gradients = weightsOf(gradients, suffix);
    this.scratch = {
      gates: engine.floats(B * GH),
      dhNext: engine.floats(BH),
      dcNext: engine.floats(BC),
      state: engine.floats(BH),
    };
    this.given = states();
    this.dgiven = states();
    this.dfinal = states();
    this.slots = { h: engine.floats((T + 1) * BH), c: engine.floats((T + 1) * BC) };
    this.zx = engine.floats(T * B * GH);
    this.dzx = engine.floats(T * B * GH);
    this.dzh = cell.splitGradients ? engine.floats(T * B * GH) : this.dzx;
    this.dh = engine.floats(T * BH);
    this.rh = engine.floats(T * BR);
    this.dan = engine.floats(T * BR);
    const cacheSize = B * cell.cacheBlocks * H;
    const cache = engine.floats(T * cacheSize);
    this.steps = Array.from({ length: T }, (_, t) => {
      const now = this.slot(reverse ? t : t + 1);
      const before = this.slot(reverse ? t + 1 : t);
      return {
        zx: this.part(this.zx, t * B * GH, B * GH),
        h: now.h,
        hPrev: before.h,
        c: now.c,
        cPrev: before.c,
        cache: this.part(cache, t * cacheSize, cacheSize),
        dzx: this.part(this.dzx, t * B * GH, B * GH),
        dzh: this.part(this.dzh, t * B * GH, B * GH),
        dh: this.part(this.dh, t * BH, BH),
        rh: this.part(this.rh, t * BR, BR),
        dan: this.part(this.dan, t * BR, BR),
        mask: this.part(mask, t * B, B),
      };
    });
  }

  /** Slot number `slot` of the states, [B,H] each. */
  slot(slot: number): States<F> {
    return this.slotRange(slot, 1);
  }

  /** The views of a window of that many steps. */
  window(steps: number): DirectionViews<F> {
    const { B, H, GH, reverse } = this;
    const R = steps * B;
    const after = this.slotRange(reverse ? 0 : 1, steps);
    const before = this.slotRange(reverse ? 1 : 0, steps);
    const dzx = this.part(this.dzx, 0, R * GH);
    return {
      zx: this.part(this.zx, 0, R * GH),
      dzx,
      h: after.h,
      dh: this.part(this.dh, 0, R * H),
      start: this.slot(reverse ? steps : 0),
      final: this.slot(reverse ? 0 : steps),
      sequence: {
        hPrev: before.h,
        c: after.c,
        cPrev: before.c,
        dzx,
        dzh: this.part(this.dzh, 0, R * GH),
        rh: this.part(this.rh, 0, R * H),
        dan: this.part(this.dan, 0, R * H),
      },
    };
  }

  private slotRange(from: number, count: number): States<F> {
    const BH = this.B * this.H;
    return { h: this.part(this.slots.h, from * BH, count * BH), c: this.part(this.slots.c, from * BH, count * BH) };
  }

  /** A view of a buffer; of a buffer that this cell does not use, nothing. */
  private part(buffer: F, start: number, length: number): F {
    const used = this.engine.lengthOf(buffer) >= start + length;
    return used ? this.engine.slice(buffer, start, start + length) : this.unused;
  }
}

function weightsOf<F>(block: ParameterBlock<F>, suffix: string): Weights<F> {
  return {
    Wih: block.get(`weight_ih${suffix}`)!,
    Whh: block.get(`weight_hh${suffix}`)!,
    bih: block.get(`bias_ih${suffix}`),
    bhh: block.get(`bias_hh${suffix}`),
    p: block.get(`weight_peephole${suffix}`),
    h0: block.get(`h0${suffix}`),
    c0: block.get(`c0${suffix}`),
  };
}
