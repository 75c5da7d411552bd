import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosineDecay, stepDecay, warmUp } from '../../src/optim/schedule.ts';

describe('schedules', () => {
  it('step decay: lr·γ^⌊step/every⌋', () => {
    const rate = stepDecay(0.8, 3, 0.5);
    expect([0, 1, 2, 3, 5, 6, 9].map(rate)).toEqual([0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.1]);
  });

  it('cosine: from lr over the middle to the end, and stays there', () => {
    const rate = cosineDecay(1, 10, 0.2);
    expect([0, 5, 10, 11, 1e9].map((step) => +rate(step).toFixed(12))).toEqual([1, 0.6, 0.2, 0.2, 0.2]);
    expect(rate(2.5)).toBeCloseTo(0.2 + 0.4 * (1 + Math.SQRT1_2), 12);
    expect(cosineDecay(1, 10)(10)).toBe(0);
    fc.assert(
      fc.property(fc.nat({ max: 99 }), (step) => {
        const falling = cosineDecay(3, 100, 1);
        expect(falling(step + 1)).toBeLessThanOrEqual(falling(step));
      }),
    );
  });

  it('warm-up: a straight rise, then the schedule from its start', () => {
    expect([0, 1, 2, 3, 4, 100].map(warmUp(4, 0.8))).toEqual([0.2, 0.4, 0.6000000000000001, 0.8, 0.8, 0.8]);
    const then = warmUp(2, stepDecay(1, 2, 0.5));
    expect([0, 1, 2, 3, 4, 5, 6].map(then)).toEqual([0.5, 1, 1, 1, 0.5, 0.5, 0.25]);
  });

  it.each([
    [() => stepDecay(-1, 2, 0.5), 'stepDecay: lr is -1'],
    [() => stepDecay(1, 0, 0.5), 'stepDecay: every is 0'],
    [() => stepDecay(1, 2, -0.5), 'stepDecay: gamma is -0.5'],
    [() => cosineDecay(NaN, 2), 'cosineDecay: lr is NaN'],
    [() => cosineDecay(1, 0), 'cosineDecay: steps is 0'],
    [() => cosineDecay(1, 2, -1), 'cosineDecay: end is -1'],
    [() => warmUp(0, 1), 'warmUp: steps is 0'],
  ])('refuse %s', (make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(`${message}, expected `);
  });
});
