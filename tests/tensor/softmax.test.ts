import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { softmax, softmaxBackward } from '../../src/tensor/softmax.ts';
import { softmaxRows } from './goldens.ts';
import {
  dtypes,
  expectGolden,
  expectRejects,
  expectWithinBound,
  from,
  garbage,
  numbers,
  size,
  total,
} from './support.ts';

describe.each(dtypes)('softmax, %s', (dtype) => {
  const cases = fc.tuple(size, size).chain(([rows, n]) =>
    fc.record({
      rows: fc.constant(rows),
      n: fc.constant(n),
      z: numbers(dtype, rows * n),
      dp: numbers(dtype, rows * n),
    }),
  );

  it('is e^z over the sum of its row, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, z }) => {
        const p = garbage(dtype, rows * n);
        softmax(p, z, rows, n);
        const want = Array.from(z, (v, at) => {
          const row = z.subarray(at - (at % n), at - (at % n) + n);
          return Math.exp(v) / total(row, Math.exp);
        });
        // z − m is exact to |z − m|·u ≤ 20u, which the exponential passes on.
        expectWithinBound(p, want, want, n + 28);
        const same = z.slice();
        softmax(same, same, rows, n);
        expect(same).toEqual(p);
      }),
    );
  });

  it('survives ±1e4, equal numbers and a row of one', () => {
    const p = garbage(dtype, 4);
    softmax(p, from(dtype, [1e4, -1e4, 0, -0]), 1, 4);
    expect(p).toEqual(from(dtype, [1, 0, 0, 0]));
    softmax(p, from(dtype, [-1e4, -1e4, 1e4, 1e4]), 2, 2);
    expect(p).toEqual(from(dtype, [0.5, 0.5, 0.5, 0.5]));
    softmax(p, from(dtype, [1e4, -1e4, -0, 1e-40]), 4, 1);
    expect(p).toEqual(from(dtype, [1, 1, 1, 1]));
  });

  it('backward is Σ_k dp_k ∂p_k/∂z_j written out, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, z, dp }) => {
        const p = garbage(dtype, rows * n);
        softmax(p, z, rows, n);
        const dz = garbage(dtype, rows * n);
        softmaxBackward(dz, dp, p, rows, n);
        const jacobian = (at: number, f: (v: number) => number) => {
          const row = at - (at % n);
          let sum = 0;
          for (let k = row; k < row + n; k++) sum += f(dp[k] * p[k] * (k === at ? 1 : 0)) + f(-dp[k] * p[k] * p[at]);
          return sum;
        };
        expectWithinBound(
          dz,
          Array.from(dp, (_, at) => jacobian(at, (v) => v)),
          Array.from(dp, (_, at) => jacobian(at, Math.abs)),
          n + 6,
        );
        const same = dp.slice();
        softmaxBackward(same, same, p, rows, n);
        expect(same).toEqual(dz);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const six = from(dtype, [1, 2, 3, 4, 5, 6]);
    expectRejects(softmax, 'p z rows n', [six, six, 2, 3]);
    expectRejects(softmaxBackward, 'dz dp p rows n', [six, six, six, 2, 3]);
  });
});

it('softmax agrees with NumPy', () => {
  const [rows, n] = [softmaxRows.z.length, softmaxRows.z[0].length];
  const p = new Float64Array(rows * n);
  softmax(p, Float64Array.from(softmaxRows.z.flat()), rows, n);
  for (const [at, want] of softmaxRows.softmax.flat().entries()) expectGolden([p[at]], [want], 1e-14);
});
