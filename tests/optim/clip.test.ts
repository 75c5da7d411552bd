import { describe, expect, it } from 'vitest';
import { clipByNorm, clipByValue, gradientNorm } from '../../src/optim/clip.ts';
import { dtypes, from, torch } from './support.ts';

describe('clipping', () => {
  it('follows PyTorch, all parameters as one flat block', () => {
    let compared = 0;
    for (const { fn, max_norm, clip_value, norm_type, total_norm, grads, clipped } of torch.clipping) {
      const flat = Float64Array.from(grads.flat(3));
      const p = norm_type === 'inf' ? Infinity : norm_type;
      if (fn === 'clip_grad_value_') clipByValue(flat, clip_value!);
      else {
        expect(gradientNorm(flat, p)).toBeCloseTo(total_norm!, 12);
        const norm = clipByNorm(flat, max_norm!, p);
        expect(Math.abs(norm - total_norm!)).toBeLessThanOrEqual(1e-12 * total_norm!);
      }
      for (const [i, want] of clipped.flat(3).entries()) {
        expect(Math.abs(flat[i] - want)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(want)));
        compared++;
      }
    }
    expect(torch.clipping).toHaveLength(15);
    expect(compared).toBeGreaterThan(100);
  });

  it.each(dtypes)('by value, by norm 2 (the default), and nothing where nothing is too large; %s', (dtype) => {
    const g = from(dtype, [3, -4, 0]);
    expect(clipByNorm(g, 10)).toBe(5);
    expect(Array.from(g)).toEqual([3, -4, 0]);
    expect(clipByNorm(g, 2.5)).toBe(5);
    expect(gradientNorm(g)).toBeCloseTo(2.5, 5);
    clipByValue(g, 1);
    expect(Array.from(g, (v) => +v.toFixed(4))).toEqual([1, -1, 0]);
    expect(gradientNorm(from(dtype, []))).toBe(0);
  });

  it('by norm where the powers of numbers are beyond float64', () => {
    for (const [p, norm] of [
      [1, 7e307],
      [2, 5e307],
      [3, 91 ** (1 / 3) * 1e307],
      [Infinity, 4e307],
    ]) {
      const g = Float64Array.of(3e307, -4e307, 0);
      expect(clipByNorm(g, 10, p) / norm).toBeCloseTo(1, 14);
      expect(gradientNorm(g, p)).toBeCloseTo(10, 13);
      expect(g[1] / g[0]).toBeCloseTo(-4 / 3, 14);
    }
    expect(gradientNorm(Float64Array.of(1, -Infinity))).toBe(Infinity);
    expect(gradientNorm(Float64Array.of(1e300, NaN))).toBeNaN();
  });

  it('by norm where the norm itself is beyond float64', () => {
    for (const p of [1, 2, 3]) {
      const g = Float64Array.of(1.5e308, -1.5e308, 0, 1.5e308);
      expect(clipByNorm(g, 10, p)).toBe(Infinity);
      expect(gradientNorm(g, p)).toBeCloseTo(10, 13);
      expect([g[1], g[2], g[3]]).toEqual([-g[0], 0, g[0]]);
    }
  });

  it.each([NaN, Infinity, -Infinity])('refuses a gradient with %f, and changes nothing', (bad) => {
    for (const dtype of dtypes) {
      const g = from(dtype, [1, 9, bad, -9]);
      const before = g.slice();
      const message = `grads[2] is ${bad}, expected a finite number`;
      expect(() => clipByValue(g, 5)).toThrow(RangeError(`clipByValue: ${message}`));
      for (const p of [1, 2, 3, Infinity])
        expect(() => clipByNorm(g, 5, p)).toThrow(RangeError(`clipByNorm: ${message}`));
      expect(g).toEqual(before);
    }
  });

  it.each([0, -1, NaN])('refuses a limit of %f', (bad) => {
    const g = Float64Array.of(9);
    expect(() => clipByValue(g, bad)).toThrow(RangeError(`clipByValue: limit is ${bad}, expected a number > 0`));
    expect(() => clipByNorm(g, bad)).toThrow(RangeError(`clipByNorm: maxNorm is ${bad}, expected a number > 0`));
    expect(() => clipByNorm(g, 1, bad)).toThrow(RangeError(`clipByNorm: p is ${bad}, expected a number ≥ 1`));
    expect(g[0]).toBe(9);
  });
});
