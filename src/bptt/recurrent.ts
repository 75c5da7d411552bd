import { type CellSizes, cellSizes } from '../layers/cell.ts';
import { Direction } from './direction.ts';
import type { DropoutMask } from './dropoutMask.ts';
import type { Engine } from './engine.ts';
import { InputLayers, type InputWindow } from './inputLayers.ts';
import { LayerNormBuffers, NORM_EPSILON, type NormWindow } from './layerNormBuffers.ts';
import { LruMap } from './lruMap.ts';
import type { ParameterBlock } from './parameters.ts';
import type { Recurrence } from './recurrence.ts';
import { directionsOf, hasResidual, type ResolvedSpec, stateWidth, suffixOf } from './spec.ts';
import { linearGradients, type WeightGradient } from './weightGradients.ts';

/** Views over all R = steps·B rows of a window of one layer. */
interface LayerWindow<F, I> {
  /** [R,H·directions], what the layer below gives, and what the layer reads of it after dropout; null for layer 0. */
  readonly below: F | null;
  readonly x: F | null;
  /** [R,D], the gradient of what the layer reads (null where nobody wants it). */
  readonly dx: F | null;
  /** [R,H·directions of the layer below]; null without dropout. */
  readonly dropoutMask: F | null;
  readonly directions: readonly Recurrence<F, I>[];
  /** [R,H·directions], both directions' h side by side, and their gradient. */
  readonly states: F;
  readonly dstates: F;
  readonly norm: NormWindow<F> | null;
  /** [R,H·directions], what a residual connection adds, and its gradient (null where nobody wants it). */
  readonly residual: F | null;
  readonly dresidual: F | null;
  /** [R,H·directions], the layer's outputs, and their gradient: the states where nothing comes after them. */
  readonly output: F;
  readonly doutput: F;
}

/** The views of a window. */
interface StackWindow<F, I> {
  readonly input: InputWindow<F, I>;
  readonly layers: readonly LayerWindow<F, I>[];
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
 * `recurrenceForward` and `recurrenceBackward` (`bptt/recurrence.ts`). Layer l reads x_l and gives y_l,
 *
 *     x_l = dropout(y_{l−1}),  y_l = y_{l−1} + norm(h_l)
 *
 * with the layer normalisation and the residual connection that its spec asks for; y_{−1}, which layer 0 reads as it is, comes
 * of the `InputLayers`.
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
  /** That of the inputs, then for each layer but the last [T,B,H·directions]; none without dropout. */
  readonly dropoutMasks: readonly DropoutMask<F>[];

  private readonly engine: Engine<F, I>;
  private readonly spec: ResolvedSpec;
  private readonly sizes: CellSizes;
  private readonly B: number;
  private readonly layers: readonly (readonly Direction<F, I>[])[];
  private readonly inputLayers: InputLayers<F, I>;
  /** [T,B,2H] for each layer of a bidirectional stack: both directions' states side by side, and their gradient. */
  private readonly states: readonly F[];
  private readonly dstates: readonly F[];
  private readonly norms: readonly LayerNormBuffers<F>[];
  /** [T,B,H·directions] for each layer: its outputs where they are not its states, and their gradient where there is a residual. */
  private readonly outputs: readonly F[];
  private readonly doutputs: readonly F[];
  /** [T,B,H·directions] for each layer: its input after dropout; empty where nothing is dropped. */
  private readonly dropped: readonly F[];
  private readonly betweenMasks: readonly DropoutMask<F>[];
  private readonly windows = new LruMap<number, StackWindow<F, I>>(KEPT_WINDOWS);

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
    this.inputLayers = new InputLayers(engine, spec, T, B, parameters, gradients, inputGradient);
    this.ids = this.inputLayers.ids;
    this.x = this.inputLayers.x;
    this.dx = this.inputLayers.dx;
    this.mask = engine.floats(T * B);
    this.carry = engine.floats(B);
    const layers = Array.from({ length: spec.layers }, (_, layer) => layer);
    const W = stateWidth(spec);
    const width = T * B * W;
    this.layers = layers.map((layer) =>
      [false, true].slice(0, directionsOf(spec)).map((reverse) => {
        const suffix = suffixOf(layer, reverse);
        const { mask, carry } = this;
        return new Direction(engine, spec, T, B, suffix, reverse, parameters, gradients, mask, carry, initialGradient);
      }),
    );
    this.states = layers.map(() => engine.floats(spec.bidirectional ? width : 0));
    this.dstates = layers.map(() => engine.floats(spec.bidirectional ? width : 0));
    this.norms = layers
      .slice(0, spec.layerNorm ? spec.layers : 0)
      .map((layer) => new LayerNormBuffers(engine, `norm_l${layer}`, W, T * B, parameters, gradients));
    this.outputs = layers.map((l) => engine.floats(spec.layerNorm || hasResidual(spec, l) ? width : 0));
    this.doutputs = layers.map((l) => engine.floats(hasResidual(spec, l) ? width : 0));
    const { between: rate } = spec.dropout;
    this.dropped = layers.map((layer) => engine.floats(rate > 0 && layer > 0 ? width : 0));
    const length = (steps: number): number => steps * B * W;
    this.betweenMasks = rate > 0 ? layers.slice(1).map(() => ({ mask: engine.floats(width), rate, length })) : [];
    this.dropoutMasks = [...this.inputLayers.dropoutMasks, ...this.betweenMasks];
  }

  /** [steps,B,H·directions], the top layer's outputs; overwritten by {@link forward}. */
  output(kind: WindowKind): F {
    return this.window(kind).layers[this.spec.layers - 1].output;
  }

  /** [steps,B,H·directions], what the loss sends to the top layer's outputs; used up by {@link backward}. */
  doutput(kind: WindowKind): F {
    return this.window(kind).layers[this.spec.layers - 1].doutput;
  }

  /** One direction of a layer over a window: its states, gates and gradients of every step. */
  recurrence(kind: WindowKind, layer: number, direction = 0): Recurrence<F, I> {
    return this.window(kind).layers[layer].directions[direction];
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
    const { B, engine, spec, inputLayers } = this;
    const k = engine.kernels;
    const H = spec.hiddenSize;
    const W = stateWidth(spec);
    const R = kind.steps * B;
    const { input, layers } = this.window(kind);
    inputLayers.forward(input);
    for (const { below, x, dropoutMask, directions, states, norm, residual, output } of layers) {
      if (dropoutMask !== null) k.multiply(x!, below!, dropoutMask);
      for (let d = 0; d < directions.length; d++) {
        engine.recurrenceForward(directions[d]);
        if (spec.bidirectional) k.placeColumns(states, directions[d].states[0], R, 2 * H, d * H, H);
      }
      if (norm !== null) {
        k.layerNorm(output, norm.normalized, norm.inverse, states, norm.gain, norm.bias, NORM_EPSILON, R, W);
      }
      if (residual !== null) k.add(output, norm === null ? states : output, residual);
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
    const { B, engine, spec, inputLayers } = this;
    const k = engine.kernels;
    const H = spec.hiddenSize;
    const W = stateWidth(spec);
    const R = kind.steps * B;
    const { input, layers } = this.window(kind);
    const gradients: WeightGradient<F, I>[] = [];
    for (let layer = spec.layers - 1; layer >= 0; layer--) {
      const { dx, dropoutMask, directions, dstates, norm, residual, dresidual, doutput } = layers[layer];
      if (norm !== null) {
        const { dgain, dbias, normalized, inverse, gain } = norm;
        k.layerNormBackward(dstates, dgain, dbias, doutput, normalized, inverse, gain, R, W);
      } else if (residual !== null) k.copy(dstates, doutput);
      for (let d = 0; d < directions.length; d++) {
        const r = directions[d];
        if (spec.bidirectional) k.takeColumns(r.dh, dstates, R, 2 * H, d * H, H);
        engine.recurrenceBackward(r, backSteps);
        // The second direction adds to the first one's share of dx.
        if (dx !== null) k.matmulNN(dx, r.dxGates, r.weights.Wih, R, spec.cell.gates * H, r.D, d > 0);
        gradients.push(...this.weightGradients(r, R));
      }
      if (dropoutMask !== null) k.multiply(dx!, dx!, dropoutMask);
      if (dresidual !== null) k.add(dresidual, dresidual, doutput);
    }
    gradients.push(...inputLayers.backward(input));
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
  private window(kind: WindowKind): StackWindow<F, I> {
    return this.windows.get(windowKey(kind), () => {
      const input = this.inputLayers.window(kind);
      const layers: LayerWindow<F, I>[] = [];
      for (let layer = 0; layer < this.spec.layers; layer++) {
        layers.push(this.layerWindow(kind, layer, input, layers[layer - 1] ?? null));
      }
      return { input, layers };
    });
  }

  private layerWindow(
    { steps, masked, dropping }: WindowKind,
    layer: number,
    first: InputWindow<F, I>,
    lower: LayerWindow<F, I> | null,
  ): LayerWindow<F, I> {
    const { B, engine, spec } = this;
    const R = steps * B;
    const W = stateWidth(spec);
    const rows = (buffer: F): F => engine.slice(buffer, 0, R * W);
    const below = lower?.output ?? null;
    const drawn = dropping && lower !== null ? this.betweenMasks[layer - 1] : undefined;
    const x = drawn ? rows(this.dropped[layer]) : below;
    const input = x === null ? first.input : { x };
    const dx = lower?.doutput ?? first.dinput;
    const D = x === null ? first.D : W;
    const mask = masked ? engine.slice(this.mask, 0, R) : null;
    const directions = this.layers[layer].map((direction) => direction.recurrence({ steps, input, D, mask }));
    const [forward] = directions;
    const states = spec.bidirectional ? rows(this.states[layer]) : forward.states[0];
    const dstates = spec.bidirectional ? rows(this.dstates[layer]) : forward.dh;
    const residual = hasResidual(spec, layer);
    return {
      ...{ below, x, dx, directions, states, dstates },
      dropoutMask: drawn ? rows(drawn.mask) : null,
      norm: spec.layerNorm ? this.norms[layer].window(R) : null,
      residual: !residual ? null : (below ?? ('x' in first.input ? first.input.x : null)),
      dresidual: residual ? dx : null,
      output: spec.layerNorm || residual ? rows(this.outputs[layer]) : states,
      doutput: residual ? rows(this.doutputs[layer]) : dstates,
    };
  }
}
