import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setSimd } from '../../src/simd/choice.ts';
import { exp } from '../../src/simd/exp.ts';
import { sigmoid } from '../../src/simd/sigmoid.ts';
import { softmax } from '../../src/simd/softmax.ts';
import { tanh } from '../../src/simd/tanh.ts';
import { expOf } from '../../src/tensor/exp.ts';
import { logistic } from '../../src/tensor/sigmoid.ts';
import * as loops from '../../src/tensor/softmax.ts';
import { tanhOf } from '../../src/tensor/tanh.ts';
import { expectRejects, from, numbers, size } from '../tensor/support.ts';
import { expectNear, gamma, probes, worstUlps } from '../wasm/support.ts';
import { byLoops, bySimd, resetAfterEach, waysOf } from './support.ts';

resetAfterEach();

describe.each([
  { f: tanh, exact: tanhOf, ulps: 3, lines: [1, 20, 2e4] },
  { f: sigmoid, exact: logistic, ulps: 4, lines: [1, 20, 110] },
  { f: exp, exact: expOf, ulps: 2, lines: [1, 20, 110] },
])('$f.name', ({ f, exact, ulps, lines }) => {
  it('by SIMD is within its ulps, in place too', () => {
    const x = probes(2001, lines);
    const y = new Float32Array(x.length);
    expect(waysOf('auto', () => f(y, x))).toEqual(bySimd);
    expect(worstUlps(y, x, exact)).toBeLessThanOrEqual(ulps);
    f(x, x);
    expect(x).toEqual(y);
  });

  it('goes by SIMD where it pays and may, by the loops elsewhere', () => {
    const [x, y, wide] = [new Float32Array(1000), new Float32Array(1000), new Float64Array(1000)];
    expect(waysOf('auto', () => f(y.subarray(10), x.subarray(10)))).toEqual(bySimd);
    expect(waysOf('auto', () => f(y.subarray(990), x.subarray(990)))).toEqual(byLoops);
    expect(waysOf('always', () => f(y.subarray(995), x.subarray(995)))).toEqual(bySimd);
    expect(waysOf('never', () => f(y, x))).toEqual(byLoops);
    expect(waysOf('always', () => f(wide, wide))).toEqual(byLoops);
  });

  it('by SIMD refuses what the loops refuse', () => {
    setSimd('always');
    expectRejects(f, 'y x', [from('float32', [1, 2]), from('float32', [3, 4])]);
  });
});

describe('softmax', () => {
  it('by SIMD is within rounding of the float64 loops, in place too', () => {
    const cases = fc
      .tuple(size, size)
      .chain(([rows, n]) => fc.tuple(fc.constant(rows), fc.constant(n), numbers('float32', rows * n, 30)));
    fc.assert(
      fc.property(cases, fc.boolean(), ([rows, n, z], inPlace) => {
        const want = new Float64Array(z.length);
        loops.softmax(want, Float64Array.from(z), rows, n);
        const p = inPlace ? z : new Float32Array(z.length);
        // z − max is rounded by up to 60·u, which exp makes a relative error; 2 ulp are 4 u, then a sum and a quotient.
        expect(waysOf('always', () => softmax(p, z, rows, n))).toEqual(bySimd);
        expectNear(p, want, (i) => gamma(60 + 4 + 4 + n + 1) * want[i] + 2 ** -149);
      }),
    );
  });

  it('goes by SIMD where it pays and may, by the loops elsewhere', () => {
    const [x, wide] = [new Float32Array(1000), new Float64Array(1000)];
    expect(waysOf('auto', () => softmax(x, x, 10, 100))).toEqual(bySimd);
    expect(x[999]).toBeCloseTo(0.01, 8);
    expect(waysOf('auto', () => softmax(x.subarray(900), x.subarray(900), 10, 10))).toEqual(byLoops);
    expect(waysOf('never', () => softmax(x, x, 10, 100))).toEqual(byLoops);
    expect(waysOf('always', () => softmax(wide, wide, 10, 100))).toEqual(byLoops);
  });

  it('by SIMD refuses what the loops refuse', () => {
    setSimd('always');
    const six = from('float32', [1, 2, 3, 4, 5, 6]);
    expectRejects(softmax, 'p z rows n', [six, six.slice(), 2, 3]);
    expect(() => softmax(six, six, -2, -3)).toThrow(RangeError);
  });
});
