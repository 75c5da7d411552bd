import type { adagradUpdate as AdagradUpdate } from '../optim/adagrad.ts';
import { f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** g += weightDecay·θ, m += g², θ −= lr·g/(√(m + inside) + outside), where g ≠ 0. */
export function adagradKernels(w: WasmMemory): { adagradUpdate: typeof AdagradUpdate } {
  const { call } = w;
  return {
    adagradUpdate(params, grads, memory, lr, eps = 1e-8, epsInRoot = true, weightDecay = 0) {
      const fn = 'adagradUpdate';
      const P = params.length;
      const paramsAt = w.at(fn, 'params', params, '[P]', P);
      const gradsAt = w.at(fn, 'grads', grads, '[P]', P);
      const memoryAt = w.at(fn, 'memory', memory, '[P]', P);
      call[fn](paramsAt, gradsAt, memoryAt, P, lr, epsInRoot ? eps : 0, epsInRoot ? 0 : eps, weightDecay);
    },
  };
}

export function emitAdagrad(m: ModuleBuilder): void {
  emitElementwise(m, 'adagradUpdate', 3, 4, (f, at, [params, grads, memory], [lr, inside, outside, decay]) => {
    const theta = f.let(at.load(params));
    const g = f.let(f32x4.add(at.load(grads), f32x4.mul(decay, theta)));
    const sum = f.let(f32x4.add(at.load(memory), f32x4.mul(g, g)));
    at.store(memory, sum);
    const step = f32x4.div(f32x4.mul(lr, g), f32x4.add(f32x4.sqrt(f32x4.add(sum, inside)), outside));
    at.store(params, f32x4.sub(theta, v128.and(step, f32x4.unequal(g, 0))));
  });
}
