import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, clipBackward } from '../../src/tensor/clip.ts';
import { dtypes, expectRejects, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('clip, %s', (dtype) => {
  it('is the median of the ends and the number, in place too', () => {
    fc.assert(
      fc.property(
        size.chain((n) => numbers(dtype, n)),
        (x) => {
          const y = garbage(dtype, x.length);
          clip(y, x, -2, 3);
          for (const [i, v] of x.entries()) expect(y[i]).toBe([-2, v, 3].sort((a, b) => a - b)[1]);
          const same = x.slice();
          clip(same, same, -2, 3);
          expect(same).toEqual(y);
        },
      ),
    );
  });

  it('clips infinities, keeps NaN and both zeros', () => {
    const y = garbage(dtype, 5);
    clip(y, from(dtype, [Infinity, -Infinity, Number.NaN, -0, 0]), -5, 5);
    expect(y).toEqual(from(dtype, [5, -5, Number.NaN, -0, 0]));
  });

  it('backward lets the gradient through strictly inside, in place too', () => {
    const x = from(dtype, [-3, -2, -1, 0, 2.5, 3, 4]);
    const dy = from(dtype, [1, 2, 3, 4, 5, 6, 7]);
    const dx = garbage(dtype, 7);
    clipBackward(dx, dy, x, -2, 3);
    expect(dx).toEqual(from(dtype, [0, 0, 3, 4, 5, 0, 0]));
    clipBackward(dy, dy, x, -2, 3);
    expect(dy).toEqual(dx);
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(clip, 'y x low high', [two, two, -1, 1]);
    expectRejects(clipBackward, 'dx dy x low high', [two, two, two, -1, 1]);
    expect(() => clip(two, two, 1, -1)).toThrow(new RangeError('clip: low is 1 and high is -1, expected low ≤ high'));
    expect(() => clip(two, two, Number.NaN, 1)).toThrow('clip: low is NaN, expected a number');
  });
});
