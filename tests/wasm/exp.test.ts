import { describe, expect, it } from 'vitest';
import { exp } from '../../src/wasm/exp.ts';
import { elementwise, probes, worstUlps } from './support.ts';

describe('exp', () => {
  const kernel = elementwise(exp);

  it('is within 2 ulp from the denormals to the largest number', () => {
    const x = probes(100_001, [1, 20, 110]);
    expect(worstUlps(kernel(x), x, Math.exp)).toBeLessThanOrEqual(2);
  });

  it('keeps NaN, is ∞ beyond the largest and 0 beyond the smallest, in every lane and in the rest', () => {
    const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1e4, -1e4];
    const want = [Number.NaN, Infinity, 0, 1, 1, Infinity, 0];
    for (let at = 0; at < special.length; at++) {
      const turned = [...special.slice(at), ...special.slice(0, at)];
      expect([...kernel(Float32Array.from(turned))]).toEqual([...want.slice(at), ...want.slice(0, at)]);
    }
  });
});
