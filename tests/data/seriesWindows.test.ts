import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seriesWindows } from '../../src/data/index.ts';

const counting = (n: number) => Float64Array.from({ length: n }, (_, i) => i);

describe('seriesWindows', () => {
  it('lays windows side by side, time first, with the steps that follow', () => {
    const { inputs, targets, starts } = seriesWindows([0, 1, 2, 3, 4, 5, 6], {
      windowLength: 3,
      horizon: 2,
      stride: 2,
    });
    expect(starts).toEqual(Int32Array.of(0, 2));
    expect(inputs).toEqual(Float64Array.of(0, 2, 1, 3, 2, 4));
    expect(targets).toEqual(Float64Array.of(3, 4, 5, 6));
  });

  it('takes every window that has its horizon, step by step and feature by feature', () => {
    const sizes = fc.record({
      windowLength: fc.integer({ min: 1, max: 5 }),
      horizon: fc.integer({ min: 1, max: 4 }),
      stride: fc.integer({ min: 1, max: 4 }),
      features: fc.integer({ min: 1, max: 3 }),
      more: fc.nat({ max: 12 }),
    });
    fc.assert(
      fc.property(sizes, ({ windowLength: W, horizon: H, stride, features: D, more }) => {
        const N = W + H + more;
        const series = counting(N * D);
        const { inputs, targets, starts } = seriesWindows(series, { windowLength: W, horizon: H, stride, features: D });
        const B = starts.length;
        expect(starts).toEqual(Int32Array.from({ length: B }, (_, b) => b * stride));
        // the last window fits, one more would not
        expect(starts[B - 1] + W + H).toBeLessThanOrEqual(N);
        expect(starts[B - 1] + stride + W + H).toBeGreaterThan(N);
        expect([inputs.length, targets.length]).toEqual([W * B * D, B * H * D]);
        for (let b = 0; b < B; b++) {
          for (let d = 0; d < D; d++) {
            for (let t = 0; t < W; t++) expect(inputs[(t * B + b) * D + d]).toBe((starts[b] + t) * D + d);
            for (let h = 0; h < H; h++) expect(targets[(b * H + h) * D + d]).toBe((starts[b] + W + h) * D + d);
          }
        }
      }),
    );
  });

  it('copies in the dtype of the series', () => {
    const series = Float32Array.of(1, 2, 3);
    const { inputs, targets } = seriesWindows(series, { windowLength: 1, horizon: 1 });
    series.fill(0);
    expect(inputs).toEqual(Float32Array.of(1, 2));
    expect(targets).toEqual(Float32Array.of(2, 3));
  });

  it('refuses what does not fit', () => {
    const good = { windowLength: 3, horizon: 2 };
    for (const name of ['windowLength', 'horizon', 'stride', 'features']) {
      for (const bad of [0, 1.5, Number.NaN]) {
        expect(() => seriesWindows(counting(9), { ...good, [name]: bad })).toThrow(
          RangeError(`seriesWindows: ${name} is ${bad}, expected a whole number ≥ 1`),
        );
      }
    }
    expect(() => seriesWindows(counting(4), good)).toThrow(
      RangeError('seriesWindows: series has 4 steps, expected at least windowLength + horizon = 5'),
    );
    expect(() => seriesWindows(counting(9), { ...good, features: 2 })).toThrow(
      RangeError('seriesWindows: series has 9 elements, expected [N,2], a multiple of 2'),
    );
    expect(() => seriesWindows(counting(9), { ...good, window: 3 } as never)).toThrow(
      TypeError('seriesWindows: unknown option window, expected windowLength, horizon, stride, features'),
    );
  });
});
