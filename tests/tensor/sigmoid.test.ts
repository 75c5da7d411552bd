import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logistic, sigmoid, sigmoidBackward } from '../../src/tensor/sigmoid.ts';
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

describe.each(dtypes)('sigmoid, %s', (dtype) => {
  const arrays = size.chain((n) => numbers(dtype, n, 30));

  it('is e^x/(1 + e^x), in place too', () => {
    fc.assert(
      fc.property(arrays, (x) => {
        const y = garbage(dtype, x.length);
        sigmoid(y, x);
        const want = Array.from(x, (v) => Math.exp(v) / (1 + Math.exp(v)));
        expectWithinBound(y, want, want, 8);
        const same = x.slice();
        sigmoid(same, same);
        expect(same).toEqual(y);
      }),
    );
  });

  it('stays in [0, 1] and saturates without NaN', () => {
    const x = from(dtype, extremes);
    const y = garbage(dtype, x.length);
    sigmoid(y, x);
    expect(y.every((v) => v >= 0 && v <= 1)).toBe(true);
    const ends = garbage(dtype, 6);
    sigmoid(ends, from(dtype, [1e4, -1e4, -0, 0, Infinity, -Infinity]));
    expect(ends).toEqual(from(dtype, [1, 0, 0.5, 0.5, 1, 0]));
  });

  it('backward is y(1 − y)·dy, in place too', () => {
    fc.assert(
      fc.property(arrays, (x) => {
        const y = garbage(dtype, x.length);
        sigmoid(y, x);
        const dy = x.map((_, i) => i - 2.5);
        const dx = garbage(dtype, x.length);
        sigmoidBackward(dx, dy, y);
        const want = Array.from(dy, (g, i) => g * y[i] - g * y[i] * y[i]);
        const magnitude = Array.from(dy, (g, i) => 2 * Math.abs(g) * y[i]);
        expectWithinBound(dx, want, magnitude, 6);
        sigmoidBackward(dy, dy, y);
        expect(dy).toEqual(dx);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(sigmoid, 'y x', [two, two]);
    expectRejects(sigmoidBackward, 'dx dy y', [two, two, two]);
  });
});

it('sigmoid agrees with NumPy, number by number', () => {
  for (const [i, x] of elementaryFunctions.x.entries()) {
    expectGolden([logistic(x)], [elementaryFunctions.logistic[i]], 1e-14);
  }
});
