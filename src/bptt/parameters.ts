import type { FloatBuffers } from './engine.ts';
import type { ParameterPlace } from './spec.ts';

/** Parameters, or gradients of their size: one flat buffer with a view of each tensor in it. */
export class ParameterBlock<F> {
  readonly flat: F;
  readonly places: readonly ParameterPlace[];
  private readonly views = new Map<string, F>();

  constructor(engine: FloatBuffers<F>, places: readonly ParameterPlace[]) {
    this.places = places;
    const last = places[places.length - 1];
    this.flat = engine.floats(last.offset + last.length);
    for (const { name, offset, length } of places) {
      this.views.set(name, engine.slice(this.flat, offset, offset + length));
    }
  }

  /** The tensor of that name, or null where the model has none. */
  get(name: string): F | null {
    return this.views.get(name) ?? null;
  }
}
