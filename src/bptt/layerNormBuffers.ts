import type { FloatBuffers } from './engine.ts';
import type { ParameterBlock } from './parameters.ts';

/** A layer normalisation over a window: what `layerNorm` and its backward read and write beside its input and output. */
export interface NormWindow<F> {
  /** [W] each, and their gradients. */
  readonly gain: F;
  readonly bias: F;
  readonly dgain: F;
  readonly dbias: F;
  /** [R,W] and [R], what forward leaves for backward. */
  readonly normalized: F;
  readonly inverse: F;
}

/** What is added to a variance before the root, as in PyTorch. */
export const NORM_EPSILON = 1e-5;

/** The buffers of a layer normalisation of rows of W numbers. */
export class LayerNormBuffers<F> {
  private readonly engine: FloatBuffers<F>;
  private readonly W: number;
  private readonly own: NormWindow<F>;

  /**
   * @param name of the parameters, `norm_l0` for `norm_l0.weight` and `norm_l0.bias`
   * @param rows the most there are
   */
  constructor(
    engine: FloatBuffers<F>,
    name: string,
    W: number,
    rows: number,
    parameters: ParameterBlock<F>,
    gradients: ParameterBlock<F>,
  ) {
    this.engine = engine;
    this.W = W;
    this.own = {
      gain: parameters.get(`${name}.weight`)!,
      bias: parameters.get(`${name}.bias`)!,
      dgain: gradients.get(`${name}.weight`)!,
      dbias: gradients.get(`${name}.bias`)!,
      normalized: engine.floats(rows * W),
      inverse: engine.floats(rows),
    };
  }

  /** The views of R rows. */
  window(R: number): NormWindow<F> {
    const { engine, own, W } = this;
    return {
      ...own,
      normalized: engine.slice(own.normalized, 0, R * W),
      inverse: engine.slice(own.inverse, 0, R),
    };
  }
}
