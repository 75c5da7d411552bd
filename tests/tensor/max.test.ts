import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxAxis, maxAxisBackward } from '../../src/tensor/max.ts';
import { dtypes, expectRejects, from, garbage, numbers, size } from './support.ts';

describe.each(dtypes)('maxAxis, %s', (dtype) => {
  const cases = fc.tuple(size, fc.integer({ min: 1, max: 5 }), size).chain(([outer, axis, inner]) =>
    fc.record({
      outer: fc.constant(outer),
      axis: fc.constant(axis),
      inner: fc.constant(inner),
      // Few distinct values, so that ties are common.
      x: fc.oneof(
        numbers(dtype, outer * axis * inner),
        numbers(dtype, outer * axis * inner, 2).map((x) => x.map(Math.round)),
      ),
    }),
  );

  it('is the largest along the axis, at its first place', () => {
    fc.assert(
      fc.property(cases, ({ outer, axis, inner, x }) => {
        const y = garbage(dtype, outer * inner);
        const argmax = new Int32Array(outer * inner).fill(-7);
        maxAxis(y, argmax, x, outer, axis, inner);
        for (const [at, v] of y.entries()) {
          const [o, i] = [Math.floor(at / inner), at % inner];
          const fibre = Array.from({ length: axis }, (_, a) => x[(o * axis + a) * inner + i] + 0);
          expect(v + 0).toBe(Math.max(...fibre));
          expect(argmax[at]).toBe(fibre.indexOf(Math.max(...fibre)));
        }
      }),
    );
  });

  it('backward puts each gradient where the maximum was, and zero elsewhere', () => {
    fc.assert(
      fc.property(cases, ({ outer, axis, inner, x }) => {
        const y = garbage(dtype, outer * inner);
        const argmax = new Int32Array(outer * inner);
        maxAxis(y, argmax, x, outer, axis, inner);
        const dy = y.map((_, at) => at + 1);
        const dx = garbage(dtype, x.length);
        maxAxisBackward(dx, dy, argmax, outer, axis, inner);
        for (const [at, v] of dx.entries()) {
          const cell = Math.floor(at / (axis * inner)) * inner + (at % inner);
          expect(v).toBe(argmax[cell] === Math.floor(at / inner) % axis ? cell + 1 : 0);
        }
      }),
    );
  });

  it('handles infinities, and the first NaN wins', () => {
    const y = garbage(dtype, 3);
    const argmax = new Int32Array(3);
    maxAxis(y, argmax, from(dtype, [-Infinity, -Infinity, 5, NaN, NaN, Infinity]), 3, 2, 1);
    expect(y).toEqual(from(dtype, [-Infinity, NaN, NaN]));
    expect(Array.from(argmax)).toEqual([0, 1, 0]);
  });

  it('rejects bad arguments', () => {
    const x = from(dtype, Array(12).fill(1));
    const y = from(dtype, [1, 2, 3, 4]);
    const argmax = Int32Array.of(0, 1, 2, 0);
    expectRejects(maxAxis, 'y argmax x outer axis inner', [y, argmax, x, 2, 3, 2]);
    expectRejects(maxAxisBackward, 'dx dy argmax outer axis inner', [x, y, argmax, 2, 3, 2]);
    expect(() => maxAxis(y, argmax, from(dtype, []), 2, 0, 2)).toThrow(
      new RangeError('maxAxis: axis is 0, expected at least 1'),
    );
    const kept = from(dtype, x);
    for (const bad of [-1, 3]) {
      expect(() => maxAxisBackward(kept, y, Int32Array.of(0, 1, 2, bad), 2, 3, 2)).toThrow(
        new RangeError(`maxAxisBackward: argmax[3] is ${bad}, expected 0 … 2`),
      );
    }
    expect(kept).toEqual(x);
  });
});
