import { describe, expect, it } from 'vitest';
import { drawDropoutMask } from '../../src/layers/dropout.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { dtypes, garbage } from './support.ts';

describe.each(dtypes)('dropout mask, %s', (dtype) => {
  it('one uniform an element: 0 below the rate, else 1/(1 − rate)', () => {
    const mask = garbage(dtype, 1000);
    drawDropoutMask(mask, 0.2, new RandomState(3));
    const uniforms = new RandomState(3).randomSample(1000);
    expect(Array.from(mask)).toEqual(Array.from(garbage(dtype, 1000).map((_, i) => (uniforms[i] < 0.2 ? 0 : 1.25))));
    const dropped = mask.filter((m) => m === 0).length;
    expect(dropped).toBeGreaterThan(150);
    expect(dropped).toBeLessThan(250);
  });

  it('rate 0 drops nothing', () => {
    const mask = garbage(dtype, 100);
    drawDropoutMask(mask, 0, new RandomState(3));
    expect(mask.every((m) => m === 1)).toBe(true);
  });

  it.each([-0.1, 1, NaN, Infinity])('refuses a rate of %f', (rate) => {
    const mask = garbage(dtype, 2).fill(7);
    const message = `drawDropoutMask: rate is ${rate}, expected 0 ≤ rate < 1`;
    expect(() => drawDropoutMask(mask, rate, new RandomState(0))).toThrow(RangeError(message));
    expect(Array.from(mask)).toEqual([7, 7]);
  });
});
