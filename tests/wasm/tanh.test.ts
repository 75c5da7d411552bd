import { describe, expect, it } from 'vitest';
import { tanh } from '../../src/wasm/tanh.ts';
import { Draw, elementwise, probes, worstUlps } from './support.ts';

describe('tanh', () => {
  const kernel = elementwise(tanh);

  it('is within 3 ulp from −3e38 to 3e38', () => {
    const x = probes(50_001, [1, 20, 2e4]);
    expect(worstUlps(kernel(x), x, Math.tanh)).toBeLessThanOrEqual(3);
  });

  it('keeps NaN and the sign of zero, and ends in ±1, in every lane and in the rest', () => {
    const special = Float32Array.of(Number.NaN, Infinity, -Infinity, -0, 0, Number.NaN, -Infinity);
    expect([...kernel(special)]).toEqual([Number.NaN, 1, -1, -0, 0, Number.NaN, -1]);
  });

  it('gives an element the same bits wherever it is', () => {
    const x = new Draw(1).floats(1001, 5);
    const y = kernel(x);
    for (let i = 0; i < 1001; i++) expect(kernel(x.subarray(i, i + 1))[0]).toBe(y[i]);
  });
});
