import type { sumOfSquares as SumOfSquares } from '../tensor/sum.ts';
import { f64, f64x2, type ModuleBuilder, v128 } from './assembler.ts';
import { forEachElement } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** Σ x², in float64, four sums side by side. */
export function sumKernels(w: WasmMemory): { sumOfSquares: typeof SumOfSquares } {
  const { call } = w;
  return { sumOfSquares: (x) => call.sumOfSquares(w.at('sumOfSquares', 'x', x, '[n]', x.length), x.length) };
}

export function emitSum(m: ModuleBuilder): void {
  m.function('sumOfSquares', ['i32', 'i32'], (f, [x, n]) => {
    const sums = [f.local('v128'), f.local('v128')];
    forEachElement(f, n, (at) => {
      const four = f.let(at.load(x));
      const halves = [f64x2.ofLowFloats(four), f64x2.ofLowFloats(v128.shuffle(four, four, [2, 3, 0, 1]))];
      halves.forEach((half, i) => {
        const two = f.let(half);
        f.set(sums[i], f64x2.add(sums[i], f64x2.mul(two, two)));
      });
    });
    const both = f.let(f64x2.add(sums[0], sums[1]));
    f.return(f64.add(f64.lane(both, 0), f64.lane(both, 1)));
  });
}
