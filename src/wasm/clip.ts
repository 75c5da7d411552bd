import type { OptimKernels } from '../bptt/engine.ts';
import { f32, f32x4, f64, type ModuleBuilder } from './assembler.ts';
import { emitElementwise, forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';
import { sumOfSquares } from './sum.ts';

/** y = min(max(x, low), high), NaN stays NaN; g·min(1, maxNorm/(‖g‖ + 1e-6)), the norm in float64. */
export function clipKernels(w: WasmMemory): Pick<OptimKernels, 'clip' | 'clipByNorm'> {
  const { call } = w;
  return {
    clip(y, x, low, high) {
      const yAt = w.at('clip', 'y', y, '[n]', y.length);
      const xAt = w.at('clip', 'x', x, '[n]', y.length);
      if (!(low <= high)) throw new RangeError(`clip: low is ${low} and high is ${high}, expected low ≤ high`);
      call.clip(yAt, xAt, y.length, low, high);
    },
    clipByNorm(grads, maxNorm) {
      const gradsAt = w.at('clipByNorm', 'grads', grads, '[P]', grads.length);
      if (!(maxNorm > 0)) throw new RangeError(`clipByNorm: maxNorm is ${maxNorm}, expected a number > 0`);
      return call.clipByNorm(gradsAt, grads.length, maxNorm);
    },
  };
}

export function emitClip(m: ModuleBuilder): void {
  emitElementwise(m, 'clip', 2, 2, (_, at, [y, x], [low, high]) => {
    at.store(y, f32x4.pmin(f32x4.pmax(at.load(x), low), high));
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
