import type { rmspropUpdate as RmspropUpdate } from '../optim/rmsprop.ts';
import { f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/**
 * g += weightDecay·θ, v = α·v + (1 − α)·g², a = α·a + (1 − α)·g where centered, b = momentum·b + g/(√(v − a²) + eps),
 * θ −= lr·b. Centered and not are two functions.
 */
export function rmspropKernels(w: WasmMemory): { rmspropUpdate: typeof RmspropUpdate } {
  const { call } = w;
  return {
    rmspropUpdate(params, grads, square, average, buffer, { lr, alpha, eps, momentum, centered, weightDecay }) {
      const fn = 'rmspropUpdate';
      const P = params.length;
      const paramsAt = w.at(fn, 'params', params, '[P]', P);
      const gradsAt = w.at(fn, 'grads', grads, '[P]', P);
      const squareAt = w.at(fn, 'square', square, '[P]', P);
      const averageAt = w.at(fn, 'average', average, '[P]', P);
      const bufferAt = w.at(fn, 'buffer', buffer, '[P]', P);
      const update = centered ? call.centeredRmspropUpdate : call.rmspropUpdate;
      const numbers = [lr, alpha, 1 - alpha, eps, momentum, weightDecay];
      update(paramsAt, gradsAt, squareAt, averageAt, bufferAt, P, ...numbers);
    },
  };
}

export function emitRmsprop(m: ModuleBuilder): void {
  for (const name of ['rmspropUpdate', 'centeredRmspropUpdate']) {
    emitElementwise(m, name, 5, 6, (f, at, [params, grads, square, average, buffer], numbers) => {
      const [lr, alpha, rest, eps, momentum, decay] = numbers;
      const theta = f.let(at.load(params));
      const g = f.let(f32x4.add(at.load(grads), f32x4.mul(decay, theta)));
      const variance = f.let(f32x4.add(f32x4.mul(alpha, at.load(square)), f32x4.mul(f32x4.mul(rest, g), g)));
      at.store(square, variance);
      if (name === 'centeredRmspropUpdate') {
        const a = f.let(f32x4.add(f32x4.mul(alpha, at.load(average)), f32x4.mul(rest, g)));
        at.store(average, a);
        // v − a² ≥ 0 on paper; rounding may leave it a hair below.
        f.set(variance, f32x4.max(f32x4.sub(variance, f32x4.mul(a, a)), 0));
      }
      const d = v128.and(f32x4.div(g, f32x4.add(f32x4.sqrt(variance), eps)), f32x4.unequal(g, 0));
      const b = f.let(f32x4.add(f32x4.mul(momentum, at.load(buffer)), d));
      at.store(buffer, b);
      at.store(params, f32x4.sub(theta, f32x4.mul(lr, b)));
    });
  }
}
