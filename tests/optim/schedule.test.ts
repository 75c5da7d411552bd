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
    expect(cosineDecay(1.7e308, 10)(0)).toBe(1.7e308);
    expect(cosineDecay(0, 10, 1.7e308)(0)).toBe(0);
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

  it('a warm-up of any length never exceeds its target, and reaches it', () => {
    const target = fc.double({ min: 0, max: 1e308, noNaN: true });
    const length = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.double({ min: 1, max: 300, noNaN: true }));
    fc.assert(
      fc.property(target, length, (target, length) => {
        const rate = warmUp(length, target);
        let last = 0;
        for (let step = 0; step < length + 2; step++) {
          const now = rate(step);
          expect(now).toBeLessThanOrEqual(target);
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        }
        expect(last).toBe(target);
        expect(rate(Math.ceil(length) - 1)).toBe(target);
      }),
    );
    expect(warmUp(3, 0.1)(2)).toBe(0.1); // 0.1·3/3 is 0.10000000000000002
    expect(warmUp(2.5, 1)(2)).toBe(1);
    expect(warmUp(10, 1e308)(4)).toBe(5e307); // nothing overflows on the way
  });

  it('says which step is none, and which schedule gives no rate', () => {
    for (const [rate, name] of [
      [stepDecay(1, 2, 0.5), 'stepDecay'],
      [cosineDecay(1, 2), 'cosineDecay'],
      [warmUp(2, 1), 'warmUp'],
    ] as const) {
      for (const bad of [NaN, -1, Infinity]) {
        expect(() => rate(bad)).toThrow(RangeError(`${name}: step is ${bad}, expected 0 ≤ step < Infinity`));
      }
    }
    for (const bad of [NaN, -1, Infinity, undefined as unknown as number]) {
      const rate = warmUp(2, (step) => (step === 3 ? bad : 1));
      expect(rate(4)).toBe(1);
      expect(() => rate(5)).toThrow(
        RangeError(`warmUp: the rate of the given schedule at step 3 is ${bad}, expected a finite number ≥ 0`),
      );
      expect(() => warmUp(2, () => bad)(0)).toThrow(`warmUp: the rate of the given schedule at step 0 is ${bad}`);
    }
    expect(() => stepDecay(0, 1, 10)(400)).toThrow(
      RangeError('stepDecay: the rate at step 400 is NaN, expected a finite number ≥ 0'),
    );
    expect(() => stepDecay(1, 1, 10)(400)).toThrow('stepDecay: the rate at step 400 is Infinity');
  });

  it.each([
    [() => stepDecay(-1, 2, 0.5), 'stepDecay: lr is -1'],
    [() => stepDecay(1, 0, 0.5), 'stepDecay: every is 0'],
    [() => stepDecay(1, 2, -0.5), 'stepDecay: gamma is -0.5'],
    [() => cosineDecay(NaN, 2), 'cosineDecay: lr is NaN'],
    [() => cosineDecay(1, 0), 'cosineDecay: steps is 0'],
    [() => cosineDecay(1, 2, -1), 'cosineDecay: end is -1'],
    [() => warmUp(0, 1), 'warmUp: steps is 0'],
    [() => warmUp(NaN, 1), 'warmUp: steps is NaN'],
    [() => warmUp(3, -1), 'warmUp: then is -1'],
    [() => warmUp(3, NaN), 'warmUp: then is NaN'],
    [() => warmUp(3, undefined as unknown as number), 'warmUp: then is undefined'],
    [() => warmUp('3' as unknown as number, 1), "warmUp: steps is '3'"],
  ])('refuse %s', (make, message) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(`${message}, expected `);
  });
});
