import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { log, log1pOf, logBackward, logOf } from '../../src/tensor/log.ts';
import { anySize, evenly, expectAccurate } from './accuracy.ts';
import * as exact from './bigReal.ts';
import { elementaryFunctions } from './goldens.ts';
import { dtypes, expectGolden, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('log, %s', (dtype) => {
  const positive = size.chain((n) => numbers(dtype, n, 1e30)).map((x) => x.map((v) => Math.abs(v) || 1));

  it('undoes exp, in place too', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const y = garbage(dtype, x.length);
        log(y, x);
        // ln x = 2·ln √x, exact where the two logarithms are.
        const want = Array.from(x, (v) => 2 * Math.log(Math.sqrt(v)));
        expectWithinBound(
          y,
          want,
          Array.from(want, (v) => Math.abs(v) + 1),
          4,
        );
        const same = x.slice();
        log(same, same);
        expect(same).toEqual(y);
      }),
    );
  });

  it('is −103 to −745 at the smallest denormal and infinite at infinity', () => {
    const smallest = dtype === 'float32' ? 2 ** -149 : 2 ** -1074;
    const y = garbage(dtype, 3);
    log(y, from(dtype, [smallest, 1, Infinity]));
    expect(y[0]).toBeCloseTo((dtype === 'float32' ? -149 : -1074) * Math.LN2, 4);
    expect(y[1]).toBe(0);
    expect(y[2]).toBe(Infinity);
  });

  it.each([0, -0, -1, Number.NaN])('rejects %d and writes nothing', (bad) => {
    const y = from(dtype, [7, 7]);
    expect(() => log(y, from(dtype, [1, bad]))).toThrow(new RangeError(`log: x[1] is ${bad}, expected a number > 0`));
    expect(y).toEqual(from(dtype, [7, 7]));
  });

  it('backward is dy/x, in place too', () => {
    fc.assert(
      fc.property(positive, (x) => {
        const dy = x.map((_, i) => i - 2.5);
        const dx = garbage(dtype, x.length);
        logBackward(dx, dy, x);
        expect(dx).toEqual(
          from(
            dtype,
            Array.from(dy, (g, i) => g / x[i]),
          ),
        );
        logBackward(dy, dy, x);
        expect(dy).toEqual(dx);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(log, 'y x', [two, two]);
    expectRejects(logBackward, 'dx dy x', [two, two, two]);
  });
});

describe('logOf', () => {
  it.each([
    ['around 1', evenly(0.5, 2)],
    ['next to 1', evenly(0.99, 1.01)],
    ['nearest to 1', anySize(-52, -8).map((x) => 1 + x)],
    ['of all sizes', anySize(-1074, 1023).map(Math.abs)],
  ])('is within half an ulp and a little, %s', (_, x) => {
    expectAccurate(logOf, exact.log, fc.tuple(x), 0.51);
  });

  it('is exact at the ends', () => {
    const x = [0, -0, 5e-324, 1, Number.MAX_VALUE, Infinity, -5e-324, -1, -Infinity, NaN];
    const want = [-Infinity, -Infinity, -744.4400719213812, 0, 709.782712893384, Infinity, NaN, NaN, NaN, NaN];
    expect(x.map(logOf)).toEqual(want);
  });
});

describe('log1pOf', () => {
  it.each([
    ['from 0', evenly(0, 3)],
    ['down to −1', evenly(-1, 0)],
    ['near 0', evenly(-0.01, 0.01)],
    ['of small numbers', anySize(-1074, -2)],
    ['of large numbers', anySize(0, 1023).map(Math.abs)],
  ])('is within half an ulp and a little, %s', (_, x) => {
    expectAccurate(log1pOf, (v) => exact.log(exact.ONE + v), fc.tuple(x), 0.51);
  });

  it('is exact at the ends', () => {
    const x = [0, -0, -1, 5e-324, Number.MAX_VALUE, Infinity, -1.5, -Infinity, NaN];
    expect(x.map(log1pOf)).toEqual([0, -0, -Infinity, 5e-324, 709.782712893384, Infinity, NaN, NaN, NaN]);
  });
});

it('log agrees with NumPy', () => {
  const y = new Float64Array(elementaryFunctions.x.length);
  log(y, Float64Array.from(elementaryFunctions.x, Math.abs));
  for (const [i, v] of y.entries()) expectGolden([v], [elementaryFunctions.log_abs[i]], 1e-14);
});
