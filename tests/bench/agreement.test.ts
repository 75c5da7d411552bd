import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lossJudge, productJudge, symbolJudge } from '../../bench/agreement.ts';

describe('lossJudge', () => {
  const judge = lossJudge([100, 50], 1e-3);

  it('takes losses within the tolerance', () => {
    expect(judge([100.09, 49.96])).toBeUndefined();
  });

  it('names the step, both losses and the tolerance', () => {
    expect(judge([100, 50.1])).toBe('the loss of step 1 is 50.1, expected 50 within 0.001');
  });

  it('refuses NaN, and results that end too soon', () => {
    expect(judge([Number.NaN, 50])).toContain('step 0 is NaN');
    expect(judge([100])).toContain('step 1 is undefined');
  });
});

describe('symbolJudge', () => {
  it('takes the same symbols and nothing else', () => {
    const judge = symbolJudge([4, 0, 7]);
    expect(judge([4, 0, 7])).toBeUndefined();
    expect(judge([4, 1, 7])).toBe('symbol 1 is 1, expected 0');
    expect(judge([4, 0])).toBe('symbol 2 is undefined, expected 7');
  });
});

describe('productJudge', () => {
  const N = 5;
  const matrix = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: N * N, maxLength: N * N });

  /** In float32 after every operation, the terms from last to first. */
  function backwards(a: number[], b: number[]): Float32Array {
    return Float32Array.from({ length: N * N }, (_, at) => {
      const [i, j] = [Math.floor(at / N), at % N];
      let sum = 0;
      for (let k = N - 1; k >= 0; k--) sum = Math.fround(sum + Math.fround(a[i * N + k] * b[k * N + j]));
      return sum;
    });
  }

  it('takes a product in float32 in any order', () => {
    fc.assert(
      fc.property(matrix, matrix, (a, b) => {
        expect(productJudge(a, b, N)(backwards(a, b))).toBeUndefined();
      }),
    );
  });

  it('refuses an element that is off by more than the bound, wherever it is', () => {
    const ones = new Array(N * N).fill(1);
    const judge = productJudge(ones, ones, N);
    fc.assert(
      fc.property(fc.nat(N * N - 1), fc.constantFrom(-1, 1), (at, sign) => {
        const c = new Float64Array(N * N).fill(5);
        c[at] += sign * 5 * (N * 2 ** -24) * 1.01;
        expect(judge(c)).toMatch(new RegExp(`^c\\[${Math.floor(at / N)},${at % N}\\] is `));
      }),
    );
  });

  it('refuses a transposed operand, NaN, and results that end too soon', () => {
    const a = Array.from({ length: N * N }, (_, i) => i);
    const transposed = a.map((_, i) => a[(i % N) * N + Math.floor(i / N)]);
    const ones = new Array(N * N).fill(1);
    expect(productJudge(a, ones, N)(backwards(transposed, ones))).toBeDefined();
    expect(productJudge(a, ones, N)(backwards(a, ones).fill(Number.NaN))).toContain('c[0,0] is NaN');
    expect(productJudge(a, ones, N)(backwards(a, ones).subarray(0, N))).toContain('c[1,0] is undefined');
  });
});
