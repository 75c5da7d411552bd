import type { multiply as Multiply } from '../tensor/multiply.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** z = x ⊙ y */
export function multiplyKernels(w: WasmMemory): { multiply: typeof Multiply } {
  const { call } = w;
  return {
    multiply(z, x, y) {
      const fn = 'multiply';
      const n = z.length;
      call[fn](w.at(fn, 'z', z, '[n]', n), w.at(fn, 'x', x, '[n]', n), w.at(fn, 'y', y, '[n]', n), n);
    },
  };
}

export function emitMultiply(m: ModuleBuilder): void {
  emitElementwise(m, 'multiply', 3, 0, (_, at, [z, x, y]) => at.store(z, f32x4.mul(at.load(x), at.load(y))));
}
