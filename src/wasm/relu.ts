import { f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise, type FunctionKernels, functionKernels } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** y = max(x, 0), NaN stays NaN; dx = dy where y > 0, else 0. */
export function reluKernels(w: WasmMemory): FunctionKernels<'relu'> {
  return functionKernels(w, 'relu');
}

export function emitRelu(m: ModuleBuilder): void {
  emitElementwise(m, 'relu', 2, 0, (_, at, [y, x]) => at.store(y, f32x4.max(at.load(x), 0)));
  emitElementwise(m, 'reluBackward', 3, 0, (_, at, [dx, dy, y]) => {
    at.store(dx, v128.select(at.load(dy), 0, f32x4.greater(at.load(y), 0)));
  });
}
