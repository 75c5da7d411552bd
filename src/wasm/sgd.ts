import type { sgdUpdate as SgdUpdate } from '../optim/sgd.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** θ −= lr·(g + weightDecay·θ) */
export function sgdKernels(w: WasmMemory): { sgdUpdate: typeof SgdUpdate } {
  const { call } = w;
  return {
    sgdUpdate(params, grads, lr, weightDecay = 0) {
      const P = params.length;
      const paramsAt = w.at('sgdUpdate', 'params', params, '[P]', P);
      call.sgdUpdate(paramsAt, w.at('sgdUpdate', 'grads', grads, '[P]', P), P, lr, weightDecay);
    },
  };
}

export function emitSgd(m: ModuleBuilder): void {
  emitElementwise(m, 'sgdUpdate', 2, 2, (f, at, [params, grads], [lr, decay]) => {
    const theta = f.let(at.load(params));
    at.store(params, f32x4.sub(theta, f32x4.mul(lr, f32x4.add(at.load(grads), f32x4.mul(decay, theta)))));
  });
}
