import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Standardizer } from '../../src/data/index.ts';

describe('Standardizer', () => {
  it('has the mean and the standard deviation of each feature', () => {
    const { mean, deviation, features } = Standardizer.fit([1, 10, 3, 10, 5, 40], 2);
    expect(features).toBe(2);
    expect(mean).toEqual([3, 20]);
    expect(deviation[0]).toBeCloseTo(Math.sqrt(8 / 3), 15);
    expect(deviation[1]).toBeCloseTo(Math.sqrt(200), 13);
  });

  it('gives mean 0 and deviation 1, and takes it back, in place too', () => {
    const data = fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 9 }))
      .chain(([D, N]) =>
        fc.tuple(
          fc.constant(D),
          fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: D * N, maxLength: D * N }),
        ),
      );
    fc.assert(
      fc.property(data, ([D, values]) => {
        const x = Float64Array.from(values);
        const N = x.length / D;
        const scaler = Standardizer.fit(x, D);
        const y = new Float64Array(x.length).fill(Number.NaN);
        scaler.standardize(y, x);
        for (let d = 0; d < D; d++) {
          const column = [...x].filter((_, i) => i % D === d);
          const scaled = [...y].filter((_, i) => i % D === d);
          const spread = Math.max(...column) - Math.min(...column);
          if (spread < 2 ** -1022) {
            for (const v of scaled) expect(Math.abs(v)).toBeLessThan(2 ** -1022);
            continue;
          }
          // an error of u·|mean| in the mean shows as u·|mean|/deviation
          const bound = 8 * N * 2 ** -53 * (1 + 1e3 / scaler.deviation[d]);
          if (bound > 1e-3) continue;
          const sum = scaled.reduce((a, v) => a + v, 0);
          const squares = scaled.reduce((a, v) => a + v * v, 0);
          expect(Math.abs(sum / N)).toBeLessThanOrEqual(bound);
          expect(Math.abs(squares / N - 1)).toBeLessThanOrEqual(4 * bound);
        }
        const back = new Float64Array(x.length).fill(Number.NaN);
        scaler.undo(back, y);
        // x − mean, ÷, ·, + are four roundings of numbers of at most 2e3
        for (let i = 0; i < x.length; i++) expect(Math.abs(back[i] - x[i])).toBeLessThanOrEqual(4 * 2 ** -53 * 2e3);
        const same = x.slice();
        scaler.standardize(same, same);
        expect(same).toEqual(y);
        scaler.undo(same, same);
        expect(same).toEqual(back);
      }),
    );
  });

  it('a feature that is always the same has deviation 1; neither tiny nor huge numbers are lost', () => {
    const { mean, deviation } = Standardizer.fit(Array(10).fill(0.1));
    expect([mean, deviation]).toEqual([[0.1], [1]]);
    for (const scale of [2 ** -1000, 2 ** 1000]) {
      expect(Standardizer.fit([scale, 3 * scale])).toEqual(new Standardizer({ mean: [2 * scale], deviation: [scale] }));
    }
  });

  it('survives JSON, and is not changed through the lists it was made from', () => {
    const scaler = Standardizer.fit(Float32Array.of(1, 2, 4, 8), 2);
    const restored = new Standardizer(JSON.parse(JSON.stringify(scaler)));
    expect(restored).toEqual(scaler);
    expect(JSON.parse(JSON.stringify(scaler))).toEqual({ mean: [2.5, 5], deviation: [1.5, 3] });
    const mean = [1];
    const own = new Standardizer({ mean, deviation: [2] });
    mean[0] = 5;
    expect(own.mean).toEqual([1]);
    const y = new Float32Array(2);
    own.standardize(y, [3, -1]);
    expect(y).toEqual(Float32Array.of(1, -1));
  });

  it('refuses what does not fit', () => {
    const fitting = (x: number[], D?: number) => () => Standardizer.fit(x, D);
    expect(fitting([])).toThrow(RangeError('Standardizer.fit: x has 0 elements, expected at least 1'));
    expect(fitting([1, 2, 3], 2)).toThrow(
      RangeError('Standardizer.fit: x has 3 elements, expected [N,2], a multiple of 2'),
    );
    expect(fitting([1], 0)).toThrow('Standardizer.fit: features is 0, expected a whole number ≥ 1');
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(fitting([1, bad])).toThrow(RangeError(`Standardizer.fit: x[1] is ${bad}, expected a finite number`));
    }
    expect(fitting([0, 1.5e308, 0, -1.5e308], 2)).toThrow('Standardizer.fit: the differences of feature 1 overflow');
    const make = (mean: unknown, deviation: unknown) => () => new Standardizer({ mean, deviation } as never);
    expect(make([], [])).toThrow('Standardizer: the length of mean is 0, expected a whole number ≥ 1');
    expect(make([1], [1, 2])).toThrow(RangeError('Standardizer: deviation has 2 elements, expected [D] = [1]'));
    expect(make(undefined, [1])).toThrow(TypeError('Standardizer: mean is undefined, expected an array of numbers'));
    expect(make([1], 3)).toThrow(TypeError('Standardizer: deviation is 3, expected an array of numbers'));
    expect(make([Number.NaN], [1])).toThrow(RangeError('Standardizer: mean[0] is NaN, expected a finite number'));
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(make([1], [bad])).toThrow(
        RangeError(`Standardizer: deviation[0] is ${bad}, expected a finite number > 0`),
      );
    }
    const scaler = new Standardizer({ mean: [0, 0], deviation: [1, 1] });
    for (const method of ['standardize', 'undo'] as const) {
      expect(() => scaler[method](new Float64Array(3), [1, 2, 3])).toThrow(
        RangeError(`Standardizer.${method}: the input has 3 elements, expected [N,2], a multiple of 2`),
      );
      expect(() => scaler[method](new Float64Array(3), [1, 2])).toThrow(
        RangeError(`Standardizer.${method}: the output has 3 elements, expected [N,D] = [1,2]`),
      );
    }
  });
});
