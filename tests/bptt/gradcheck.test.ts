import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assertGradcheck,
  formatGradcheck,
  type GradcheckReport,
  gradcheck,
  type Params,
  type VectorFunction,
} from '../../src/bptt/gradcheck.ts';
import { RandomState } from '../../src/tensor/random.ts';

const random = new RandomState(7);

type X = { x: Float64Array };
type FastSlow = { fast: Float64Array; slow: Float64Array };
type AB = { a: Float64Array; b: Float64Array };

/** y[i] = f(x[i]) with the derivative df. */
function elementwise(f: (x: number) => number, df: (x: number) => number): VectorFunction<X> {
  return {
    forward: ({ x }) => x.map(f),
    backward: (dOut, { x }) => ({ x: dOut.map((d, i) => d * df(x[i])) }),
  };
}

const relu = elementwise(
  (x) => Math.max(x, 0),
  (x) => (x > 0 ? 1 : 0),
);

/** C[2,2] = A[2,3]·B[3,2], with `spoil` to plant a mistake in its gradients. */
function product(spoil: (gradients: AB) => void = () => {}): VectorFunction<AB> {
  return {
    forward({ a, b }) {
      const c = new Float64Array(4);
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 2; j++) {
          for (let k = 0; k < 3; k++) c[i * 2 + j] += a[i * 3 + k] * b[k * 2 + j];
        }
      }
      return c;
    },
    backward(dOut, { a, b }) {
      const gradients = { a: new Float64Array(6), b: new Float64Array(6) };
      for (let i = 0; i < 2; i++) {
        for (let j = 0; j < 2; j++) {
          for (let k = 0; k < 3; k++) {
            gradients.a[i * 3 + k] += dOut[i * 2 + j] * b[k * 2 + j];
            gradients.b[k * 2 + j] += dOut[i * 2 + j] * a[i * 3 + k];
          }
        }
      }
      spoil(gradients);
      return gradients;
    },
  };
}

const matrices = () => ({ a: random.randn(6), b: random.randn(6) });

function softmax(x: Float64Array): Float64Array {
  const e = x.map(Math.exp);
  const sum = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / sum);
}

/** dx = factor·y·(dOut − Σ dOut·y): right for factor 1. With dOut all ones it is 0 for every factor. */
function softmaxTimes(factor: number): VectorFunction<X> {
  return {
    forward: ({ x }) => softmax(x),
    backward(dOut, { x }) {
      const y = softmax(x);
      const mean = y.reduce((s, v, i) => s + v * dOut[i], 0);
      return { x: y.map((v, i) => factor * v * (dOut[i] - mean)) };
    },
  };
}

const wrong = (report: GradcheckReport) => report.checks.filter(({ verdict }) => verdict === 'wrong');

describe('right gradients pass', () => {
  test('of outputs', () => {
    const report = gradcheck(product(), matrices());
    expect(report).toMatchObject({ passed: true, failures: [], checked: 12, inconclusive: 0, kinks: [], seed: 0 });
    expect(report).toMatchObject({ mode: 'full', tolerance: 1e-7 });
    expect(report.checks.map(({ parameter, index }) => `${parameter}${index}`).join(' ')).toBe(
      'a0 a1 a2 a3 a4 a5 b0 b1 b2 b3 b4 b5',
    );
    expect(report.worst?.relativeError).toBeLessThan(1e-12);
    expect(report.worst?.relativeError).toBe(Math.max(...report.checks.map(({ relativeError }) => relativeError)));
  });

  test('of a loss', () => {
    const fn = {
      loss: ({ w, b }: { w: Float64Array; b: Float64Array }) => Math.sin(w[0] * w[1]) + Math.exp(b[0]),
      gradients: ({ w, b }: { w: Float64Array; b: Float64Array }) => ({
        w: Float64Array.of(w[1] * Math.cos(w[0] * w[1]), w[0] * Math.cos(w[0] * w[1])),
        b: b.map(Math.exp),
      }),
    };
    const report = assertGradcheck(fn, { w: Float64Array.of(0.5, -2), b: Float64Array.of(1) });
    expect(report.checked).toBe(3);
    expect(report.worst?.relativeError).toBeLessThan(1e-10);
  });

  test.each<[string, (x: number) => number, (x: number) => number, number, number]>([
    ['exp', Math.exp, Math.exp, -5, 5],
    ['sin', Math.sin, Math.cos, -10, 10],
    ['tanh', Math.tanh, (x) => 1 / Math.cosh(x) ** 2, -5, 5],
    ['log', Math.log, (x) => 1 / x, 0.01, 5],
    ['sqrt', Math.sqrt, (x) => 0.5 / Math.sqrt(x), 0.001, 5],
    ['a bell', (x) => Math.exp(-x * x), (x) => -2 * x * Math.exp(-x * x), -4, 4],
    ['a needle', (x) => 1 / (1 + 25 * x * x), (x) => (-50 * x) / (1 + 25 * x * x) ** 2, -2, 2],
    ['a steep step', (x) => Math.tanh(1000 * x), (x) => 1000 / Math.cosh(1000 * x) ** 2, -0.003, 0.003],
  ])('%s: and the estimated error bounds the error', (_, f, df, min, max) => {
    fc.assert(
      fc.property(fc.double({ min, max, noNaN: true }), (x) => {
        const fn = { loss: (p: X) => f(p.x[0]), gradients: (p: X) => ({ x: p.x.map(df) }) };
        const report = gradcheck(fn, { x: Float64Array.of(x) });
        expect(report).toMatchObject({ passed: true, checked: 1 });
        expect(report.checks[0].absoluteError).toBeLessThanOrEqual(report.checks[0].estimatedError);
        expect(report.checks[0].relativeError).toBeLessThan(1e-8);
      }),
      { numRuns: 500 },
    );
  });

  test.each([1e-6, 1e-3, 1e3, 1e6])('of badly scaled inputs and outputs: %f', (scale) => {
    for (const outer of [1e-6, 1, 1e6]) {
      const fn = elementwise(
        (x) => outer * Math.sin(x * scale),
        (x) => outer * scale * Math.cos(x * scale),
      );
      const x = random.randn(20).map((v) => v / scale);
      expect(assertGradcheck(fn, { x }).worst?.relativeError).toBeLessThan(1e-9);
    }
  });

  test('of parameters a million millions apart, and a mistake in the small one shows', () => {
    const fn = (factor: number) => ({
      loss: (p: FastSlow) => Math.sin(1e6 * p.fast[0]) + Math.sin(1e-6 * p.slow[0]),
      gradients: (p: FastSlow) => ({
        fast: p.fast.map((x) => 1e6 * Math.cos(1e6 * x)),
        slow: p.slow.map((x) => factor * 1e-6 * Math.cos(1e-6 * x)),
      }),
    });
    const params = { fast: Float64Array.of(0.7e-6), slow: Float64Array.of(0.3e6) };
    assertGradcheck(fn(1), params);
    expect(wrong(gradcheck(fn(1.001), params))).toMatchObject([{ parameter: 'slow' }]);
  });

  test('of nothing: gradients that are zero', () => {
    const constant = (value: number) => ({ loss: () => value, gradients: (p: X) => ({ x: p.x.map(() => 0) }) });
    for (const value of [0, 5, 1e-300, 1e300]) {
      const report = assertGradcheck(constant(value), { x: Float64Array.of(0, 1, -2) });
      expect(report.worst).toMatchObject({ numeric: 0, absoluteError: 0, relativeError: 0 });
    }
    const sumOfSoftmax = { ...constant(0), loss: (p: X) => softmax(p.x).reduce((s, v) => s + v, 0) };
    expect(assertGradcheck(sumOfSoftmax, { x: random.randn(5) }).checked).toBe(5);
  });
});

describe('wrong gradients fail', () => {
  test.each<[string, VectorFunction<AB>]>([
    ['sign', product(({ a }) => a.set(a.map((g) => -g)))],
    ['factor 2', product(({ b }) => b.set(b.map((g) => 2 * g)))],
    ['a millionth off', product(({ b }) => b.set(b.map((g) => g * (1 + 1e-6))))],
    ['dropped', product(({ a }) => a.fill(0))],
    ['transposed', product(({ b }) => b.set([b[0], b[2], b[4], b[1], b[3], b[5]]))],
    ['swapped', product(({ a, b }) => a.set(b))],
    ['one element', product(({ a }) => a.set([a[4] + 1e-5], 4))],
  ])('%s, in every mode', (_, fn) => {
    const params = matrices();
    for (const mode of ['full', 'sampled', 'directional'] as const) {
      expect(gradcheck(fn, params, { mode })).toMatchObject({ passed: false });
      expect(() => assertGradcheck(fn, params, { mode })).toThrow('FAILED');
    }
  });

  test('a dropped term of a sum', () => {
    const fn = elementwise(
      (x) => x * Math.tanh(x),
      (x) => Math.tanh(x),
    );
    expect(wrong(gradcheck(fn, { x: random.randn(8) }))).toHaveLength(8);
  });

  test('one wrong element among thousands is found and named', () => {
    const fn = elementwise(Math.sin, Math.cos);
    const spoilt = {
      ...fn,
      backward(dOut: Float64Array, params: X) {
        const gradients = fn.backward(dOut, params) as X;
        gradients.x[1234] *= 1.0001;
        return gradients;
      },
    };
    const x = random.randn(1500);
    expect(wrong(gradcheck(spoilt, { x }))).toMatchObject([{ parameter: 'x', index: 1234 }]);
    expect(gradcheck(spoilt, { x }, { mode: 'directional', samples: 3 }).passed).toBe(false);
    expect(gradcheck(spoilt, { x }, { mode: 'sampled' }).passed).toBe(true);
  });

  test('a softmax wrong by a factor, which a probe with sum(out) would pass', () => {
    const x = random.randn(5);
    const ones = softmaxTimes(3).backward(new Float64Array(5).fill(1), { x });
    for (const g of (ones as X).x) expect(g).toBeCloseTo(0, 15);
    expect(gradcheck(softmaxTimes(1), { x }).passed).toBe(true);
    expect(wrong(gradcheck(softmaxTimes(3), { x }))).toHaveLength(5);
  });

  describe('that are not the same at every call', () => {
    const x = () => ({ x: Float64Array.of(0.3, -1, 2) });
    const square = ({ x }: X) => x.map((v) => v * v);
    const slope = (dOut: Float64Array, { x }: X) => x.map((v, i) => 2 * v * dOut[i]);
    /** Right at the calls of which `right` says so, counted from 1. */
    const rightAt = (right: (call: number) => boolean) => {
      let call = 0;
      const backward = (dOut: Float64Array, params: X): Params => {
        call++;
        const gradient = slope(dOut, params);
        return { x: right(call) ? gradient : gradient.map((g) => g * (1 + 2 ** -52)) };
      };
      return { forward: square, backward };
    };

    test.each(['full', 'sampled', 'directional'] as const)('added to what an earlier call left, %s', (mode) => {
      const dx = new Float64Array(3);
      const backward = (dOut: Float64Array, params: X) => {
        slope(dOut, params).forEach((g, i) => {
          dx[i] += g;
        });
        return { x: dx };
      };
      const report = gradcheck({ forward: square, backward }, x(), { mode });
      expect(report.passed).toBe(false);
      expect(report.failures[0]).toMatch(/^the gradient x\[0\] was (\S+), but \S+ when called again$/);
      expect(formatGradcheck(report)).toContain('when called again');
      let total = 0;
      const gradients = (p: X) => {
        total += 2 * p.x[0];
        return { x: Float64Array.of(total) };
      };
      const summed = gradcheck({ loss: (p: X) => p.x[0] ** 2, gradients }, { x: Float64Array.of(0.5) }, { mode });
      expect(summed.failures).toEqual(['the gradient x[0] was 1, but 2 when called again']);
    });

    test('right the first time only, or until the parameters have moved; a last bit is enough', () => {
      expect(
        gradcheck(
          rightAt(() => true),
          x(),
        ).failures,
      ).toEqual([]);
      expect(
        gradcheck(
          rightAt((call) => call === 1),
          x(),
        ).failures,
      ).toEqual([expect.stringMatching(/^the gradient x\[0\] was .* when called again$/)]);
      expect(
        gradcheck(
          rightAt((call) => call <= 2),
          x(),
        ).failures,
      ).toEqual([expect.stringMatching(/^the gradient x\[0\] was .* after other losses$/)]);
    });
  });

  test('a gradient where there should be none', () => {
    const fn = { loss: () => 5, gradients: () => ({ x: Float64Array.of(0, 1e-9) }) };
    expect(wrong(gradcheck(fn, { x: Float64Array.of(1, 1) }))).toMatchObject([{ index: 1, numeric: 0 }]);
  });
});

describe('noise excuses nothing', () => {
  const noise = (x: number) => 1e-7 * ((Math.sin(1e5 * x + 1) * 43758.5453) % 1);
  const noisy = (factor: number) =>
    elementwise(
      (x) => Math.sin(x) + noise(x),
      (x) => factor * Math.cos(x),
    );

  test('too inexact to decide is inconclusive, and fails', () => {
    const report = gradcheck(noisy(1), { x: random.randn(20) });
    expect(report.passed).toBe(false);
    expect(report.inconclusive).toBeGreaterThan(0);
    expect(report.failures.join()).toMatch(/\d+ of 20 inconclusive/);
    const x = Float64Array.of(0.3);
    const one = gradcheck(noisy(1), { x }, { maxInconclusive: 1 });
    expect(one.failures).toEqual(['nothing checked in x: 0 kinks, 1 inconclusive']);
    expect(formatGradcheck(one)).toMatch(/^x +0 +0 +1 +- +- +- +- +FAILED$/m);
    expect(gradcheck(noisy(1), { x: Float64Array.of(0.3, 0.4) }, { tolerance: 1e-3 }).passed).toBe(true);
  });

  test('a large estimated error does not hide a larger mistake', () => {
    for (const { verdict } of gradcheck(noisy(2), { x: random.randn(20) }).checks) expect(verdict).toBe('wrong');
  });

  test('nor does a loss of float32, flat at small steps, agree with a dropped gradient', () => {
    const fn = elementwise(
      (x) => Math.fround(Math.sin(x)),
      () => 0,
    );
    const report = gradcheck(fn, { x: random.randn(20) });
    expect(report.checks.filter(({ verdict }) => verdict === 'ok')).toHaveLength(0);
  });

  test('a few inconclusive elements among many may pass, and are counted', () => {
    const fn = {
      forward: ({ x }: X) => x.map((v, i) => Math.sin(v) + (i === 17 ? noise(v) : 0)),
      backward: (dOut: Float64Array, { x }: X) => ({ x: dOut.map((d, i) => d * Math.cos(x[i])) }),
    };
    const x = Float64Array.from({ length: 200 }, (_, i) => (i === 17 ? 0.6 : i / 100));
    expect(assertGradcheck(fn, { x })).toMatchObject({ checked: 199, inconclusive: 1 });
    expect(() => assertGradcheck(fn, { x }, { maxInconclusive: 0 })).toThrow('inconclusive: x[17]');
  });
});

describe('kinks', () => {
  test('relu at exactly 0 is skipped and reported, its neighbours are checked', () => {
    const x = Float64Array.of(-1, 0, 1, -0, 1e-3, -1e-3, 1e-4);
    const report = assertGradcheck(relu, { x });
    expect(report.kinks.map(({ index }) => index)).toEqual([1, 3]);
    expect(report.checked).toBe(5);
  });

  test('says by how much the slopes differ', () => {
    const fn = {
      loss: (p: X) => Math.abs(p.x[0]) + p.x[1],
      gradients: () => ({ x: Float64Array.of(0, 1) }),
    };
    const { kinks } = assertGradcheck(fn, { x: Float64Array.of(0, 1) });
    expect(kinks).toHaveLength(1);
    expect(kinks[0].jump).toBeCloseTo(2, 10);
  });

  test('no matter whether the analytic value happens to be the mean of both slopes', () => {
    const fn = elementwise(Math.abs, Math.sign); // 0 at 0, where central differences say 0 as well
    expect(gradcheck(fn, { x: Float64Array.of(0, 1) }).kinks).toMatchObject([{ parameter: 'x', index: 0 }]);
  });

  test('of a curved function, of a maximum with a tie, and nearer than any step', () => {
    const curved = elementwise(
      (x) => Math.abs(x) * Math.exp(x) + Math.cos(x),
      (x) => (Math.abs(x) + Math.sign(x)) * Math.exp(x) - Math.sin(x),
    );
    expect(assertGradcheck(curved, { x: Float64Array.of(0, 0.1, -0.01, 1) }).kinks).toHaveLength(1);
    const maximum = {
      loss: ({ x }: X) => Math.max(...x),
      gradients: ({ x }: X) => ({ x: x.map((_, i) => (i === x.indexOf(Math.max(...x)) ? 1 : 0)) }),
    };
    expect(assertGradcheck(maximum, { x: Float64Array.of(3, 1, 3, 2) }).kinks.map(({ index }) => index)).toEqual([
      0, 2,
    ]);
    expect(assertGradcheck(relu, { x: Float64Array.of(1e-13, 1) }).kinks).toHaveLength(1);
  });

  test('are met by directions too', () => {
    const report = gradcheck(relu, { x: new Float64Array(4) }, { mode: 'directional', samples: 3 });
    expect(report).toMatchObject({ passed: false, checked: 0, worst: undefined });
    expect(report.kinks).toHaveLength(3);
  });

  test('a sharp bend is none', () => {
    const fn = elementwise(
      (x) => Math.log1p(Math.exp(1000 * x)),
      (x) => 1000 / (1 + Math.exp(-1000 * x)),
    );
    expect(assertGradcheck(fn, { x: Float64Array.of(0, 1e-3, -1e-3) }).kinks).toHaveLength(0);
  });

  test('wherever it is, no right gradient of relu fails', () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -12, max: 0 }), (m, e) => {
        expect(gradcheck(relu, { x: Float64Array.of(m * 10 ** e, 1) })).toMatchObject({ passed: true });
      }),
    );
  });

  test('a check that skipped everything fails', () => {
    const report = gradcheck(relu, { x: new Float64Array(3) });
    expect(report).toMatchObject({ passed: false, checked: 0, checks: [], worst: undefined });
    expect(report.failures).toEqual(['nothing checked in x: 3 kinks, 0 inconclusive']);
    expect(() => assertGradcheck(relu, { x: new Float64Array(3) })).toThrow('nothing checked in x');
  });

  test('so does one that skipped all of one parameter', () => {
    const fn = {
      loss: (p: AB) => Math.abs(p.a[0]) + p.b[0],
      gradients: () => ({ a: Float64Array.of(0), b: Float64Array.of(1) }),
    };
    const report = gradcheck(fn, { a: Float64Array.of(0), b: Float64Array.of(1) });
    expect(report.failures).toEqual(['nothing checked in a: 1 kinks, 0 inconclusive']);
    expect(formatGradcheck(report)).toMatch(/^b .*ok\na .*FAILED$/m);
  });
});

describe('modes and seeds', () => {
  test('sampled: any element may be taken, another few with another seed', () => {
    const fn = elementwise(Math.sin, Math.cos);
    const x = random.randn(30);
    const taken = new Set<number>();
    const choices = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const { checks } = gradcheck(fn, { x }, { mode: 'sampled', samples: 5, seed });
      expect(new Set(checks.map(({ index }) => index)).size).toBe(5);
      for (const { index } of checks) taken.add(index);
      choices.add(checks.map(({ index }) => index).join());
    }
    // 200 draws miss a given one of 30 with probability (5/6)^40 = 7e-4; the seeds are fixed.
    expect(taken.size).toBe(30);
    expect(choices.size).toBeGreaterThan(35);
  });

  test('sampled: different elements, as many as asked for or there are', () => {
    const fn = product();
    const report = assertGradcheck(fn, matrices(), { mode: 'sampled', samples: 4 });
    expect(report.checked).toBe(8);
    for (const name of ['a', 'b']) {
      const indices = report.checks.filter(({ parameter }) => parameter === name).map(({ index }) => index);
      expect(new Set(indices).size).toBe(4);
    }
    expect(assertGradcheck(fn, matrices(), { mode: 'sampled' }).checked).toBe(12);
  });

  test('directional: one comparison a direction', () => {
    const report = assertGradcheck(product(), matrices(), { mode: 'directional', samples: 5 });
    expect(report.checks.map(({ parameter, index }) => `${parameter}${index}`)).toEqual(
      [0, 1, 2, 3, 4].map((i) => `direction${i}`),
    );
    expect(new Set(report.checks.map(({ analytic }) => analytic)).size).toBe(5);
  });

  test.each(['full', 'sampled', 'directional'] as const)('%s: the same seed gives the same report', (mode) => {
    const params = matrices();
    const run = (seed: number) => gradcheck(product(), params, { mode, seed, samples: 3 });
    expect(run(3)).toStrictEqual(run(3));
    expect(run(3).checks).not.toEqual(run(4).checks);
    expect(run(3)).toMatchObject({ mode, seed: 3 });
  });
});

describe('parameters are restored to the bit', () => {
  const values = [0.1, -0, 1e-310, 3, 0.1 + 0.2];

  test.each(['full', 'sampled', 'directional'] as const)('%s', (mode) => {
    const x = Float64Array.from(values);
    gradcheck(elementwise(Math.sin, Math.cos), { x }, { mode });
    expect([...x]).toStrictEqual(values);
  });

  test.each(['full', 'sampled', 'directional'] as const)('%s, when fn throws', (mode) => {
    const x = Float64Array.from(values);
    let calls = 0;
    const fn = {
      loss(): number {
        if (++calls === 12) throw new Error('twelfth call');
        return 1;
      },
      gradients: () => ({ x: new Float64Array(5) }),
    };
    expect(() => gradcheck(fn, { x }, { mode })).toThrow('twelfth call');
    expect([...x]).toStrictEqual(values);
  });
});

test('a workspace may reuse its buffers, and scribble on dOut', () => {
  const out = new Float64Array(3);
  const fn: VectorFunction<X> = {
    forward({ x }) {
      for (let i = 0; i < 3; i++) out[i] = Math.sin(x[i]);
      return out;
    },
    backward(dOut, { x }) {
      for (let i = 0; i < 3; i++) out[i] = dOut[i] * Math.cos(x[i]);
      dOut.fill(0);
      return { x: out };
    },
  };
  expect(assertGradcheck(fn, { x: Float64Array.of(1, 2, 3) }).checked).toBe(3);
});

describe('clear errors', () => {
  const x = Float64Array.of(1, 2);
  const returning = (gradients: unknown) => ({ loss: () => 1, gradients: () => gradients as Params });
  const losing = (...losses: number[]) => {
    const left = [...losses];
    return { loss: () => left.shift() ?? losses[losses.length - 1], gradients: () => ({ x: new Float64Array(2) }) };
  };
  const float32 = new Float32Array(2) as unknown as Float64Array;
  const ones = returning({ x });

  test.each<[string, () => unknown, new (m: string) => Error, string]>([
    ['float32', () => gradcheck(ones, { x: float32 }), TypeError, 'params.x is Float32Array, expected Float64Array'],
    [
      'no array',
      () => gradcheck(ones, { x: undefined as never }),
      TypeError,
      'params.x is undefined, expected Float64',
    ],
    ['no parameters', () => gradcheck(ones, {}), RangeError, 'params is empty, expected something to check'],
    [
      'no elements',
      () => gradcheck(ones, { x: new Float64Array() }),
      RangeError,
      'params.x has 0 elements, expected at',
    ],
    [
      'NaN parameter',
      () => gradcheck(ones, { x: Float64Array.of(1, NaN) }),
      RangeError,
      'params.x[1] is NaN, expected a',
    ],
    ['missing', () => gradcheck(returning({}), { x }), RangeError, "gradients lacks 'x', expected x"],
    ['surplus', () => gradcheck(returning({ x, y: x }), { x }), RangeError, "gradients has a surplus 'y', expected x"],
    [
      'length',
      () => gradcheck(returning({ x: new Float64Array(3) }), { x }),
      RangeError,
      'gradients.x has 3 elements, expected [length of params.x] = [2]',
    ],
    ['dtype', () => gradcheck(returning({ x: float32 }), { x }), TypeError, 'gradients.x is Float32Array, expected Fl'],
    [
      'NaN gradient',
      () => gradcheck(returning({ x: Float64Array.of(NaN, 0) }), { x }),
      RangeError,
      'gradients.x[0] is NaN',
    ],
    [
      'Inf gradient',
      () => gradcheck(returning({ x: Float64Array.of(0, -Infinity) }), { x }),
      RangeError,
      '[1] is -Infinity',
    ],
    ['NaN loss', () => gradcheck(losing(NaN), { x }), RangeError, 'the loss is NaN, expected a finite number'],
    [
      'Inf loss',
      () => gradcheck(losing(Infinity), { x }),
      RangeError,
      'the loss is Infinity, expected a finite number',
    ],
    ['memory', () => gradcheck(losing(1, 1, 2), { x }), RangeError, 'the loss is 2, expected 1 as before'],
    ['edge', () => gradcheck(losing(1, 1, 1, NaN), { x }), RangeError, 'the loss is not finite around x[0] = 1'],
    [
      'outputs',
      () => gradcheck({ forward: () => float32, backward: () => ({ x }) }, { x }),
      TypeError,
      'forward(params) is Float32Array, expected Float64Array',
    ],
    [
      'no outputs',
      () => gradcheck({ forward: () => new Float64Array(), backward: () => ({ x }) }, { x }),
      RangeError,
      'forward(params) has 0 elements',
    ],
    [
      'mode',
      () => gradcheck(ones, { x }, { mode: 'some' as 'full' }),
      RangeError,
      "mode is 'some', expected 'full', 'sam",
    ],
    [
      'samples',
      () => gradcheck(ones, { x }, { samples: 0 }),
      RangeError,
      'samples is 0, expected a whole number from 1',
    ],
    ['many samples', () => gradcheck(ones, { x }, { samples: 1e6 + 1 }), RangeError, 'samples is 1000001, expected'],
    ['half a sample', () => gradcheck(ones, { x }, { samples: 1.5 }), RangeError, 'samples is 1.5, expected a whole'],
    ['seed', () => gradcheck(ones, { x }, { seed: -1 }), RangeError, 'seed is -1, expected a whole number from 0'],
    [
      'tolerance',
      () => gradcheck(ones, { x }, { tolerance: 1 }),
      RangeError,
      'tolerance is 1, expected a number between',
    ],
    [
      'share',
      () => gradcheck(ones, { x }, { maxInconclusive: 2 }),
      RangeError,
      'maxInconclusive is 2, expected a share',
    ],
  ])('%s', (_, run, type, message) => {
    expect(run).toThrow(type);
    expect(run).toThrow(`gradcheck: ${message.startsWith('[') ? 'gradients.x' : ''}${message}`);
  });
});

describe('formatGradcheck', () => {
  test('of one report: a line for each parameter', () => {
    const report = gradcheck(product(), matrices());
    const lines = formatGradcheck(report).split('\n');
    expect(lines[0].split(/ +/)).toEqual([
      '',
      'checked',
      'kinks',
      'unsure',
      'relative',
      'absolute',
      'estimated',
      'worst',
      'at',
    ]);
    expect(lines[1]).toMatch(/^a +6 +0 +0 +\S+ +\S+ +\S+ +a\[\d\] +ok$/);
    expect(lines[2]).toMatch(/^b +6 +0 +0 +\S+ +\S+ +\S+ +b\[\d\] +ok$/);
    expect(lines.slice(3)).toEqual(['12 elements checked: ok']);
  });

  test('of one that failed: reasons, and the worst offenders first, at most ten', () => {
    const fn = elementwise(Math.exp, (x) => Math.exp(x) * (1 + x));
    const text = formatGradcheck(gradcheck(fn, { x: Float64Array.from({ length: 20 }, (_, i) => i / 10) }));
    const offenders = text.split('\n').filter((line) => line.startsWith('wrong: '));
    expect(offenders).toHaveLength(10);
    expect(offenders[0]).toMatch(/^wrong: x\[19\] is \S+, numeric \S+, relative error 6\.6e-1$/);
    expect(text).toContain('FAILED: 19 of 20 wrong (tolerance 1e-7, full, seed 0)');
    expect(text).toMatch(/20 elements checked: FAILED$/);
  });

  test('of many: a line for each name, and the total', () => {
    const good = { name: 'matmul', report: gradcheck(product(), matrices()) };
    const bad = { name: 'softmax', report: gradcheck(softmaxTimes(2), { x: random.randn(5) }) };
    const text = formatGradcheck([good, bad]);
    expect(text).toMatch(/^matmul +12 .* [ab]\[\d\] +ok$/m);
    expect(text).toMatch(/^softmax +5 .* x\[\d\] +FAILED$/m);
    expect(text).toContain('softmax: FAILED: 5 of 5 wrong');
    expect(text).toMatch(/\n17 elements checked in 2 functions: FAILED \(1 of 2\)$/);
    expect(formatGradcheck([good])).toMatch(/\n12 elements checked in 1 functions: ok$/);
  });

  test('of none at all: failed', () => {
    expect(formatGradcheck([])).toMatch(/0 elements checked in 0 functions: FAILED/);
  });
});

test.each<[unknown, string]>([
  [{ forward: () => Float64Array.of(1) }, 'gradcheck: fn.backward is undefined, expected a function'],
  [{ loss: () => 1 }, 'gradcheck: fn.gradients is undefined, expected a function'],
  [{ loss: 1, gradients: () => ({}) }, 'gradcheck: fn.loss is 1, expected a function'],
  [{}, 'gradcheck: fn is {}, expected { loss, gradients } or { forward, backward }'],
  [undefined, 'gradcheck: fn is undefined, expected { loss, gradients } or { forward, backward }'],
  [Math.sin, 'gradcheck: fn is a function sin, expected { loss, gradients } or { forward, backward }'],
])('what is no function under check is named, %#', (fn, message) => {
  expect(() => assertGradcheck(fn as never, { x: Float64Array.of(1) })).toThrow(TypeError(message));
});
