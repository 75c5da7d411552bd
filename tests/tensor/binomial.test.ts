import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binomial } from '../../src/tensor/binomial.ts';
import { RandomState } from '../../src/tensor/random.ts';

// random.test.ts holds the draws against NumPy's; here is what those never meet.
const LARGEST = 1 - 2 ** -53;

/** Uniforms from a list, counted. */
function script(...uniforms: number[]): { uniform: () => number; taken: () => number } {
  let taken = 0;
  return { uniform: () => uniforms[taken++], taken: () => taken };
}

describe('binomial', () => {
  it('draws nothing when nothing can happen', () => {
    const { uniform, taken } = script();
    expect([binomial(0, 0.5, uniform), binomial(9, 0, uniform), taken()]).toEqual([0, 0, 0]);
  });

  it('draws anew when rounding leaves a rest beyond n', () => {
    const { uniform, taken } = script(LARGEST, 0.5);
    expect([binomial(10, 0.3, uniform), taken()]).toEqual([3, 2]);
  });

  it('refuses tails that reach below 0 or above n', () => {
    // third and fourth uniforms: inside the triangle, always accepted
    const left = script(0.87, 0, 0.1, 0.5);
    expect([binomial(61, 0.5, left.uniform), left.taken()]).toEqual([29, 4]);
    const right = script(0.97, 0, 0.1, 0.5);
    expect([binomial(61, 0.5, right.uniform), right.taken()]).toEqual([29, 4]);
  });

  it('stays in 0 … n and has the mean n·p on both sides of the change of algorithm', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seed, n, p) => {
          const rng = new RandomState(seed % 2 ** 32);
          const draws = Array.from({ length: 400 }, () => binomial(n, p, () => rng.randomSample()));
          expect(draws.every((x) => Number.isInteger(x) && x >= 0 && x <= n)).toBe(true);
          const mean = draws.reduce((s, x) => s + x, 0) / 400;
          const sigma = Math.sqrt((n * p * (1 - p)) / 400);
          expect(Math.abs(mean - n * p)).toBeLessThanOrEqual(6.5 * sigma + 0.05);
        },
      ),
    );
  });
});
