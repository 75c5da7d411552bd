/** `auto`: WebAssembly SIMD where it pays; `always`: wherever it can be had; `never`: the plain loops. */
export type SimdMode = 'auto' | 'always' | 'never';

const MODES: readonly SimdMode[] = ['auto', 'always', 'never'];

let mode: SimdMode = 'auto';
const counts = { simd: 0, plain: 0 };

/**
 * Which way the functions of `bptt/tensor` go that have two: the products, tanh, sigmoid, exp and softmax. `auto` at first.
 * float64 always takes the plain loops, and so does everything where the host has no WebAssembly SIMD.
 *
 * @throws {RangeError} on an unknown mode.
 */
export function setSimd(next: SimdMode): void {
  if (!MODES.includes(next)) throw new RangeError(`setSimd: mode is ${String(next)}, expected ${MODES.join(', ')}`);
  mode = next;
}

/** How many calls of these functions have gone each way; a product's backward is two of them. */
export function simdCounts(): { simd: number; plain: number } {
  return { ...counts };
}

/** Whether a call that is so much work should go by SIMD if it can. */
export function wantsSimd(work: number, enough: number): boolean {
  return mode === 'always' || (mode === 'auto' && work >= enough);
}

/** Notes which way a call went. */
export function count(bySimd: boolean): void {
  counts[bySimd ? 'simd' : 'plain']++;
}
