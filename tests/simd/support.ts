import { afterEach } from 'vitest';
import { type SimdMode, setSimd, simdCounts } from '../../src/simd/choice.ts';

/** Runs a call in a mode, and gives how many ways it took. */
export function waysOf(mode: SimdMode, call: () => void): { simd: number; plain: number } {
  const before = simdCounts();
  setSimd(mode);
  call();
  const after = simdCounts();
  return { simd: after.simd - before.simd, plain: after.plain - before.plain };
}

export const bySimd = { simd: 1, plain: 0 };
export const byLoops = { simd: 0, plain: 1 };

export function resetAfterEach(): void {
  afterEach(() => setSimd('auto'));
}
