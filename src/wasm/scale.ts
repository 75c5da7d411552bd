import type { addScaled as AddScaled, scale as Scale } from '../tensor/scale.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** y = αx; y += αx. */
export function scaleKernels(w: WasmMemory): { scale: typeof Scale; addScaled: typeof AddScaled } {
  const { call } = w;
  return {
    scale(y, x, alpha) {
      const n = y.length;
      call.scale(w.at('scale', 'y', y, '[n]', n), w.at('scale', 'x', x, '[n]', n), n, alpha);
    },
    addScaled(y, x, alpha) {
      const n = y.length;
      call.addScaled(w.at('addScaled', 'y', y, '[n]', n), w.at('addScaled', 'x', x, '[n]', n), n, alpha);
    },
  };
}

export function emitScale(m: ModuleBuilder): void {
  emitElementwise(m, 'scale', 2, 1, (_, at, [y, x], [alpha]) => at.store(y, f32x4.mul(alpha, at.load(x))));
  emitElementwise(m, 'addScaled', 2, 1, (_, at, [y, x], [alpha]) => {
    at.store(y, f32x4.add(at.load(y), f32x4.mul(alpha, at.load(x))));
  });
}
