import { type CellSizes, cellSizes } from '../layers/cell.ts';
import { Direction } from './direction.ts';
import type { Engine } from './engine.ts';
import { LruMap } from './lruMap.ts';
import type { ParameterBlock } from './parameters.ts';
import type { Recurrence } from './recurrence.ts';
import { directionsOf, type ResolvedSpec, stateWidth, suffixOf } from './spec.ts';
import { linearGradients, type WeightGradient } from './weightGradients.ts';

/** Views over all R = steps·B rows of a window of one layer. */
interface LayerWindow<F, I> {
  /** [R,D], the vectors that the layer reads after dropout, and their gradient (null where nobody wants it). */
  readonly x: F;
  readonly dx: F | null;
  /** [R,H·directions], the layer's outputs, and their gradient. */
  readonly output: F;
  readonly doutput: F;
  /** [R,H·directions of the layer below]; null without dropout. */
  readonly dropoutMask: F | null;
  readonly directions: readonly Recurrence<F, I>[];
}

/** How a window is walked. */
export interface WindowKind {
  readonly steps: number;
  /** Whether the mask is read: false where every sequence has every step. */
  readonly masked: boolean;
  /** Whether the dropout masks are applied. */
  readonly dropping: boolean;
}

export function windowKey({ steps, masked, dropping }: WindowKind): number {
  return 4 * steps + (masked ? 2 : 0) + (dropping ? 1 : 0);
}

/** Kinds of window whose views are kept. */
export const KEPT_WINDOWS = 16;

/** What a {@link RecurrentStack} is made with, beside engine, spec and sizes. */
export interface StackOptions {
  /** Whether backward gives {@link RecurrentStack.dx} (vectors only). Default false. */
  readonly inputGradient?: boolean;
  /** Whether backward gives {@link RecurrentStack.dinitial}. Default true. */
  readonly initialGradient?: boolean;
}

/**
 * A stack of recurrent layers walking through time: the layers one after another, each direction by its
 * `recurrenceForward` and `recurrenceBackward` (`bptt/recurrence.ts`).
 *
 * A window is written into `ids` or `x`, the states it goes on from into {@link initial}. After {@link forward} the outputs
 * `[steps,B,H·directions]` are in {@link output}. After {@link backward} the gradients of the inputs are in `dx`, those of the
 * initial states in {@link dinitial}, and the list it returns says how the parameters' gradients are summed up.
 *
 * At padded steps (mask 0) the states are copied through unchanged, so that the output there repeats the state before.
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
  /** [B], 1 where a sequence goes on from its initial state, 0 where it begins. */
  readonly carry: F;
  /** For each layer but the last, [T,B,H·directions]: the dropout mask of the window; none without dropout. */
  readonly dropoutMasks: readonly F[];

  private readonly engine: Engine<F, I>;
  private readonly spec: ResolvedSpec;
  private readonly sizes: CellSizes;
  private readonly B: number;
  private readonly layers: readonly (readonly Direction<F, I>[])[];
  private readonly inputGradient: boolean;
  /** [T,B,2H] for each layer of a bidirectional stack: both directions' states side by side, and their gradient. */
  private readonly outputs: readonly F[];
  private readonly doutputs: readonly F[];
  /** [T,B,H·directions] for each layer: its input after dropout; empty where nothing is dropped. */
  private readonly dropped: readonly F[];
  private readonly windows = new LruMap<number, readonly LayerWindow<F, I>[]>(KEPT_WINDOWS);

  /** Makes every buffer for windows of up to T steps of B sequences. */
  constructor(
    engine: Engine<F, I>,
    spec: ResolvedSpec,
    T: number,
    B: number,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
    { inputGradient = false, initialGradient = true }: StackOptions = {},
  ) {
    this.engine = engine;
    this.spec = spec;
    this.sizes = cellSizes(spec.cell);
    this.B = B;
    this.inputGradient = inputGradient && spec.input === 'dense';
    const vectors = spec.input === 'dense' ? T * B * spec.inputSize : 0;
    this.ids = engine.ints(spec.input === 'ids' ? T * B : 0);
    this.x = engine.floats(vectors);
    this.dx = engine.floats(this.inputGradient ? vectors : 0);
    this.mask = engine.floats(T * B);
    this.carry = engine.floats(B);
    const layers = Array.from({ length: spec.layers }, (_, layer) => layer);
    const width = T * B * stateWidth(spec);
    this.layers = layers.map((layer) =>
      [false, true].slice(0, directionsOf(spec)).map((reverse) => {
        const suffix = suffixOf(layer, reverse);
        const { mask, carry } = this;
        return new Direction(engine, spec, T, B, suffix, reverse, parameters, gradients, mask, carry, initialGradient);
      }),
    );
    this.outputs = layers.map(() => engine.floats(spec.bidirectional ? width : 0));
    this.doutputs = layers.map(() => engine.floats(spec.bidirectional ? width : 0));
    this.dropped = layers.map((layer) => engine.floats(spec.dropout > 0 && layer > 0 ? width : 0));
    this.dropoutMasks = spec.dropout > 0 ? layers.slice(1).map(() => engine.floats(width)) : [];
  }

  /** [steps,B,H·directions], the top layer's outputs; overwritten by {@link forward}. */
  output(kind: WindowKind): F {
    return this.window(kind)[this.spec.layers - 1].output;
  }

  /** [steps,B,H·directions], what the loss sends to the top layer's outputs; used up by {@link backward}. */
  doutput(kind: WindowKind): F {
    return this.window(kind)[this.spec.layers - 1].doutput;
  }

  /** One direction of a layer over a window: its states, gates and gradients of every step. */
  recurrence(kind: WindowKind, layer: number, direction = 0): Recurrence<F, I> {
    return this.window(kind)[layer].directions[direction];
  }

  /** The states [B,H] of a layer after the first `t` steps of a window, forward in time. */
  stateAfter(t: number, layer: number): readonly F[] {
    return this.layers[layer][0].stateAfter(t);
  }

  /** The states [B,H] that a window goes on from where {@link carry} is 1. */
  initial(layer: number, direction = 0): readonly F[] {
    return this.layers[layer][direction].initial;
  }

  /** The gradients [B,H] of the initial states; overwritten by {@link backward}. Null where nobody asked for them. */
  dinitial(layer: number, direction = 0): readonly F[] | null {
    return this.layers[layer][direction].dinitial;
  }

  /** What the loss sends to the final states, [B,H]: zero unless written; read by {@link backward}. */
  dfinal(layer: number, direction = 0): readonly F[] {
    return this.layers[layer][direction].dfinal;
  }

  /** The forward pass over a window. */
  forward(kind: WindowKind): void {
    const { B, engine, spec } = this;
    const k = engine.kernels;
    const H = spec.hiddenSize;
    const window = this.window(kind);
    for (let layer = 0; layer < spec.layers; layer++) {
      const { x, output, dropoutMask, directions } = window[layer];
      if (dropoutMask !== null) k.multiply(x, window[layer - 1].output, dropoutMask);
      for (let d = 0; d < directions.length; d++) {
        engine.recurrenceForward(directions[d]);
        if (spec.bidirectional) k.placeColumns(output, directions[d].states[0], kind.steps * B, 2 * H, d * H, H);
      }
    }
  }

  /**
   * The backward pass over the window that {@link forward} has just walked: from {@link doutput} and {@link dfinal} to the
   * gradients of the gates, inputs and initial states.
   *
   * @param backSteps truncated backpropagation: the gradient is cut at every multiple of so many steps
   * @returns the sums that add up to the parameters' gradients
   */
  backward(kind: WindowKind, backSteps: number): WeightGradient<F, I>[] {
    const { B, engine, spec } = this;
    const k = engine.kernels;
    const H = spec.hiddenSize;
    const R = kind.steps * B;
    const window = this.window(kind);
    const gradients: WeightGradient<F, I>[] = [];
    for (let layer = spec.layers - 1; layer >= 0; layer--) {
      const { dx, doutput, directions, dropoutMask } = window[layer];
      for (let d = 0; d < directions.length; d++) {
        const r = directions[d];
        if (spec.bidirectional) k.takeColumns(r.dh, doutput, R, 2 * H, d * H, H);
        engine.recurrenceBackward(r, backSteps);
        // The second direction adds to the first one's share of dx.
        if (dx !== null) k.matmulNN(dx, r.dxGates, r.weights.Wih, R, spec.cell.gates * H, r.D, d > 0);
        gradients.push(...this.weightGradients(r, R));
      }
      if (dropoutMask !== null) k.multiply(window[layer - 1].doutput, window[layer - 1].doutput, dropoutMask);
    }
    return gradients;
  }

  /** Of Wih, Whh, biases and the cell's own parameters, from the gradients of the gates of all R rows. */
  private weightGradients(r: Recurrence<F, I>, R: number): WeightGradient<F, I>[] {
    const { cell, H, D, gradients: dw, input } = r;
    const { hidden, inner } = this.sizes;
    const list = linearGradients<F, I>(dw.Wih, dw.bih, r.dxGates, input, R, cell.gates * H, D);
    if (hidden > 0)
      list.push(...linearGradients<F, I>(dw.Whh!, dw.bhh, r.dhGates, { x: r.previous[0] }, R, hidden * H, H));
    if (inner > 0)
      list.push(...linearGradients<F, I>(dw.innerWhh!, dw.innerBhh, r.dinnerGates, { x: r.operand }, R, inner * H, H));
    for (const [e, { blocks }] of Object.values(cell.extra ?? {}).entries()) {
      list.push({ dW: dw.extra[e], dy: r.dextra[e], x: null, ids: null, R, O: blocks * H, D: 0 });
    }
    return list;
  }

  /** The views of a window, made at its first use. */
  private window(kind: WindowKind): readonly LayerWindow<F, I>[] {
    return this.windows.get(windowKey(kind), () => {
      const window: LayerWindow<F, I>[] = [];
      for (let layer = 0; layer < this.spec.layers; layer++) {
        window.push(this.layerWindow(kind, layer, window[layer - 1] ?? null));
      }
      return window;
    });
  }

  private layerWindow(
    { steps, masked, dropping }: WindowKind,
    layer: number,
    below: LayerWindow<F, I> | null,
  ): LayerWindow<F, I> {
    const { B, engine, spec } = this;
    const R = steps * B;
    const width = R * stateWidth(spec);
    const vectors = spec.input === 'dense' ? R * spec.inputSize : 0;
    const drops = dropping && spec.dropout > 0 && below !== null;
    const x = drops ? engine.slice(this.dropped[layer], 0, width) : (below?.output ?? engine.slice(this.x, 0, vectors));
    const input = layer === 0 && spec.input === 'ids' ? { ids: engine.sliceInts(this.ids, 0, R) } : { x };
    const D = layer === 0 ? spec.inputSize : stateWidth(spec);
    const mask = masked ? engine.slice(this.mask, 0, R) : null;
    const directions = this.layers[layer].map((direction) => direction.recurrence({ steps, input, D, mask }));
    const [first] = directions;
    return {
      x,
      dx: below?.doutput ?? (this.inputGradient ? engine.slice(this.dx, 0, vectors) : null),
      output: spec.bidirectional ? engine.slice(this.outputs[layer], 0, width) : first.states[0],
      doutput: spec.bidirectional ? engine.slice(this.doutputs[layer], 0, width) : first.dh,
      dropoutMask: drops ? engine.slice(this.dropoutMasks[layer - 1], 0, width) : null,
      directions,
    };
  }
}
