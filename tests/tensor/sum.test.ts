import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumAxis, sumAxisBackward, sumOfSquares } from '../../src/tensor/sum.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size, total } from './support.ts';

describe.each(dtypes)('sumAxis, %s', (dtype) => {
  const cases = fc.tuple(size, size, size).chain(([outer, axis, inner]) =>
    fc.record({
      outer: fc.constant(outer),
      axis: fc.constant(axis),
      inner: fc.constant(inner),
      x: numbers(dtype, outer * axis * inner),
      dy: numbers(dtype, outer * inner),
    }),
  );

  it('is the sum along the axis, 0 over an empty one', () => {
    fc.assert(
      fc.property(cases, ({ outer, axis, inner, x }) => {
        const y = garbage(dtype, outer * inner);
        sumAxis(y, x, outer, axis, inner);
        const want = Array(outer * inner).fill(0);
        const magnitude = Array(outer * inner).fill(0);
        for (const [at, v] of x.entries()) {
          const cell = Math.floor(at / (axis * inner)) * inner + (at % inner);
          want[cell] += v;
          magnitude[cell] += Math.abs(v);
        }
        expectWithinBound(y, want, magnitude, axis + 2);
      }),
    );
  });

  it('backward copies dy along the axis', () => {
    fc.assert(
      fc.property(cases, ({ outer, axis, inner, dy }) => {
        const dx = garbage(dtype, outer * axis * inner);
        sumAxisBackward(dx, dy, outer, axis, inner);
        for (const [at, v] of dx.entries()) {
          expect(v).toBe(dy[Math.floor(at / (axis * inner)) * inner + (at % inner)]);
        }
      }),
    );
  });

  it('rejects bad arguments', () => {
    const x = from(dtype, Array(12).fill(1));
    const y = from(dtype, [1, 2, 3, 4]);
    expectRejects(sumAxis, 'y x outer axis inner', [y, x, 2, 3, 2]);
    expectRejects(sumAxisBackward, 'dx dy outer axis inner', [x, y, 2, 3, 2]);
  });
});

describe.each(dtypes)('sumOfSquares, %s', (dtype) => {
  it('is Σ x², whatever the length', () => {
    fc.assert(
      fc.property(
        size.chain((n) => numbers(dtype, n)),
        (x) => {
          const want = total(x, (v) => v * v);
          expectWithinBound(Float64Array.of(sumOfSquares(x)), [want], [want], x.length + 2);
        },
      ),
    );
  });

  it.each([0, 1, 2, 3, 4, 5])('shows a NaN or an infinity at place %d', (at) => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const x = from(dtype, [1, 2, 3, 4, 5, 6]);
      x[at] = bad;
      expect(Number.isFinite(sumOfSquares(x))).toBe(false);
    }
  });
});
