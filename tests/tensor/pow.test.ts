import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { powOf } from '../../src/tensor/pow.ts';
import { anySize, evenly, expectAccurate } from './accuracy.ts';
import * as exact from './bigReal.ts';

describe('powOf', () => {
  /** Bases of all sizes, and next to 1, to powers that make results of up to e^±limit. */
  const limited = (limit: number): fc.Arbitrary<[number, number]> =>
    fc
      .tuple(fc.oneof(anySize(-1074, 1023).map(Math.abs), evenly(0.99, 1.01)), evenly(-limit, limit))
      .filter(([x]) => x !== 1)
      .map(([x, logarithm]) => [x, logarithm / Math.log(x)]);

  it.each([
    [50, 0.6],
    [708, 3],
  ])('up to e^±%d is within %d ulp', (limit, ulps) => {
    expectAccurate(powOf, exact.pow, limited(limit), ulps);
  });

  it('is exact for whole powers that are', () => {
    for (let n = -1074; n < 1024; n++) expect(powOf(2, n)).toBe(2 ** n);
    for (const base of [3, 5, 7, 10]) {
      for (let n = 0, power = 1; power < 2 ** 53; n++, power *= base) expect(powOf(base, n)).toBe(power);
    }
    expect([powOf(0.5, 3), powOf(1, 1e300), powOf(5e-324, 1), powOf(2, 0.5)]).toEqual([0.125, 1, 5e-324, Math.SQRT2]);
  });

  it('has the limits of ** at the ends', () => {
    const values = [0, 5e-324, 0.5, 2, 1e300, Infinity, NaN];
    for (const x of values) {
      for (const y of [-Infinity, -1e5, -2, 0, 2, 1e5, Infinity, NaN]) {
        if (x === 5e-324 && y === -2) continue; // 2^2148
        expect([x, y, powOf(x, y)]).toEqual([x, y, x ** y]);
      }
    }
    expect([powOf(-1, 2), powOf(-0, 3)]).toEqual([NaN, 0]);
  });
});
