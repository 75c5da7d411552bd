import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layerNorm, layerNormBackward } from '../../src/tensor/layerNorm.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { dtypes, expectRejects, expectWithinBound, from, garbage, numbers, size, total } from './support.ts';

const EPS = 1e-5;

describe.each(dtypes)('layerNorm, %s', (dtype) => {
  const cases = fc.tuple(size, fc.integer({ min: 1, max: 9 })).chain(([rows, n]) =>
    fc.record({
      rows: fc.constant(rows),
      n: fc.constant(n),
      // whole numbers, so that the means have few digits and variances are not all rounding
      x: fc
        .array(fc.integer({ min: -50, max: 50 }), { minLength: rows * n, maxLength: rows * n })
        .map((x) => from(dtype, x)),
      gain: numbers(dtype, n),
      bias: numbers(dtype, n),
      dy: numbers(dtype, rows * n),
    }),
  );

  const forward = (x: FloatArray, gain: FloatArray, bias: FloatArray, rows: number, n: number) => {
    const out = { y: garbage(dtype, rows * n), normalized: garbage(dtype, rows * n), inverse: garbage(dtype, rows) };
    layerNorm(out.y, out.normalized, out.inverse, x, gain, bias, EPS, rows, n);
    return out;
  };

  it('is gain·(x − mean)/sqrt(var + eps) + bias of its row, in place too', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, gain, bias }) => {
        const { y, normalized, inverse } = forward(x, gain, bias, rows, n);
        const rowOf = (at: number) => x.subarray(at - (at % n), at - (at % n) + n);
        const variance = (row: FloatArray) => {
          // (1/n²)·Σ_i Σ_k (x_i − x_k)²/2, exact for whole numbers, is the variance without a mean
          return total(row, (a) => total(row, (b) => (a - b) ** 2)) / (2 * n * n);
        };
        const wantInverse = Array.from(inverse, (_, r) => 1 / Math.sqrt(variance(x.subarray(r * n, r * n + n)) + EPS));
        expectWithinBound(inverse, wantInverse, wantInverse, 2 * n + 8);
        // n·x − Σx is exact; the mean has an error of a rounding of numbers up to 50
        const unit = (at: number) => wantInverse[Math.floor(at / n)];
        const want = Array.from(x, (v, at) => ((n * v - total(rowOf(at), (u) => u)) / n) * unit(at));
        const magnitude = Array.from(x, (_, at) => 100 * unit(at));
        expectWithinBound(normalized, want, magnitude, 2 * n + 12);
        expectWithinBound(
          y,
          want.map((v, at) => gain[at % n] * v + bias[at % n]),
          magnitude.map((m, at) => Math.abs(gain[at % n]) * m + Math.abs(bias[at % n])),
          2 * n + 14,
        );
        const same = x.slice();
        layerNorm(same, normalized, inverse, same, gain, bias, EPS, rows, n);
        expect(same).toEqual(y);
      }),
    );
  });

  it('rows of equal numbers give the bias; a large common part is taken out exactly', () => {
    const [gain, bias] = [from(dtype, [2, 3]), from(dtype, [0.5, -1])];
    const { y, inverse } = forward(from(dtype, [7, 7, -1e4, -1e4]), gain, bias, 2, 2);
    expect(y).toEqual(from(dtype, [0.5, -1, 0.5, -1]));
    expect(inverse).toEqual(from(dtype, [1 / Math.sqrt(EPS), 1 / Math.sqrt(EPS)]));
    const far = forward(from(dtype, [2 ** 20, 2 ** 20 + 2]), from(dtype, [1, 1]), from(dtype, [0, 0]), 1, 2);
    const unit = 1 / Math.sqrt(1 + EPS);
    expect(far.y).toEqual(from(dtype, [-unit, unit]));
  });

  it('backward is the sum over the outputs of dy·∂y/∂x written out, in place too; it adds to dgain and dbias', () => {
    fc.assert(
      fc.property(cases, ({ rows, n, x, gain, bias, dy }) => {
        const { normalized, inverse } = forward(x, gain, bias, rows, n);
        const [dx, dgain, dbias] = [garbage(dtype, rows * n), gain.slice(), bias.slice()];
        layerNormBackward(dx, dgain, dbias, dy, normalized, inverse, gain, rows, n);
        // ∂x̂_k/∂x_j = inverse·(δ_kj − 1/n − x̂_k·x̂_j/n)
        const terms = (at: number, f: (v: number) => number) => {
          const r = Math.floor(at / n);
          let sum = 0;
          for (let k = r * n; k < r * n + n; k++) {
            const g = dy[k] * gain[k % n] * inverse[r];
            sum += f(k === at ? g : 0) + f(-g / n) + f((-g * normalized[k] * normalized[at]) / n);
          }
          return sum;
        };
        expectWithinBound(
          dx,
          Array.from(dx, (_, at) => terms(at, (v) => v)),
          Array.from(dx, (_, at) => terms(at, Math.abs)),
          3 * n + 10,
        );
        const columns = (j: number, f: (at: number) => number) => {
          let sum = 0;
          for (let r = 0; r < rows; r++) sum += f(r * n + j);
          return sum;
        };
        expectWithinBound(
          dgain,
          Array.from(gain, (v, j) => v + columns(j, (at) => dy[at] * normalized[at])),
          Array.from(gain, (v, j) => Math.abs(v) + columns(j, (at) => Math.abs(dy[at] * normalized[at]))),
          rows + 3,
        );
        expectWithinBound(
          dbias,
          Array.from(bias, (v, j) => v + columns(j, (at) => dy[at])),
          Array.from(bias, (v, j) => Math.abs(v) + columns(j, (at) => Math.abs(dy[at]))),
          rows + 3,
        );
        const same = dy.slice();
        layerNormBackward(same, gain.slice(), bias.slice(), same, normalized, inverse, gain, rows, n);
        expect(same).toEqual(dx);
      }),
    );
  });

  it('rejects bad arguments', () => {
    const six = from(dtype, [1, 2, 3, 4, 5, 6]);
    const [two, three] = [six.slice(0, 2), six.slice(0, 3)];
    expectRejects(layerNorm, 'y normalized inverse x gain bias eps rows n', [
      six,
      six,
      two,
      six,
      three,
      three,
      EPS,
      2,
      3,
    ]);
    const args = [six, three, three, six, six, two, three, 2, 3];
    expectRejects(layerNormBackward, 'dx dgain dbias dy normalized inverse gain rows n', args);
    const none = from(dtype, []);
    expect(() => layerNorm(none, none, two, none, none, none, EPS, 2, 0)).toThrow(
      RangeError('layerNorm: n is 0, expected at least 1'),
    );
    for (const eps of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => layerNorm(six, six, two, six, three, three, eps, 2, 3)).toThrow(
        RangeError(`layerNorm: eps is ${eps}, expected a positive number`),
      );
    }
  });
});
