import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tanh, tanhBackward, tanhOf } from '../../src/tensor/tanh.ts';
import { anySize, evenly, expectAccurate } from './accuracy.ts';
import * as exact from './bigReal.ts';
import { elementaryFunctions } from './goldens.ts';
import {
  dtypes,
  expectGolden,
  expectRejects,
  expectWithinBound,
  extremes,
  from,
  garbage,
  numbers,
  size,
} from './support.ts';

describe.each(dtypes)('tanh, %s', (dtype) => {
  const arrays = size.chain((n) => numbers(dtype, n));

  it('is 1 − 2/(e^2x + 1), in place too', () => {
    fc.assert(
      fc.property(arrays, (x) => {
        const y = garbage(dtype, x.length);
        tanh(y, x);
        // e^2x − 1 without the cancellation near 0.
        const want = Array.from(x, (v) => Math.expm1(2 * v) / (Math.expm1(2 * v) + 2));
        expectWithinBound(y, want, want.map(Math.abs), 10);
        const same = x.slice();
        tanh(same, same);
        expect(same).toEqual(y);
      }),
    );
  });

  it('is odd, stays in [−1, 1], saturates without NaN and keeps denormals and −0', () => {
    const x = from(dtype, extremes);
    const y = garbage(dtype, x.length);
    tanh(y, x);
    const mirrored = garbage(dtype, x.length);
    tanh(
      mirrored,
      x.map((v) => -v),
    );
    expect(mirrored).toEqual(y.map((v) => -v));
    expect(y.every((v) => Math.abs(v) <= 1)).toBe(true);
    expect(y.subarray(0, 6)).toEqual(x.subarray(0, 6));
    const ends = garbage(dtype, 4);
    tanh(ends, from(dtype, [1e4, -1e4, Infinity, -Infinity]));
    expect(ends).toEqual(from(dtype, [1, -1, 1, -1]));
  });

  it('backward is (1 − y²)·dy, in place too', () => {
    fc.assert(
      fc.property(arrays, (x) => {
        const y = garbage(dtype, x.length);
        tanh(y, x);
        const dy = x.map((_, i) => i - 2.5);
        const dx = garbage(dtype, x.length);
        tanhBackward(dx, dy, y);
        const want = Array.from(dy, (g, i) => g * (1 - y[i]) * (1 + y[i]));
        expectWithinBound(dx, want, Array.from(dy, Math.abs), 6);
        tanhBackward(dy, dy, y);
        expect(dy).toEqual(dx);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(tanh, 'y x', [two, two]);
    expectRejects(tanhBackward, 'dx dy y', [two, two, two]);
  });
});

describe('tanhOf', () => {
  it.each([
    ['of small numbers', anySize(-1074, -3)],
    ['around ¼, where the way changes', evenly(0.2, 0.3)],
    ['between', evenly(-3, 3)],
    ['around 3, where the way changes', evenly(2.9, 3.1)],
    ['to where it is 1', evenly(-25, 25)],
  ])('is within half an ulp and a little, %s', (_, x) => {
    expectAccurate(tanhOf, exact.tanh, fc.tuple(x), 0.56);
  });

  it('is exact at the ends', () => {
    const x = [0, -0, 5e-324, 20, -20, 1e300, Infinity, -Infinity, NaN];
    expect(x.map(tanhOf)).toEqual([0, -0, 5e-324, 1, -1, 1, 1, -1, NaN]);
  });
});

it('tanh agrees with NumPy', () => {
  const y = new Float64Array(elementaryFunctions.x.length);
  tanh(y, Float64Array.from(elementaryFunctions.x));
  for (const [i, v] of y.entries()) expectGolden([v], [elementaryFunctions.tanh[i]], 1e-14);
});
