import type { clip as Clip } from '../tensor/clip.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** y = min(max(x, low), high); NaN stays NaN. */
export function clipKernels(w: WasmMemory): { clip: typeof Clip } {
  const { call } = w;
  return {
    clip(y, x, low, high) {
      const yAt = w.at('clip', 'y', y, '[n]', y.length);
      const xAt = w.at('clip', 'x', x, '[n]', y.length);
      if (!(low <= high)) throw new RangeError(`clip: low is ${low} and high is ${high}, expected low ≤ high`);
      call.clip(yAt, xAt, y.length, low, high);
    },
  };
}

export function emitClip(m: ModuleBuilder): void {
  emitElementwise(m, 'clip', 2, 2, (_, at, [y, x], [low, high]) => {
    at.store(y, f32x4.firstMin(f32x4.firstMax(at.load(x), low), high));
  });
}
