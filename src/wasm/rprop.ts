import type * as optim from '../optim/rprop.ts';
import { type Expr, f32x4, type Local, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise } from './elements.ts';
import { signOf } from './exp.ts';
import type { WasmMemory } from './memory.ts';

/**
 * notebookRprop: δ *= sign(g) = sign before ? η⁺ : η⁻, θ −= sign(g)·δ. rprop: δ = clamp(δ·(signs agree ? η⁺ : differ ?
 * η⁻ : 1)), g = 0 where they differ, θ −= sign(g)·δ.
 */
export function rpropKernels(w: WasmMemory): Pick<typeof optim, 'notebookRpropUpdate' | 'rpropUpdate'> {
  const { call } = w;
  return {
    notebookRpropUpdate(params, grads, deltas, signs, etaPlus, etaMinus) {
      const fn = 'notebookRpropUpdate';
      const P = params.length;
      const paramsAt = w.at(fn, 'params', params, '[P]', P);
      const gradsAt = w.at(fn, 'grads', grads, '[P]', P);
      const deltasAt = w.at(fn, 'deltas', deltas, '[P]', P);
      call[fn](paramsAt, gradsAt, deltasAt, w.at(fn, 'signs', signs, '[P]', P), P, etaPlus, etaMinus);
    },
    rpropUpdate(params, grads, deltas, previous, etaPlus, etaMinus, minStep, maxStep) {
      const fn = 'rpropUpdate';
      const P = params.length;
      const paramsAt = w.at(fn, 'params', params, '[P]', P);
      const gradsAt = w.at(fn, 'grads', grads, '[P]', P);
      const deltasAt = w.at(fn, 'deltas', deltas, '[P]', P);
      const previousAt = w.at(fn, 'previous', previous, '[P]', P);
      call[fn](paramsAt, gradsAt, deltasAt, previousAt, P, etaPlus, etaMinus, minStep, maxStep);
    },
  };
}

/** −1, 0 or 1; NaN stays NaN. */
function sign(x: Local<'v128'>): Expr<'v128'> {
  return v128.select(v128.or(signOf(x), 1), x, f32x4.greater(f32x4.abs(x), 0));
}

export function emitRprop(m: ModuleBuilder): void {
  emitElementwise(m, 'notebookRpropUpdate', 4, 2, (f, at, [params, grads, deltas, signs], [etaPlus, etaMinus]) => {
    const s = f.let(sign(f.let(at.load(grads))));
    const factor = v128.select(etaPlus, etaMinus, f32x4.equal(s, at.load(signs)));
    const delta = f.let(f32x4.mul(at.load(deltas), factor));
    at.store(deltas, delta);
    at.store(signs, s);
    at.store(params, f32x4.sub(at.load(params), f32x4.mul(s, delta)));
  });
  emitElementwise(m, 'rpropUpdate', 4, 4, (f, at, [params, grads, deltas, previous], numbers) => {
    const [etaPlus, etaMinus, least, most] = numbers;
    const g = f.let(at.load(grads));
    const agreement = f.let(f32x4.mul(sign(g), sign(f.let(at.load(previous)))));
    const changed = f.let(f32x4.less(agreement, 0));
    const factor = v128.select(etaPlus, v128.select(etaMinus, 1, changed), f32x4.greater(agreement, 0));
    const grown = f32x4.mul(at.load(deltas), factor);
    const delta = f.let(f32x4.firstMin(f32x4.firstMax(grown, least), most));
    at.store(deltas, delta);
    f.set(g, v128.select(0, g, changed));
    at.store(previous, g);
    at.store(params, f32x4.sub(at.load(params), f32x4.mul(sign(g), delta)));
  });
}
