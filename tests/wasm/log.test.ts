import { describe, expect, it } from 'vitest';
import { log, log1p } from '../../src/wasm/log.ts';
import { elementwise, probes, ulp, worstUlps } from './support.ts';

/** Every 4099th float from the smallest to the largest. */
const everySize = new Float32Array(Int32Array.from({ length: 521_000 }, (_, i) => 1 + 4099 * i).buffer);

describe('log', () => {
  const kernel = elementwise(log);

  it('is within an ulp at every size, denormals too', () => {
    expect(everySize.at(-1)).toBeGreaterThan(1e38);
    expect(worstUlps(kernel(everySize), everySize, Math.log)).toBeLessThanOrEqual(1);
  });

  it('is within an ulp around 1, where it is small itself', () => {
    const x = Float32Array.from({ length: 100_000 }, (_, i) => 0.7 + i * 8e-6);
    expect(worstUlps(kernel(x), x, Math.log)).toBeLessThanOrEqual(1);
  });

  it('keeps NaN and +∞, is −∞ at 0 and NaN below, in every lane and in the rest', () => {
    const special = [0, -0, -1, -(2 ** -149), Infinity, -Infinity, Number.NaN];
    const want = [-Infinity, -Infinity, Number.NaN, Number.NaN, Infinity, Number.NaN, Number.NaN];
    for (let at = 0; at < special.length; at++) {
      const turned = [...special.slice(at), ...special.slice(0, at)];
      expect([...kernel(Float32Array.from(turned))]).toEqual([...want.slice(at), ...want.slice(0, at)]);
    }
  });
});

describe('log1p', () => {
  const kernel = elementwise(log1p);

  it('is within 4 ulp, for numbers too small to be seen beside 1 as well', () => {
    const x = probes(50_001, [1, 100]).filter((v) => v > -1);
    expect(worstUlps(kernel(x), x, Math.log1p)).toBeLessThanOrEqual(4);
    expect(worstUlps(kernel(everySize), everySize, Math.log1p)).toBeLessThanOrEqual(4);
    expect(kernel(Float32Array.of(2 ** -149, -1e-20))).toEqual(Float32Array.of(ulp(0), -1e-20));
  });

  it('is −∞ at −1 and NaN below', () => {
    expect([...kernel(Float32Array.of(-1, -1.5, Number.NaN))]).toEqual([-Infinity, Number.NaN, Number.NaN]);
  });
});
