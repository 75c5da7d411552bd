import { type Cell, cellOf, type Scratch, type StepViews, type Weights } from './cells.ts';
import { Direction, type DirectionViews, type States } from './direction.ts';
import type { Engine, Kernels } from './engine.ts';
import type { ParameterBlock } from './parameters.ts';
import { directionsOf, type FullSpec, GATES, hasCellState, stateWidth, suffixOf } from './spec.ts';

/** Views over all R = steps·B rows of a window of one layer. */
interface LayerViews<F, I> {
  /** [R], the symbols that the first layer reads; else empty. */
  ids: I;
  /** [R,D], the vectors that the layer reads, and their gradient (null where nobody wants it). */
  input: F;
  dinput: F | null;
  /** [R,H·directions], what the layer gives, and its gradient. */
  output: F;
  doutput: F;
  /** [R,H·directions of the layer below], or empty. */
  dropoutMask: F;
  directions: DirectionViews<F>[];
}

/**
 * A stack of recurrent layers walking through time: the forward loop, the reversed loop, and nothing hidden.
 *
 * A window is written into `ids` or `x`, the states it goes on from into {@link given}. After {@link forward} the outputs
 * `[steps,B,H·directions]` stand in {@link output}. After {@link backward} the parameters' gradients have been added up,
 * the gradients of the inputs stand in `dx` and those of the given states in {@link dgiven}.
 *
 * Where a sequence has no step (mask 0) its state stands still, so that its output there repeats the state before.
 */
export class RecurrentStack<F, I> {
  /** [T,B], the symbols of a window; empty where the input is vectors. */
  readonly ids: I;
  /** [T,B,D], the inputs of a window where they are vectors, else empty. */
  readonly x: F;
  /** [T,B,D], the inputs' gradient; empty unless asked for. */
  readonly dx: F;
  /** [T,B], 1 where a sequence has the step, else 0. */
  readonly mask: F;
  /** [B], 1 where a sequence goes on from its given state, 0 where it begins. */
  readonly keep: F;
  /** For each layer but the last, [T,B,H·directions]: the dropout mask of the window; empty without dropout. */
  readonly dropoutMasks: readonly F[];

  private readonly engine: Engine<F, I>;
  private readonly spec: FullSpec;
  private readonly B: number;
  private readonly cell: Cell<F, I>;
  private readonly layers: Direction<F>[][];
  private readonly inputGradient: boolean;
  /** [T,B,2H] for each layer of a bidirectional stack: both directions' states side by side, and their gradient. */
  private readonly outputs: F[];
  private readonly doutputs: F[];
  /** [T,B,H·directions] for each layer: its input after dropout; empty where nothing is dropped. */
  private readonly dropped: F[];
  private readonly windows = new Map<number, LayerViews<F, I>[]>();

  /**
   * Makes every buffer for windows of up to T steps of B sequences.
   *
   * @param inputGradient whether backward is to give `dx` (vectors only)
   */
  constructor(
    engine: Engine<F, I>,
    spec: FullSpec,
    T: number,
    B: number,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
    inputGradient: boolean,
  ) {
    this.engine = engine;
    this.spec = spec;
    this.B = B;
    this.cell = cellOf(spec.cell, spec.nonlinearity);
    this.inputGradient = inputGradient && spec.input === 'dense';
    const vectors = spec.input === 'dense' ? T * B * spec.inputSize : 0;
    this.ids = engine.ints(spec.input === 'ids' ? T * B : 0);
    this.x = engine.floats(vectors);
    this.dx = engine.floats(this.inputGradient ? vectors : 0);
    this.mask = engine.floats(T * B);
    this.keep = engine.floats(B);
    const layers = Array.from({ length: spec.layers }, (_, layer) => layer);
    const width = T * B * stateWidth(spec);
    this.layers = layers.map((layer) =>
      [false, true].slice(0, directionsOf(spec)).map((reverse) => {
        const suffix = suffixOf(layer, reverse);
        return new Direction(engine, spec, this.cell, T, B, suffix, reverse, parameters, gradients, this.mask);
      }),
    );
    this.outputs = layers.map(() => engine.floats(spec.bidirectional ? width : 0));
    this.doutputs = layers.map(() => engine.floats(spec.bidirectional ? width : 0));
    this.dropped = layers.map((layer) => engine.floats(spec.dropout > 0 && layer > 0 ? width : 0));
    this.dropoutMasks = layers.slice(1).map(() => engine.floats(spec.dropout > 0 ? width : 0));
  }

  /** [steps,B,H·directions], what the top layer gave; overwritten by {@link forward}. */
  output(steps: number): F {
    return this.window(steps)[this.spec.layers - 1].output;
  }

  /** [steps,B,H·directions], what the loss sends to the top layer's outputs; used up by {@link backward}. */
  doutput(steps: number): F {
    return this.window(steps)[this.spec.layers - 1].doutput;
  }

  /** The state [B,H] that a direction of a layer ends in after a window of that many steps. */
  final(steps: number, layer: number, direction: number): States<F> {
    return this.window(steps)[layer].directions[direction].final;
  }

  /** The state [B,H] of a layer after the first `t` steps of a window, forward in time. */
  stateAfter(t: number, layer: number): States<F> {
    return this.layers[layer][0].slot(t);
  }

  /** The state [B,H] that a window goes on from where {@link keep} is 1. */
  given(layer: number, direction: number): States<F> {
    return this.layers[layer][direction].given;
  }

  /** The gradient [B,H] of the given state; overwritten by {@link backward}. */
  dgiven(layer: number, direction: number): States<F> {
    return this.layers[layer][direction].dgiven;
  }

  /** What the loss sends to a final state, [B,H]: zero unless written; read by {@link backward}. */
  dfinal(layer: number, direction: number): States<F> {
    return this.layers[layer][direction].dfinal;
  }

  /** [T,B,H], all that reached each state h_t in the last backward pass: how far back the gradient lives. */
  stateGradients(layer: number, direction: number): F {
    return this.layers[layer][direction].dh;
  }

  /**
   * The forward loop: for every layer the input's share of the gates for all steps at once, then one step after another.
   *
   * @param steps of the window, at most T
   * @param masked whether {@link mask} is looked at: false where every sequence has every step
   * @param training whether dropout drops
   */
  forward(steps: number, masked: boolean, training: boolean): void {
    const { B, engine, spec, cell } = this;
    const k = engine.kernels;
    const H = spec.hiddenSize;
    const R = steps * B;
    const twoStates = hasCellState(spec.cell);
    const window = this.window(steps);
    for (let layer = 0; layer < spec.layers; layer++) {
      const views = window[layer];
      if (spec.dropout > 0 && layer > 0) {
        const below = window[layer - 1].output;
        if (training) k.multiply(views.input, below, views.dropoutMask);
        else engine.copy(views.input, below);
      }
      for (let d = 0; d < views.directions.length; d++) {
        const { weights: w, scratch, given, steps: stepViews, reverse } = this.layers[layer][d];
        const { zx, h, start } = views.directions[d];
        this.inputForward(k, layer, zx, views, w, R);
        k.startStateForward(start.h, given.h, w.h0, this.keep, B, H);
        if (twoStates) k.startStateForward(start.c, given.c, w.c0, this.keep, B, H);
        for (let i = 0; i < steps; i++) {
          const s = stepViews[reverse ? steps - 1 - i : i];
          cell.forward(k, s, w, scratch, B, H);
          if (!masked) continue;
          k.holdStateForward(s.h, s.hPrev, s.mask, B, H);
          if (twoStates) k.holdStateForward(s.c, s.cPrev, s.mask, B, H);
        }
        if (spec.bidirectional) k.placeColumns(views.output, h, R, 2 * H, d * H, H);
      }
    }
  }

  /**
   * The reversed loop over the window that {@link forward} has just walked: from {@link doutput} and {@link dfinal} to
   * the gradients of the parameters (added), of the inputs and of the given states (overwritten).
   *
   * @param span where the gradient is cut: no state passes it on over a step whose number is a multiple of `span`
   *   (truncated BPTT inside the window; the steps of a direction are numbered as it walks). A sequence that lacks such a
   *   step is not cut there: padding costs it nothing. Infinity for no cut
   */
  backward(steps: number, masked: boolean, training: boolean, span: number): void {
    const { B, engine, spec, cell } = this;
    const k = engine.kernels;
    const H = spec.hiddenSize;
    const R = steps * B;
    const twoStates = hasCellState(spec.cell);
    const window = this.window(steps);
    for (let layer = spec.layers - 1; layer >= 0; layer--) {
      const views = window[layer];
      for (let d = 0; d < views.directions.length; d++) {
        const { weights: w, gradients: dw, scratch, dfinal, dgiven, steps: stepViews, reverse } = this.layers[layer][d];
        const { dh, dzx, sequence } = views.directions[d];
        if (spec.bidirectional) k.takeColumns(dh, views.doutput, R, 2 * H, d * H, H);
        engine.copy(scratch.dhNext, dfinal.h);
        if (twoStates) engine.copy(scratch.dcNext, dfinal.c);
        for (let i = steps - 1; i >= 0; i--) {
          const s = stepViews[reverse ? steps - 1 - i : i];
          // What reaches h_t: from the output of this step (there already) and from the step after it.
          k.add(s.dh, s.dh, scratch.dhNext);
          if (masked && twoStates) engine.copy(scratch.state, scratch.dcNext);
          cell.backward(k, s, w, scratch, B, H);
          if (i > 0 && i % span === 0) {
            engine.fill(scratch.dhNext, 0);
            if (twoStates) engine.fill(scratch.dcNext, 0);
          }
          if (masked) this.passByMissingSteps(k, s, scratch);
        }
        k.startStateBackward(dgiven.h, dw.h0, scratch.dhNext, this.keep, B, H);
        if (twoStates) k.startStateBackward(dgiven.c, dw.c0, scratch.dcNext, this.keep, B, H);
        cell.weights(k, sequence, dw, R, H);
        this.inputBackward(k, layer, dzx, views, w, dw, R, d > 0);
      }
      if (layer > 0 && spec.dropout > 0 && training) {
        const below = window[layer - 1].doutput;
        k.multiply(below, below, views.dropoutMask);
      }
    }
  }

  /** zx = Wih·x + bih for all R rows of a window. */
  private inputForward(
    k: Kernels<F, I>,
    layer: number,
    zx: F,
    views: LayerViews<F, I>,
    w: Weights<F>,
    R: number,
  ): void {
    const { spec } = this;
    const GH = GATES[spec.cell] * spec.hiddenSize;
    if (layer === 0 && spec.input === 'ids') k.oneHotLinearForward(zx, views.ids, w.Wih, w.bih, R, spec.inputSize, GH);
    else k.linearForward(zx, views.input, w.Wih, w.bih, R, this.inputSize(layer), GH);
  }

  /** dWih, dbih and dx of zx = Wih·x + bih; the second direction adds to the first one's share of dx. */
  private inputBackward(
    k: Kernels<F, I>,
    layer: number,
    dzx: F,
    views: LayerViews<F, I>,
    w: Weights<F>,
    dw: Weights<F>,
    R: number,
    addToDx: boolean,
  ): void {
    const { spec } = this;
    const GH = GATES[spec.cell] * spec.hiddenSize;
    if (layer === 0 && spec.input === 'ids') {
      k.oneHotLinearBackward(dw.Wih, dw.bih, dzx, views.ids, R, spec.inputSize, GH);
    } else {
      k.linearBackward(views.dinput, dw.Wih, dw.bih, dzx, views.input, w.Wih, R, this.inputSize(layer), GH, addToDx);
    }
  }

  /** Undoes a step's backward for the sequences that lack the step: their gradient passes by the cell. */
  private passByMissingSteps(k: Kernels<F, I>, s: StepViews<F>, scratch: Scratch<F>): void {
    const { B, cell, spec } = this;
    const H = spec.hiddenSize;
    const GH = GATES[spec.cell] * H;
    k.holdStateBackward(scratch.dhNext, s.dh, s.mask, B, H);
    if (hasCellState(spec.cell)) k.holdStateBackward(scratch.dcNext, scratch.state, s.mask, B, H);
    k.clearRows(s.dzx, s.mask, B, GH);
    if (cell.splitGradients) k.clearRows(s.dzh, s.mask, B, GH);
    if (cell.resetBefore) {
      k.clearRows(s.dan, s.mask, B, H);
      k.clearRows(s.rh, s.mask, B, H); // what padding made of it may be infinite, and 0·∞ is not 0
    }
  }

  private inputSize(layer: number): number {
    return layer === 0 ? this.spec.inputSize : stateWidth(this.spec);
  }

  /** The views of a window of that many steps, made at its first use. */
  private window(steps: number): LayerViews<F, I>[] {
    let window = this.windows.get(steps);
    if (!window) {
      window = [];
      for (let layer = 0; layer < this.spec.layers; layer++) {
        window.push(this.layerViews(steps, layer, window[layer - 1] ?? null));
      }
      this.windows.set(steps, window);
    }
    return window;
  }

  private layerViews(steps: number, layer: number, below: LayerViews<F, I> | null): LayerViews<F, I> {
    const { B, engine, spec } = this;
    const R = steps * B;
    const width = R * stateWidth(spec);
    const vectors = spec.input === 'dense' ? R * spec.inputSize : 0;
    const dropping = spec.dropout > 0 && below !== null;
    const directions = this.layers[layer].map((direction) => direction.window(steps));
    const [first] = directions;
    return {
      ids: engine.sliceInts(this.ids, 0, spec.input === 'ids' ? R : 0),
      input: dropping
        ? engine.slice(this.dropped[layer], 0, width)
        : (below?.output ?? engine.slice(this.x, 0, vectors)),
      dinput: below?.doutput ?? (this.inputGradient ? engine.slice(this.dx, 0, vectors) : null),
      output: spec.bidirectional ? engine.slice(this.outputs[layer], 0, width) : first.h,
      doutput: spec.bidirectional ? engine.slice(this.doutputs[layer], 0, width) : first.dh,
      dropoutMask: dropping ? engine.slice(this.dropoutMasks[layer - 1], 0, width) : this.keep,
      directions,
    };
  }
}
