import type { OptimKernels } from '../bptt/engine.ts';
import { f32, f32x4, f64, type ModuleBuilder, v128 } from './assembler.ts';
import { forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';
import { notFinite } from './notFinite.ts';
import { sumOfSquares } from './sum.ts';

/** g = min(max(g, −limit), limit) of what is finite; g·min(1, maxNorm/(‖g‖ + 1e-6)), the norm in float64. */
export function clipKernels(w: WasmMemory): Pick<OptimKernels, 'clipByValue' | 'clipByNorm'> {
  const { call } = w;
  return {
    clipByValue(grads, limit) {
      const gradsAt = w.at('clipByValue', 'grads', grads, '[P]', grads.length);
      if (!(limit > 0)) throw new RangeError(`clipByValue: limit is ${limit}, expected a number > 0`);
      return call.clipByValue(gradsAt, grads.length, limit) === 0;
    },
    clipByNorm(grads, maxNorm) {
      const gradsAt = w.at('clipByNorm', 'grads', grads, '[P]', grads.length);
      if (!(maxNorm > 0)) throw new RangeError(`clipByNorm: maxNorm is ${maxNorm}, expected a number > 0`);
      return call.clipByNorm(gradsAt, grads.length, maxNorm);
    },
  };
}

export function emitClip(m: ModuleBuilder): void {
  m.function('clipByValue', ['i32', 'i32', 'f32'], (f, [grads, n, limit]) => {
    const high = f.let(f32x4.splat(limit));
    const low = f.let(f32x4.neg(high));
    const anyBad = f.local('v128');
    forEachElement(f, n, (at) => {
      const g = f.let(at.load(grads));
      const bad = f.let(notFinite(g));
      f.set(anyBad, v128.or(anyBad, at.lanes(bad, 0)));
      at.store(grads, v128.select(g, f32x4.pmin(f32x4.pmax(g, low), high), bad));
    });
    f.return(v128.anyTrue(anyBad));
  });
  m.function('clipByNorm', ['i32', 'i32', 'f32'], (f, [grads, n, maxNorm]) => {
    const norm = f.let(f64.sqrt(sumOfSquares(f, grads, n)));
    const factor = f.let(f64.div(f64.ofFloat(maxNorm), f64.add(norm, 1e-6)));
    f.if(f64.lessThan(factor, 1), () => {
      // In two factors: the norm of a gradient that exploded may leave float32, and so may one over it.
      const root = f.let(f32.ofDouble(f64.sqrt(factor)));
      const rest = f.let(f32x4.splat(f32.ofDouble(f64.div(factor, f64.ofFloat(root)))));
      const first = f.let(f32x4.splat(root));
      forEachElement(f, n, (at) => at.store(grads, f32x4.mul(f32x4.mul(at.load(grads), first), rest)));
    });
    f.return(norm);
  });
}
