import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logSumExp, logSumExpBackward, logSumExpOf } from '../../src/tensor/logSumExp.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size, total } from './support.ts';

describe.each(dtypes)('logSumExp, %s', (dtype) => {
  const cases = fc.tuple(size, fc.integer({ min: 1, max: 9 })).chain(([rows, n]) =>
    fc.record({
      rows: fc.constant(rows),
      n: fc.constant(n),
      z: numbers(dtype, rows * n),
      ds: numbers(dtype, rows),
    }),
  );

  it('is the logarithm of the sum of exponentials written out', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, z }) => {
        const s = garbage(dtype, rows);
        logSumExp(s, z, rows, n);
        const want = Array.from({ length: rows }, (_, r) => Math.log(total(z.subarray(r * n, (r + 1) * n), Math.exp)));
        expectWithinBound(
          s,
          want,
          Array.from(want, (v) => Math.abs(v) + 11),
          n + 6,
        );
      }),
    );
  });

  it('survives ±1e4 and reads only its own numbers', () => {
    const s = garbage(dtype, 2);
    logSumExp(s, from(dtype, [1e4, -1e4, -1e4, -1e4]), 2, 2);
    expect(s).toEqual(from(dtype, [1e4, -1e4 + Math.LN2]));
    expect(logSumExpOf(from(dtype, [Number.NaN, 3, Number.NaN]), 1, 1)).toBe(3);
  });

  it('backward is the softmax times ds, in place on z too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, z, ds }) => {
        const s = garbage(dtype, rows);
        logSumExp(s, z, rows, n);
        const dz = garbage(dtype, rows * n);
        logSumExpBackward(dz, ds, z, s, rows, n);
        const want = Array.from(z, (v, at) => {
          const r = Math.floor(at / n);
          return (ds[r] * Math.exp(v)) / total(z.subarray(r * n, (r + 1) * n), Math.exp);
        });
        // Rounding s by |s|·u ≤ 13u multiplies the result by as much.
        expectWithinBound(dz, want, Array.from(want, Math.abs), n + 40);
        const same = z.slice();
        logSumExpBackward(same, ds, same, s, rows, n);
        expect(same).toEqual(dz);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const six = from(dtype, [1, 2, 3, 4, 5, 6]);
    const two = from(dtype, [1, 2]);
    expectRejects(logSumExp, 's z rows n', [two, six, 2, 3]);
    expectRejects(logSumExpBackward, 'dz ds z s rows n', [six, two, six, two, 2, 3]);
    expect(() => logSumExp(two, from(dtype, []), 2, 0)).toThrow(
      new RangeError('logSumExp: n is 0, expected at least 1'),
    );
  });
});
