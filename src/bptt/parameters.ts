import type { FloatBuffers } from './engine.ts';
import type { ParameterLayout } from './spec.ts';

/** Parameters, or gradients of their size: one flat buffer with a view of each tensor in it. */
export class ParameterBlock<F> {
  readonly flat: F;
  readonly layout: readonly ParameterLayout[];
  private readonly views = new Map<string, F>();

  constructor(engine: FloatBuffers<F>, layout: readonly ParameterLayout[]) {
    this.layout = layout;
    const last = layout[layout.length - 1];
    this.flat = engine.floats(last.offset + last.length);
    for (const { name, offset, length } of layout) {
      this.views.set(name, engine.slice(this.flat, offset, offset + length));
    }
  }

  /** The tensor of that name, or null where the model has none. */
  get(name: string): F | null {
    return this.views.get(name) ?? null;
  }
}
