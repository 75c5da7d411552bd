import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exp, expBackward, expOf } from '../../src/tensor/exp.ts';
import { anySize, evenly, expectAccurate } from './accuracy.ts';
import * as exact from './bigReal.ts';
import { elementaryFunctions } from './goldens.ts';
import { dtypes, expectGolden, expectRejects, expectWithinBound, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('exp, %s', (dtype) => {
  it('is e to the power, in place too', () => {
    fc.assert(
      fc.property(
        size.chain((n) => numbers(dtype, n, 80)),
        (x) => {
          const y = garbage(dtype, x.length);
          exp(y, x);
          // e^x = (e^(x/8))^8: the eighth power multiplies the error of one exponential by eight.
          const want = Array.from(x, (v) => Math.exp(v / 8) ** 8);
          expectWithinBound(y, want, want, dtype === 'float32' ? 2 : 16);
          const same = x.slice();
          exp(same, same);
          expect(same).toEqual(y);
        },
      ),
    );
  });

  it('goes to 0, 1 and infinity at the ends', () => {
    const y = garbage(dtype, 6);
    exp(y, from(dtype, [-1e4, -Infinity, -0, 0, 1e4, Infinity]));
    expect(y).toEqual(from(dtype, [0, 0, 1, 1, Infinity, Infinity]));
  });

  it('backward is y·dy, in place too', () => {
    fc.assert(
      fc.property(
        size.chain((n) => fc.tuple(numbers(dtype, n), numbers(dtype, n))),
        ([dy, y]) => {
          const dx = garbage(dtype, dy.length);
          expBackward(dx, dy, y);
          expect(dx).toEqual(
            from(
              dtype,
              Array.from(dy, (g, i) => g * y[i]),
            ),
          );
          const same = dy.slice();
          expBackward(same, same, y);
          expect(same).toEqual(dx);
        },
      ),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(exp, 'y x', [two, two]);
    expectRejects(expBackward, 'dx dy y', [two, two, two]);
  });
});

describe('expOf', () => {
  it.each([
    ['around 0', evenly(-1, 1), 0.51],
    ['of tiny numbers', anySize(-1074, -5), 0.51],
    ['of all normal results', evenly(-708.3, 709.78), 0.51],
    ['near the largest', evenly(699, 709.78), 0.51],
    ['of denormal results', evenly(-745.1, -708.4), 0.76],
  ])('is within half an ulp and a little, %s', (_, x, ulps) => {
    expectAccurate(expOf, exact.exp, fc.tuple(x), ulps);
  });

  it('is exact at the ends', () => {
    const x = [0, -0, 709.782712893384, 709.7827128933841, Infinity, -745.13, -745.1332191019412, -Infinity, NaN];
    const want = [1, 1, 1.7976931348622732e308, Infinity, Infinity, 5e-324, 0, 0, NaN];
    expect(x.map(expOf)).toEqual(want);
  });
});

it('exp agrees with NumPy', () => {
  const y = new Float64Array(elementaryFunctions.x.length);
  exp(y, Float64Array.from(elementaryFunctions.x));
  for (const [i, v] of y.entries()) expectGolden([v], [elementaryFunctions.exp[i]], 1e-14);
});
