import type { Nonlinearity } from '../layers/elman.ts';
import type { Engine, Kernels } from './engine.ts';
import type { DenseSpec } from './layerSpecs.ts';
import type { ParameterBlock } from './parameters.ts';
import type { RecurrenceInput } from './recurrence.ts';
import { linearGradients, type WeightGradient } from './weightGradients.ts';

/**
 * A dense layer, the same for every row:
 *
 *     y[r,·] = f(W·x[r,·] + b)
 */
export class DenseLayer<F, I> {
  /** O, the numbers that it gives. */
  readonly size: number;
  private readonly k: Kernels<F, I>;
  private readonly activation: Nonlinearity;
  /** D, the numbers that it reads. */
  private readonly D: number;
  private readonly W: F;
  private readonly b: F;
  private readonly dW: F;
  private readonly db: F;

  /** @param name of the parameters, `input_dense` for `input_dense.weight` [O,D] and `input_dense.bias` [O] */
  constructor(
    engine: Engine<F, I>,
    { size, activation }: Readonly<Required<DenseSpec>>,
    name: string,
    D: number,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
  ) {
    this.k = engine.kernels;
    this.size = size;
    this.activation = activation;
    this.D = D;
    this.W = parameters.get(`${name}.weight`)!;
    this.b = parameters.get(`${name}.bias`)!;
    this.dW = gradients.get(`${name}.weight`)!;
    this.db = gradients.get(`${name}.bias`)!;
  }

  /**
   * @param y [R,O], overwritten
   * @param input vectors [R,D], or ids [R] read as one-hot vectors
   */
  forward(y: F, input: RecurrenceInput<F, I>, R: number): void {
    const { k, D, W, b, size: O } = this;
    if ('ids' in input) k.oneHotLinearForward(y, input.ids, W, b, R, D, O);
    else k.linearForward(y, input.x, W, b, R, D, O);
    if (this.activation !== 'identity') k[this.activation](y, y);
  }

  /**
   * @param dx [R,D], overwritten; null where nobody asks for it
   * @param dy [R,O]; afterwards the gradient of W·x + b
   * @param y what forward gave
   * @returns the sums that add up to the gradients of W and b; they read `dy` and the input
   */
  backward(dx: F | null, dy: F, y: F, input: RecurrenceInput<F, I>, R: number): WeightGradient<F, I>[] {
    const { k, D, W, dW, db, size: O } = this;
    if (this.activation !== 'identity') k[`${this.activation}Backward`](dy, dy, y);
    if (dx !== null) k.matmulNN(dx, dy, W, R, O, D);
    return linearGradients<F, I>(dW, db, dy, input, R, O, D);
  }
}
