import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GradcheckCase } from '../../proofs/gradcheckCase.ts';
import { gradcheckCases } from '../../proofs/gradcheckCases.ts';
import { assertGradcheck } from '../../src/bptt/gradcheck.ts';
import { RandomState } from '../../src/tensor/random.ts';

/** Sizes from the smallest that make sense up to `spread` more, which is also where fast-check shrinks to. */
function sizesOf({ smallest }: GradcheckCase, spread: number): fc.Arbitrary<Record<string, number>> {
  const letters = Object.entries(smallest).map(([letter, min]) => [letter, fc.integer({ min, max: min + spread })]);
  return fc.record(Object.fromEntries(letters));
}

describe('every hand-written gradient at random shapes', () => {
  it.each(gradcheckCases.map((one) => [one.name, one] as const))('%s', (name, one) => {
    const wholeSequence = name.startsWith('sequence');
    const options = wholeSequence ? ({ mode: 'sampled', samples: 4 } as const) : {};
    let checked = 0;
    fc.assert(
      fc.property(sizesOf(one, wholeSequence ? 3 : 5), fc.nat({ max: 2 ** 31 - 1 }), (sizes, seed) => {
        const { fn, params } = one.make(sizes, new RandomState(seed));
        checked += assertGradcheck(fn, params, { ...options, seed }).checked;
      }),
      { numRuns: wholeSequence ? 4 : 10 },
    );
    expect(checked).toBeGreaterThan(0);
  });
});
