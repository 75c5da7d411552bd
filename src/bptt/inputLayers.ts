import { DenseLayer } from './denseLayer.ts';
import type { DropoutMask } from './dropoutMask.ts';
import type { Engine } from './engine.ts';
import type { ParameterBlock } from './parameters.ts';
import type { RecurrenceInput } from './recurrence.ts';
import type { WindowKind } from './recurrent.ts';
import { type ResolvedSpec, recurrentInputWidth } from './spec.ts';
import type { WeightGradient } from './weightGradients.ts';

/** Views over all R = steps·B rows of a window. */
export interface InputWindow<F, I> {
  readonly R: number;
  /** [R], where the inputs are symbols, else empty. */
  readonly ids: I;
  /** [R,E] or [R,D], the symbols' vectors or the inputs, and their gradient; null where there is none or nobody asks for it. */
  readonly vectors: F | null;
  readonly dvectors: F | null;
  /** Of the vectors; null where nothing is dropped. */
  readonly dropoutMask: F | null;
  /** What the dense layer reads: the vectors after dropout, or ids. */
  readonly read: RecurrenceInput<F, I>;
  /** [R,·], what the dense layer gives, and its gradient; null without one. */
  readonly hidden: F | null;
  readonly dhidden: F | null;
  /** What the first recurrent layer reads, D numbers a row. */
  readonly input: RecurrenceInput<F, I>;
  readonly D: number;
  /** [R,D], the gradient of that; null where it is not needed. */
  readonly dinput: F | null;
}

/**
 * What stands before the recurrent layers:
 *
 *     v = table[id] (or the vectors that are the input),  u = dropout(v),  x = f(W·u + b)
 *
 * where each part is there or left out; without any, the recurrent layers read the inputs themselves.
 */
export class InputLayers<F, I> {
  /** [T,B], the symbols of a window; empty where the input is vectors. */
  readonly ids: I;
  /** [T,B,D], the inputs of a window where they are vectors, else empty. */
  readonly x: F;
  /** [T,B,D], the inputs' gradient; empty unless asked for. */
  readonly dx: F;
  /** None, or that of the vectors. */
  readonly dropoutMasks: readonly DropoutMask<F>[];

  private readonly engine: Engine<F, I>;
  private readonly spec: ResolvedSpec;
  private readonly B: number;
  private readonly inputGradient: boolean;
  /** [D,E] */
  private readonly table: F | null;
  private readonly dtable: F | null;
  private readonly dense: DenseLayer<F, I> | null;
  /** [T,B,E] each. */
  private readonly embedded: F;
  private readonly dembedded: F;
  /** [T,B,E] or [T,B,D] */
  private readonly dropped: F;
  /** [T,B,·] each. */
  private readonly hidden: F;
  private readonly dhidden: F;

  constructor(
    engine: Engine<F, I>,
    spec: ResolvedSpec,
    T: number,
    B: number,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
    inputGradient: boolean,
  ) {
    const { embedding, inputDense, dropout, input, inputSize } = spec;
    const width = embedding?.size ?? inputSize;
    const vectors = input === 'dense' ? T * B * inputSize : 0;
    this.engine = engine;
    this.spec = spec;
    this.B = B;
    this.inputGradient = inputGradient && input === 'dense';
    this.ids = engine.ints(input === 'ids' ? T * B : 0);
    this.x = engine.floats(vectors);
    this.dx = engine.floats(this.inputGradient ? vectors : 0);
    this.table = parameters.get('embedding.weight');
    this.dtable = gradients.get('embedding.weight');
    this.embedded = engine.floats(embedding ? T * B * width : 0);
    this.dembedded = engine.floats(embedding ? T * B * width : 0);
    const { input: rate } = dropout;
    this.dropped = engine.floats(rate > 0 ? T * B * width : 0);
    const mask = engine.floats(rate > 0 ? T * B * width : 0);
    this.dropoutMasks = rate > 0 ? [{ mask, rate, length: (steps) => steps * B * width }] : [];
    this.dense = inputDense && new DenseLayer(engine, inputDense, 'input_dense', width, parameters, gradients);
    this.hidden = engine.floats(inputDense ? T * B * inputDense.size : 0);
    this.dhidden = engine.floats(inputDense ? T * B * inputDense.size : 0);
  }

  /** The views of a window. */
  window({ steps, dropping }: WindowKind): InputWindow<F, I> {
    const { engine, spec, B, dense } = this;
    const R = steps * B;
    const { embedding, inputSize, input } = spec;
    const rows = (buffer: F, width: number): F => engine.slice(buffer, 0, R * width);
    const width = embedding?.size ?? inputSize;
    const ids = engine.sliceInts(this.ids, 0, input === 'ids' ? R : 0);
    const vectors = embedding ? rows(this.embedded, width) : input === 'dense' ? rows(this.x, width) : null;
    const [drawn] = dropping ? this.dropoutMasks : [];
    const read = vectors === null ? { ids } : { x: drawn ? rows(this.dropped, width) : vectors };
    const dvectors = embedding ? rows(this.dembedded, width) : this.inputGradient ? rows(this.dx, width) : null;
    const hidden = dense && rows(this.hidden, dense.size);
    const dhidden = dense && rows(this.dhidden, dense.size);
    return {
      ...{ R, ids, vectors, dvectors, read, hidden, dhidden },
      dropoutMask: drawn ? rows(drawn.mask, width) : null,
      input: hidden === null ? read : { x: hidden },
      D: recurrentInputWidth(spec),
      dinput: dense ? dhidden : dvectors,
    };
  }

  forward({ R, ids, vectors, dropoutMask, read, hidden }: InputWindow<F, I>): void {
    const { engine, spec, table, dense } = this;
    const k = engine.kernels;
    if (table !== null) k.gatherRows(vectors!, table, ids, R, spec.inputSize, spec.embedding!.size);
    if (dropoutMask !== null && 'x' in read) k.multiply(read.x, vectors!, dropoutMask);
    dense?.forward(hidden!, read, R);
  }

  /**
   * From the gradient of what the first recurrent layer reads ({@link InputWindow.dinput}) back to that of the inputs. The
   * table's gradient is added at once.
   *
   * @returns the sums that add up to the dense layer's gradients
   */
  backward({ R, ids, dvectors, dropoutMask, read, hidden, dhidden }: InputWindow<F, I>): WeightGradient<F, I>[] {
    const { engine, spec, dtable, dense } = this;
    const k = engine.kernels;
    const gradients = dense?.backward(dvectors, dhidden!, hidden!, read, R) ?? [];
    if (dvectors !== null && dropoutMask !== null) k.multiply(dvectors, dvectors, dropoutMask);
    if (dtable !== null) k.gatherRowsBackward(dtable, dvectors!, ids, R, spec.inputSize, spec.embedding!.size);
    return gradients;
  }
}
