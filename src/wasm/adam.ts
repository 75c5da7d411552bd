import type { adamUpdate as AdamUpdate } from '../optim/adam.ts';
import { f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/**
 * g += coupled·θ, m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g², v̂ = v or the largest so far,
 * θ = shrink·θ − size·m/(√v̂/root + eps).
 */
export function adamKernels(w: WasmMemory): { adamUpdate: typeof AdamUpdate } {
  const { call } = w;
  return {
    adamUpdate(params, grads, m, v, vMax, { beta1, beta2, eps, coupled, shrink, size, root }) {
      const fn = 'adamUpdate';
      const P = params.length;
      const paramsAt = w.at(fn, 'params', params, '[P]', P);
      const gradsAt = w.at(fn, 'grads', grads, '[P]', P);
      const mAt = w.at(fn, 'm', m, '[P]', P);
      const vAt = w.at(fn, 'v', v, '[P]', P);
      const vMaxAt = w.at(fn, 'vMax', vMax, '[P]', P);
      const update = vMax === v ? call.adamUpdate : call.amsgradUpdate;
      update(
        paramsAt,
        gradsAt,
        mAt,
        vAt,
        vMaxAt,
        P,
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        eps,
        coupled,
        shrink,
        size,
        root,
      );
    },
  };
}

export function emitAdam(module: ModuleBuilder): void {
  for (const name of ['adamUpdate', 'amsgradUpdate']) {
    emitElementwise(module, name, 5, 9, (f, at, [params, grads, m, v, vMax], numbers) => {
      const [beta1, rest1, beta2, rest2, eps, coupled, shrink, size, root] = numbers;
      const theta = f.let(at.load(params));
      const g = f.let(f32x4.add(at.load(grads), f32x4.mul(coupled, theta)));
      const mean = f.let(f32x4.add(f32x4.mul(beta1, at.load(m)), f32x4.mul(rest1, g)));
      const square = f.let(f32x4.add(f32x4.mul(beta2, at.load(v)), f32x4.mul(f32x4.mul(rest2, g), g)));
      at.store(m, mean);
      at.store(v, square);
      if (name === 'amsgradUpdate') {
        f.set(square, f32x4.max(at.load(vMax), square));
        at.store(vMax, square);
      }
      const step = f32x4.div(f32x4.mul(size, mean), f32x4.add(f32x4.div(f32x4.sqrt(square), root), eps));
      at.store(params, f32x4.sub(f32x4.mul(shrink, theta), v128.and(step, f32x4.unequal(mean, 0))));
    });
  }
}
