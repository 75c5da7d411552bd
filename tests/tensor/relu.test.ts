import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relu, reluBackward } from '../../src/tensor/relu.ts';
import { dtypes, expectRejects, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('relu, %s', (dtype) => {
  const pairs = size.chain((n) => fc.tuple(numbers(dtype, n), numbers(dtype, n)));

  it('is (x + |x|)/2, in place too', () => {
    fc.assert(
      fc.property(pairs, ([x]) => {
        const y = garbage(dtype, x.length);
        relu(y, x);
        // Doubling before halving keeps denormals exact.
        expect(y).toEqual(
          from(
            dtype,
            Array.from(x, (v) => (v + Math.abs(v)) / 2),
          ),
        );
        const same = x.slice();
        relu(same, same);
        expect(same).toEqual(y);
      }),
    );
  });

  it('gives +0 at both zeros and keeps NaN and infinity', () => {
    const y = garbage(dtype, 5);
    relu(y, from(dtype, [-0, 0, NaN, -Infinity, Infinity]));
    expect(y).toEqual(from(dtype, [0, 0, NaN, 0, Infinity]));
  });

  it('backward lets the gradient through where y > 0, none at the kink, in place too', () => {
    fc.assert(
      fc.property(pairs, ([x, dy]) => {
        const y = garbage(dtype, x.length);
        relu(y, x);
        const dx = garbage(dtype, x.length);
        reluBackward(dx, dy, y);
        expect(dx).toEqual(
          from(
            dtype,
            Array.from(dy, (g, i) => (x[i] > 0 ? g : 0)),
          ),
        );
        const same = dy.slice();
        reluBackward(same, same, y);
        expect(same).toEqual(dx);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const two = from(dtype, [1, 2]);
    expectRejects(relu, 'y x', [two, two]);
    expectRejects(reluBackward, 'dx dy y', [two, two, two]);
  });
});
