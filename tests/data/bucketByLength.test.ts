import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketByLength } from '../../src/data/index.ts';
import { RandomState } from '../../src/tensor/random.ts';

describe('bucketByLength', () => {
  it('without random numbers goes from short to long, equal lengths in their order', () => {
    expect(bucketByLength([3, 1, 3, 0, 1, 2, 3], 3)).toEqual([
      Int32Array.of(3, 1, 4),
      Int32Array.of(5, 0, 2),
      Int32Array.of(6),
    ]);
    expect(bucketByLength([], 3)).toEqual([]);
    expect(bucketByLength([], 3, new RandomState(0))).toEqual([]);
  });

  it('deals out every sequence once, in full batches but one, whose ranges of lengths do not overlap', () => {
    const cases = fc.record({
      lengths: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 30 }),
      batchSize: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat({ max: 2 ** 31 - 1 }),
    });
    fc.assert(
      fc.property(cases, ({ lengths, batchSize, seed }) => {
        const batches = bucketByLength(lengths, batchSize, new RandomState(seed));
        expect(bucketByLength(lengths, batchSize, new RandomState(seed))).toEqual(batches);
        const all = batches.flatMap((batch) => [...batch]);
        expect(all.toSorted((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
        expect(batches.filter(({ length }) => length !== batchSize).length).toBeLessThanOrEqual(1);
        const ranges = batches
          .map((batch) => Array.from(batch, (i) => lengths[i]))
          .map((own) => [Math.min(...own), Math.max(...own)])
          .sort(([a, b], [c, d]) => a - c || b - d);
        for (let k = 1; k < ranges.length; k++) expect(ranges[k][0]).toBeGreaterThanOrEqual(ranges[k - 1][1]);
      }),
    );
  });

  it('draws equal lengths and the batches in random order: permutation(N), permutation(batches)', () => {
    const rng = new RandomState(3);
    const first = bucketByLength(Array(20).fill(4), 5, rng);
    const twin = new RandomState(3);
    const [order, batches] = [twin.permutation(20), twin.permutation(4)];
    expect(first).toEqual(Array.from(batches, (k) => order.slice(5 * k, 5 * k + 5)));
    expect(rng.getState()).toEqual(twin.getState());
    expect(bucketByLength(Array(20).fill(4), 5, rng)).not.toEqual(first);
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      orders.add(
        bucketByLength([1, 2, 3], 1, new RandomState(seed))
          .map(([i]) => i)
          .join(),
      );
    }
    expect(orders.size).toBe(6); // all orders of three batches
  });

  it('refuses what does not fit, before anything is drawn', () => {
    const rng = new RandomState(0);
    const before = rng.getState();
    for (const bad of [0, 1.5, Number.NaN]) {
      expect(() => bucketByLength([1], bad, rng)).toThrow(
        `bucketByLength: batchSize is ${bad}, expected a whole number`,
      );
    }
    for (const bad of [-1, 1.5, Number.NaN]) {
      expect(() => bucketByLength([1, bad], 1, rng)).toThrow(
        RangeError(`bucketByLength: lengths[1] is ${bad}, expected a whole number ≥ 0`),
      );
    }
    expect(rng.getState()).toEqual(before);
    expect(() => bucketByLength([1], 1, {} as never)).toThrow('bucketByLength: rng is {}, expected a RandomState');
  });
});
