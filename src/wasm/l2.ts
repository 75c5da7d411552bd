import type * as optim from '../optim/l2.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** λ·Σ w², dw += 2λ·w. */
export function l2Kernels(w: WasmMemory): Pick<typeof optim, 'l2Forward' | 'l2Backward'> {
  const { sumOfSquares, addScaled } = w.call;
  return {
    l2Forward: (weights, lambda) =>
      lambda * sumOfSquares(w.at('l2Forward', 'w', weights, '[n]', weights.length), weights.length),
    l2Backward(dw, weights, lambda) {
      const n = dw.length;
      const dwAt = w.at('l2Backward', 'dw', dw, '[n]', n);
      addScaled(dwAt, w.at('l2Backward', 'w', weights, '[n]', n), n, 2 * lambda);
    },
  };
}

/** y += αx */
export function emitL2(m: ModuleBuilder): void {
  emitElementwise(m, 'addScaled', 2, 1, (_, at, [y, x], [alpha]) => {
    at.store(y, f32x4.add(at.load(y), f32x4.mul(alpha, at.load(x))));
  });
}
