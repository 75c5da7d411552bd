import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countingData } from '../../src/data/index.ts';
import { RandomState } from '../../src/tensor/random.ts';

const { cases } = JSON.parse(readFileSync(new URL('../goldens/nb003_linear_rprop.json', import.meta.url), 'utf8')) as {
  cases: { seed: number; m: number; len: number; X: number[][]; t: number[] }[];
};

describe('countingData', () => {
  it('is the golden data', () => {
    for (const { seed, m, len, X, t } of cases) {
      const data = countingData(new RandomState(seed), m, len);
      expect(Array.from(data.X)).toEqual(X.flat());
      expect(Array.from(data.t)).toEqual(t);
    }
    expect(cases.length).toBe(2);
  });

  it('has the notebook sizes by default', () => {
    const { X, t } = countingData(new RandomState(0));
    expect([X.length, t.length]).toEqual([200, 20]);
  });

  it('refuses sizes that are none', () => {
    const rng = new RandomState(0);
    expect(() => countingData(rng, 0)).toThrow('countingData: m is 0, expected a whole number ≥ 1');
    expect(() => countingData(rng, 2, 1.5)).toThrow('countingData: sequenceLen is 1.5, expected');
    expect(() => countingData(rng, 2, 0)).toThrow('countingData: sequenceLen is 0, expected a whole number from 1');
    expect(() => countingData(rng, 1, 2 ** 31)).toThrow('countingData: sequenceLen is 2147483648, expected');
    expect(() => countingData(undefined as never)).toThrow('countingData: rng is undefined, expected');
  });
});
