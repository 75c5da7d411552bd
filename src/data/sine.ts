import { assertPositive } from '../check/numbers.ts';
import { assertOneOf } from '../check/values.ts';
import { cosOf, sinOf } from '../tensor/sin.ts';

/** Inputs S and targets T of `B` = 2 sequences of `D` = 2 features over `steps` time steps. */
export interface SineData {
  readonly S: Float64Array;
  readonly T: Float64Array;
  readonly steps: number;
  readonly B: 2;
  readonly D: 2;
}

/** [B,steps,D] as in the notebook, or [steps,B,D] as the loops over time want it. */
export type SineLayout = 'batch-first' | 'time-first';

/**
 * The sine and cosine of x = 0, step, 2·step, … < 2π, and a second sequence that lags one step behind the first.
 *
 * The target is the input rolled by one along time: what a net has to say is the *previous* input, and at the first step,
 * unknowably, the last one.
 *
 * @throws {RangeError} when step is not in (0, 2π], or so small that there would be more than 10⁷ steps.
 */
export function sineData(step = 0.2, layout: SineLayout = 'batch-first'): SineData {
  assertPositive('sineData', 'step', step);
  const steps = Math.ceil((2 * Math.PI) / step);
  assertOneOf('sineData', 'layout', layout, ['batch-first', 'time-first']);
  if (!(steps >= 1 && steps <= 1e7)) {
    throw new RangeError(`sineData: step is ${step}, expected a positive number that makes 1 to 10000000 steps`);
  }
  const [strideT, strideB] = layout === 'batch-first' ? [2, steps * 2] : [4, 2];
  const S = new Float64Array(steps * 4);
  const T = new Float64Array(steps * 4);
  for (let t = 0; t < steps; t++) {
    const sin = sinOf(t * step);
    const cos = cosOf(t * step);
    const next = (t + 1) % steps;
    const afterNext = (t + 2) % steps;
    // x_t is the first input at t; rolled once it is the second input and the first target, rolled twice the second target
    put(S, t * strideT, sin, cos);
    put(S, next * strideT + strideB, sin, cos);
    put(T, next * strideT, sin, cos);
    put(T, afterNext * strideT + strideB, sin, cos);
  }
  return { S, T, steps, B: 2, D: 2 };
}

function put(a: Float64Array, at: number, sin: number, cos: number): void {
  a[at] = sin;
  a[at + 1] = cos;
}
