import { type Expr, type FunctionBuilder, f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise, type FunctionKernels, functionKernels } from './elements.ts';
import { exp } from './exp.ts';
import type { WasmMemory } from './memory.ts';

/**
 * σ(x) with e = e^(−|x|): 1/(1 + e) for x ≥ 0, e/(1 + e) for x < 0, so that nothing overflows and the small end keeps its
 * digits; within 4 ulp.
 */
export function sigmoid(f: FunctionBuilder, x: Expr<'v128'>): Expr<'v128'> {
  return sigmoidFrom(x, f.let(exp(f, f32x4.neg(f32x4.abs(x)))));
}

/** The same where e = e^(−|x|) is at hand. */
export function sigmoidFrom(x: Expr<'v128'>, e: Expr<'v128'>): Expr<'v128'> {
  return f32x4.div(v128.select(e, 1, f32x4.less(x, 0)), f32x4.add(e, 1));
}

/** The derivative of σ where it gave y: y(1 − y). */
export function sigmoidSlope(y: Expr<'v128'>): Expr<'v128'> {
  return f32x4.mul(y, f32x4.sub(1, y));
}

export function sigmoidKernels(w: WasmMemory): FunctionKernels<'sigmoid'> {
  return functionKernels(w, 'sigmoid');
}

export function emitSigmoid(m: ModuleBuilder): void {
  emitElementwise(m, 'sigmoid', 2, 0, (f, at, [y, x]) => at.store(y, sigmoid(f, f.let(at.load(x)))));
  emitElementwise(m, 'sigmoidBackward', 3, 0, (f, at, [dx, dy, y]) => {
    at.store(dx, f32x4.mul(sigmoidSlope(f.let(at.load(y))), at.load(dy)));
  });
}
