import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ndarray } from '../../src/tensor/ndarray.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { viewSum } from '../../src/tensor/viewSum.ts';

interface Sum {
  seed: number;
  n: number;
  shape: number[];
  stride: number[];
  offset: number;
  sum: number;
}
// Sums by numpy.sum of NumPy 2.4.6. A reversed axis is not turned round: NumPy 1.24.2, 1.24.4 and 2.4.6 all give the sum of
// a[::-1] another last digit than the sum of a.
const { cases } = JSON.parse(readFileSync(new URL('../goldens/units/numpy_sum.json', import.meta.url), 'utf8')) as {
  cases: Sum[];
};

it('adds as NumPy does, whatever the view, to the last bit', () => {
  expect(cases.length).toBe(100);
  for (const { seed, n, shape, stride, offset, sum } of cases) {
    const data = new RandomState(seed).randomSample(n).map((x) => x - 0.4);
    expect([shape, stride, viewSum(ndarray(data, shape, stride, offset))]).toEqual([shape, stride, sum]);
  }
});
