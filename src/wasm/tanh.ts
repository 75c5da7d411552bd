import { type Expr, type FunctionBuilder, f32x4, type ModuleBuilder, v128 } from './assembler.ts';
import { emitElementwise, type FunctionKernels, functionKernels } from './elements.ts';
import { exp, polynomial, signOf } from './exp.ts';
import type { WasmMemory } from './memory.ts';

/** Of (tanh x − x)/x³ in x², highest power first (Cephes, tanhf). */
const COEFFICIENTS = [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1];

/**
 * tanh x: for |x| < 0.625 a polynomial, else 1 − 2/(e^(2|x|) + 1), both with the sign of x put back on; within 3 ulp.
 */
export function tanh(f: FunctionBuilder, x: Expr<'v128'>): Expr<'v128'> {
  const size = f.let(f32x4.abs(x));
  const square = f.let(f32x4.mul(size, size));
  const small = f.let(f32x4.add(size, f32x4.mul(f32x4.mul(size, square), polynomial(square, COEFFICIENTS))));
  const e = exp(f, f32x4.add(size, size));
  const large = f32x4.sub(1, f32x4.div(2, f32x4.add(e, 1)));
  return v128.or(v128.select(small, large, f32x4.less(size, 0.625)), signOf(x));
}

/** y = tanh x; dx = (1 − y²)·dy. */
export function tanhKernels(w: WasmMemory): FunctionKernels<'tanh'> {
  return functionKernels(w, 'tanh');
}

export function emitTanh(m: ModuleBuilder): void {
  emitElementwise(m, 'tanh', 2, 0, (f, at, [y, x]) => at.store(y, tanh(f, f.let(at.load(x)))));
}

export function emitTanhBackward(m: ModuleBuilder): void {
  emitElementwise(m, 'tanhBackward', 3, 0, (f, at, [dx, dy, y]) => {
    const value = f.let(at.load(y));
    at.store(dx, f32x4.mul(f32x4.sub(1, f32x4.mul(value, value)), at.load(dy)));
  });
}
