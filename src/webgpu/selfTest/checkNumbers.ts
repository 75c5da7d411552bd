import type { RandomState } from '../../tensor/random.ts';
import { U } from './check.ts';

/** The numbers and bounds that checks are made of. */

export type Floats = Float32Array<ArrayBuffer>;

/** Normal numbers. */
export function normal(random: RandomState, n: number, scale = 1): Floats {
  return Float32Array.from(random.normal(0, scale, n));
}

/** What an output that is only overwritten holds before. */
export const overwritten = (n: number): Floats => new Float32Array(n).fill(777);

export const abs = (x: Float64Array): Float64Array => x.map(Math.abs);
export const times = (x: ArrayLike<number>, factor: number): Float64Array => Float64Array.from(x, (v) => v * factor);

/** γ(k) = k·u/(1 − k·u), the bound on a chain of k rounded operations. */
export const gamma = (k: number): number => (k * U) / (1 - k * U);
