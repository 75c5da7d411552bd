import type { OptimKernels } from '../bptt/engine.ts';
import { type Expr, i32x4, type Local, type ModuleBuilder, v128 } from './assembler.ts';
import { forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** Ones in the lanes of an infinity or NaN: their exponents are all ones, as those of infinity are. */
export function notFinite(x: Local<'v128'>): Expr<'v128'> {
  return i32x4.equal(v128.and(x, Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
}

export function finiteKernels(w: WasmMemory): Pick<OptimKernels, 'isFinite'> {
  return {
    isFinite: (values) =>
      w.call.notFinite(w.at('isFinite', 'values', values, '[n]', values.length), values.length) === 0,
  };
}

/** Whether an array holds what is not finite, 0 or 1. */
export function emitNotFinite(m: ModuleBuilder): void {
  m.function('notFinite', ['i32', 'i32'], (f, [x, n]) => {
    const bad = f.local('v128');
    forEachElement(f, n, (at) => f.set(bad, v128.or(bad, at.lanes(notFinite(f.let(at.load(x))), 0))));
    f.return(v128.anyTrue(bad));
  });
}
