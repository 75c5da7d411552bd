import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { log, logBackward } from '../../src/tensor/log.ts';
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

it('log agrees with NumPy', () => {
  const y = new Float64Array(elementaryFunctions.x.length);
  log(y, Float64Array.from(elementaryFunctions.x, Math.abs));
  for (const [i, v] of y.entries()) expectGolden([v], [elementaryFunctions.log_abs[i]], 1e-14);
});
