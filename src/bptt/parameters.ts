import type { FloatBuffers } from './engine.ts';
import type { ParameterLayout } from './spec.ts';

/** Whether a parameter of that shape is a weight matrix: a table, or what a product reads. */
export function isMatrix(shape: readonly number[]): boolean {
  return shape.length === 2;
}

/**
 * Parameters, or gradients of their size: one flat buffer with a view of each tensor in it. On an engine that keeps weight
 * matrices as bfloat16 each of those has a buffer of its own, and the flat one holds the others.
 */
export class ParameterBlock<F> {
  readonly flat: F;
  readonly layout: readonly ParameterLayout[];
  private readonly views = new Map<string, F>();

  constructor(engine: FloatBuffers<F>, layout: readonly ParameterLayout[]) {
    this.layout = layout;
    const isApart = ({ shape }: ParameterLayout): boolean => engine.halves !== undefined && isMatrix(shape);
    this.flat = engine.floats(layout.reduce((sum, tensor) => sum + (isApart(tensor) ? 0 : tensor.length), 0));
    let end = 0;
    for (const tensor of layout) {
      const { name, length } = tensor;
      if (isApart(tensor)) this.views.set(name, engine.halves!(length));
      else {
        this.views.set(name, engine.slice(this.flat, end, end + length));
        end += length;
      }
    }
  }

  /** The tensor of that name, or null where the model has none. */
  get(name: string): F | null {
    return this.views.get(name) ?? null;
  }
}
