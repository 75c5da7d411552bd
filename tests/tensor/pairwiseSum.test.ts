import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairwiseSum } from '../../src/tensor/pairwiseSum.ts';

interface SumCase {
  n: number;
  values: number[];
  np_sum: number;
}
const golden = JSON.parse(readFileSync(new URL('../goldens/numerics.json', import.meta.url), 'utf8')) as {
  cases: SumCase[];
};

describe('pairwiseSum', () => {
  it('is np.sum to the last bit', () => {
    let checked = 0;
    for (const { values, np_sum } of golden.cases) {
      expect(pairwiseSum(Float64Array.from(values))).toBe(np_sum);
      checked++;
    }
    expect(checked).toBe(20);
  });

  it('follows start, n and stride through a larger array', () => {
    for (const { n, values, np_sum } of golden.cases) {
      const x = new Float64Array(2 + 3 * n).fill(NaN);
      for (let i = 0; i < n; i++) x[1 + 3 * i] = values[i];
      expect(pairwiseSum(x, 1, n, 3)).toBe(np_sum);
      const reversed = Float64Array.from(values).reverse();
      expect(pairwiseSum(reversed, n - 1, n, -1)).toBe(np_sum);
    }
  });

  it('sums whole numbers exactly in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 600 }), (values) => {
        expect(pairwiseSum(values)).toBe(values.reduce((s, v) => s + v, 0));
      }),
    );
  });

  it('is 0 for nothing and keeps the sign of a lone zero', () => {
    expect(pairwiseSum([])).toBe(0);
    expect(pairwiseSum([1, 2, 3], 3)).toBe(0);
    expect(pairwiseSum([-0])).toBe(-0);
  });

  it('refuses to read outside the array', () => {
    const x = new Float64Array(5);
    for (const args of [
      [-1, 2],
      [0, 6],
      [3, 3],
      [0, 3, 3],
      [1, 3, -1],
      [0, -1],
      [0.5, 2],
      [0, 1.5],
      [0, 2, 0.5],
      [5, 1],
      [0, NaN],
    ]) {
      expect(() => pairwiseSum(x, ...args), String(args)).toThrow(
        /^pairwiseSum: (start .* expected indices 0 to 4|\w+ is (0\.5|1\.5|NaN|-1), expected a whole number.*)$/,
      );
    }
  });
});
