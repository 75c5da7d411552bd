import { assertLength } from '../check/arrays.ts';
import type { sumAxis as SumAxis } from '../tensor/sum.ts';
import {
  type Expr,
  type FunctionBuilder,
  f32x4,
  f64,
  f64x2,
  i32,
  type Local,
  type ModuleBuilder,
  v128,
} from './assembler.ts';
import { forEachElement, forEachRow } from './elements.ts';
import type { WasmMemory } from './memory.ts';

/** y[o,i] = Σ_a x[o,a,i], the sums in float64. */
export function sumKernels(w: WasmMemory): { sumAxis: typeof SumAxis } {
  const { call } = w;
  return {
    sumAxis(y, x, outer, axis, inner) {
      const yAt = w.at('sumAxis', 'y', y, '[outer,inner]', outer, inner);
      assertLength('sumAxis', 'x', x, '[outer,axis,inner]', outer, axis, inner);
      call.sumAxis(yAt, w.at('sumAxis', 'x', x, '[n]', x.length), outer, axis, inner);
    },
  };
}

/** The sums in float64 of what four lanes hold: lanes 0 and 1 in the first, 2 and 3 in the second. */
type Sums = readonly [Local<'v128'>, Local<'v128'>];

/** Adds what `term` makes of the lanes, as float64, to the sums. */
function addTo(f: FunctionBuilder, sums: Sums, lanes: Local<'v128'>, term: (half: Expr<'v128'>) => Expr<'v128'>): void {
  [lanes, v128.shuffle(lanes, lanes, [2, 3, 0, 1])].forEach((half, i) => {
    f.set(sums[i], f64x2.add(sums[i], term(f.let(f64x2.ofLowFloats(half)))));
  });
}

/** Σ x² in float64, four sums side by side. */
export function sumOfSquares(f: FunctionBuilder, x: Local<'i32'>, n: Local<'i32'>): Expr<'f64'> {
  const sums = [f.local('v128'), f.local('v128')] as const;
  forEachElement(f, n, (at) => addTo(f, sums, f.let(at.load(x)), (half) => f64x2.mul(half, half)));
  const both = f.let(f64x2.add(...sums));
  return f64.add(f64.lane(both, 0), f64.lane(both, 1));
}

export function emitSum(m: ModuleBuilder): void {
  m.function('sumAxis', ['i32', 'i32', 'i32', 'i32', 'i32'], (f, [y, x, outer, axis, inner]) => {
    const sums = [f.local('v128'), f.local('v128')] as const;
    const from = f.int(0);
    const floats = f.int(i32.mul(axis, inner));
    const pointers = [[y, inner] as const, [x, floats] as const];
    forEachRow(f, outer, pointers, () => {
      forEachElement(f, inner, (at) => {
        f.set(from, x);
        for (const sum of sums) f.set(sum, 0);
        forEachRow(f, axis, [[from, inner]], () => addTo(f, sums, f.let(at.load(from)), (half) => half));
        at.store(y, v128.shuffle(f32x4.ofDoubles(sums[0]), f32x4.ofDoubles(sums[1]), [0, 1, 4, 5]));
      });
    });
  });
  m.function('sumOfSquares', ['i32', 'i32'], (f, [x, n]) => f.return(sumOfSquares(f, x, n)));
}
