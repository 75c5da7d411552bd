import { DenseLayer } from './denseLayer.ts';
import type { DropoutMask } from './dropoutMask.ts';
import type { Engine } from './engine.ts';
import type { ParameterBlock } from './parameters.ts';
import type { WindowKind } from './recurrent.ts';
import { outputWidth, type ResolvedSpec, readoutWidth, stateWidth } from './spec.ts';
import { linearGradients, type WeightGradient } from './weightGradients.ts';

/** Views over the R rows of a window that have a loss. */
export interface ReadoutWindow<F> {
  readonly R: number;
  /** [R,H·directions], the top layer's outputs, and their gradient. */
  readonly h: F;
  readonly dh: F;
  readonly dropoutMask: F | null;
  /** [R,H·directions] after dropout. */
  readonly read: F;
  /** [R,·], what the output layer reads, and its gradient: what the dense layer gives, or the same as `read` and `dh`. */
  readonly z: F;
  readonly dz: F;
}

/**
 * What stands behind the recurrent layers:
 *
 *     u = dropout(h),  z = f(W·u + b),  logits = Who·z + bho
 *
 * where dropout and dense layer may be left out, and so may the output layer: then the logits are z. Who is a parameter of
 * its own, or the table of a tied embedding.
 */
export class OutputLayers<F, I> {
  /** None, or that of the top layer's outputs. */
  readonly dropoutMasks: readonly DropoutMask<F>[];

  private readonly engine: Engine<F, I>;
  private readonly V: number;
  /** H·directions, and the numbers that the output layer reads. */
  private readonly W: number;
  private readonly Z: number;
  private readonly dense: DenseLayer<F, I> | null;
  /** [V,Z] and [V]; null where there is none. */
  private readonly Who: F | null;
  private readonly bho: F | null;
  private readonly dWho: F | null;
  private readonly dbho: F | null;
  /** [rows,·] each. */
  private readonly dropped: F;
  private readonly hidden: F;
  private readonly dhidden: F;

  /** @param rows the most rows that have a loss: T·B, or B where it is at the last step */
  constructor(
    engine: Engine<F, I>,
    spec: ResolvedSpec,
    B: number,
    rows: number,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
  ) {
    const { outputDense, dropout, embedding, lossAt } = spec;
    const { output: rate } = dropout;
    const W = stateWidth(spec);
    const Who = embedding?.tied ? 'embedding.weight' : 'weight_ho';
    this.engine = engine;
    this.V = outputWidth(spec);
    this.W = W;
    this.Z = readoutWidth(spec);
    this.Who = parameters.get(Who);
    this.bho = parameters.get('bias_ho');
    this.dWho = gradients.get(Who);
    this.dbho = gradients.get('bias_ho');
    this.dropped = engine.floats(rate > 0 ? rows * W : 0);
    const mask = engine.floats(rate > 0 ? rows * W : 0);
    const length = (steps: number): number => (lossAt === 'every' ? steps : 1) * B * W;
    this.dropoutMasks = rate > 0 ? [{ mask, rate, length }] : [];
    this.dense = outputDense && new DenseLayer(engine, outputDense, 'output_dense', W, parameters, gradients);
    this.hidden = engine.floats(outputDense ? rows * outputDense.size : 0);
    this.dhidden = engine.floats(outputDense ? rows * outputDense.size : 0);
  }

  /** The views of R rows, of the top layer's outputs `h` and their gradient. */
  window({ dropping }: Pick<WindowKind, 'dropping'>, R: number, h: F, dh: F): ReadoutWindow<F> {
    const { engine, W, Z, dense } = this;
    const [drawn] = dropping ? this.dropoutMasks : [];
    const read = drawn ? engine.slice(this.dropped, 0, R * W) : h;
    return {
      ...{ R, h, dh, read },
      dropoutMask: drawn ? engine.slice(drawn.mask, 0, R * W) : null,
      z: dense ? engine.slice(this.hidden, 0, R * Z) : read,
      dz: dense ? engine.slice(this.dhidden, 0, R * Z) : dh,
    };
  }

  /** @param logits [R,V], overwritten */
  forward(logits: F, { R, h, dropoutMask, read, z }: ReadoutWindow<F>): void {
    const { engine, dense, Who, bho, V, Z } = this;
    const k = engine.kernels;
    if (dropoutMask !== null) k.multiply(read, h, dropoutMask);
    dense?.forward(z, { x: read }, R);
    if (Who !== null) k.linearForward(logits, z, Who, bho, R, Z, V);
    else k.copy(logits, z);
  }

  /**
   * From the gradient of the logits [R,V] to that of the top layer's outputs, which is overwritten.
   *
   * @returns the sums that add up to the parameters' gradients
   */
  backward(dlogits: F, { R, dh, dropoutMask, read, z, dz }: ReadoutWindow<F>): WeightGradient<F, I>[] {
    const { engine, dense, Who, dWho, dbho, V, Z } = this;
    const k = engine.kernels;
    if (Who !== null) k.matmulNN(dz, dlogits, Who, R, V, Z);
    else k.copy(dz, dlogits);
    const gradients = dWho === null ? [] : linearGradients<F, I>(dWho, dbho, dlogits, { x: z }, R, V, Z);
    if (dense !== null) gradients.push(...dense.backward(dh, dz, z, { x: read }, R));
    if (dropoutMask !== null) k.multiply(dh, dh, dropoutMask);
    return gradients;
  }
}
