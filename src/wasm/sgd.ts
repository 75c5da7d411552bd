import type * as optim from '../optim/sgd.ts';
import { f32x4, type ModuleBuilder } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/**
 * θ −= lr·(g + weightDecay·θ); with momentum v = keep·v + share·(g + weightDecay·θ), θ −= lr·v, or with Nesterov's
 * θ −= lr·(g + weightDecay·θ + momentum·v), a function of its own.
 */
export function sgdKernels(w: WasmMemory): Pick<typeof optim, 'momentumUpdate' | 'sgdUpdate'> {
  const { call } = w;
  return {
    sgdUpdate(params, grads, lr, weightDecay = 0) {
      const P = params.length;
      const paramsAt = w.at('sgdUpdate', 'params', params, '[P]', P);
      call.sgdUpdate(paramsAt, w.at('sgdUpdate', 'grads', grads, '[P]', P), P, lr, weightDecay);
    },
    momentumUpdate(params, grads, velocity, { lr, keep, share, momentum, nesterov, weightDecay }) {
      const fn = 'momentumUpdate';
      const P = params.length;
      const paramsAt = w.at(fn, 'params', params, '[P]', P);
      const gradsAt = w.at(fn, 'grads', grads, '[P]', P);
      const velocityAt = w.at(fn, 'velocity', velocity, '[P]', P);
      const update = nesterov ? call.nesterovUpdate : call.momentumUpdate;
      update(paramsAt, gradsAt, velocityAt, P, lr, keep, share, momentum, weightDecay);
    },
  };
}

export function emitSgd(m: ModuleBuilder): void {
  emitElementwise(m, 'sgdUpdate', 2, 2, (f, at, [params, grads], [lr, decay]) => {
    const theta = f.let(at.load(params));
    at.store(params, f32x4.sub(theta, f32x4.mul(lr, f32x4.add(at.load(grads), f32x4.mul(decay, theta)))));
  });
  for (const name of ['momentumUpdate', 'nesterovUpdate']) {
    emitElementwise(m, name, 3, 5, (f, at, [params, grads, velocity], [lr, keep, share, momentum, decay]) => {
      const theta = f.let(at.load(params));
      const g = f.let(f32x4.add(at.load(grads), f32x4.mul(decay, theta)));
      const v = f.let(f32x4.add(f32x4.mul(keep, at.load(velocity)), f32x4.mul(share, g)));
      at.store(velocity, v);
      const step = name === 'nesterovUpdate' ? f32x4.add(g, f32x4.mul(momentum, v)) : v;
      at.store(params, f32x4.sub(theta, f32x4.mul(lr, step)));
    });
  }
}
