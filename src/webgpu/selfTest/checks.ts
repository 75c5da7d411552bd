import { expOf } from '../../tensor/exp.ts';
import { log1pOf, logOf } from '../../tensor/log.ts';
import type { RandomState } from '../../tensor/random.ts';
import type { Device } from '../device/device.ts';
import type { MatmulLayout, MatmulPlan } from '../kernels/matmulKernels.ts';
import { type Arrays, type KernelCheck, type Sizes, U } from './check.ts';
import { abs, type Floats, gamma, normal, overwritten, times } from './checkNumbers.ts';
import { type Functions, onHost } from './functions.ts';
import { layerNormChecks } from './layerNormChecks.ts';
import { updateChecks } from './updateChecks.ts';

type F = Readonly<Record<string, Float64Array>>;

/** Where formulas change their form and drivers have erred: both zeros, denormals, saturation. */
const SPECIAL = [0, -0, 1e-40, -1e-40, 1e-6, -1e-6, 0.624, -0.626, 9, -9, 20, -20, 89, -89, 1e4, -1e4];

/** Normal numbers with special ones among them. */
function spiced(random: RandomState, n: number, scale = 3): Floats {
  const x = normal(random, n, scale);
  for (let e = 0; e < n; e++) if (random.rand() < 0.2) x[e] = SPECIAL[random.randint(SPECIAL.length)];
  return x;
}

/** Logits: mostly near each other, at times one so far from the others that e^ of the difference overflows. */
function logits(random: RandomState, n: number): Floats {
  const far = [1e4, -1e4, 200, -200];
  const x = normal(random, n, 4);
  for (let e = 0; e < n; e++) if (random.rand() < 0.01) x[e] = far[random.randint(far.length)];
  return x;
}

/** Rows of probabilities, as float32 holds them. */
function probabilities(random: RandomState, rows: number, n: number): Floats {
  const p = new Float32Array(rows * n);
  onHost.softmax(p, normal(random, rows * n, 2), rows, n);
  return p;
}

/** Weights of rows, some of them 0. */
function weights(random: RandomState, rows: number): Floats {
  return Float32Array.from(random.uniform(0, 2, rows), (w) => (w < 0.5 ? 0 : w));
}

function ids(random: RandomState, n: number, below: number): Int32Array<ArrayBuffer> {
  return Int32Array.from(random.randint(0, below, n));
}

const sizes2 = { R: 40, n: 150 };

/** An elementwise function of x with its derivative; bounds in units in the last place of the result. */
function elementwise(
  name: 'tanh' | 'sigmoid' | 'exp' | 'relu',
  ulps: (x: number) => number,
  backwardBound: (y: number) => number,
): KernelCheck[] {
  return [
    {
      name,
      sizes: { n: 700 },
      outputs: ['y'],
      inPlace: ['y', 'x'],
      arrays: ({ n }, random) => ({ f: { y: overwritten(n), x: spiced(random, n) }, i: {} }),
      call: (k, { f: { y, x } }) => k[name](y, x),
      bound: ({ f: { x } }, { f: { y } }) => ({ y: y.map((v, e) => Math.abs(v) * U * ulps(x[e])) }),
    },
    {
      name: `${name}Backward`,
      sizes: { n: 700 },
      outputs: ['dx'],
      inPlace: ['dx', 'dy'],
      arrays({ n }, random) {
        const y = new Float32Array(n);
        onHost[name](y, normal(random, n, 2));
        return { f: { dx: overwritten(n), dy: normal(random, n), y }, i: {} };
      },
      call: (k, { f: { dx, dy, y } }) => k[`${name}Backward`](dx, dy, y),
      bound: ({ f: { dy, y } }) => ({ dx: dy.map((v, e) => Math.abs(v) * U * backwardBound(y[e])) }),
    },
  ];
}

/** e^x errs by 3 + 2|x| units, a quotient by 2.5, a sum or product by one. */
const expUlps = (x: number): number => 3 + 2 * Math.abs(x);

/** σ is e/(1 + e) or 1/(1 + e) with e = e^−|x|. */
const sigmoidUlps = (x: number): number => expUlps(x) + 4;

/** (1 − e)/(1 + e) with e = e^(−2t) passes on e's error by 2e/(1 − e²) = 1/sinh 2t. */
function tanhUlps(x: number): number {
  const t = Math.abs(x);
  return t < 0.6 ? 4 : 5 + (2 * expUlps(2 * t)) / (expOf(2 * t) - expOf(-2 * t));
}

type Draw = (random: RandomState, n: number) => Floats;

/** A function of n elements with outputs that are exact or, with `rounded`, rounded once. */
function elementCheck(
  name: string,
  outputs: readonly string[],
  inputs: Readonly<Record<string, Draw>>,
  call: (k: AnyFunctions, f: AnyTensors) => void,
  { inPlace, rounded = true }: { inPlace?: readonly [string, string]; rounded?: boolean } = {},
): KernelCheck {
  return {
    ...{ name, sizes: { n: 700 }, outputs, ...(inPlace && { inPlace }) },
    arrays: ({ n }, random) => ({
      f: {
        ...Object.fromEntries(outputs.map((output) => [output, overwritten(n)])),
        ...Object.fromEntries(Object.entries(inputs).map(([input, draw]) => [input, draw(random, n)])),
      },
      i: {},
    }),
    call: (k, { f }) => call(k as unknown as AnyFunctions, f as AnyTensors),
    bound: (_, { f }) =>
      rounded ? Object.fromEntries(outputs.map((output) => [output, times(abs(f[output]), U)])) : {},
  };
}

/** Of either side: a check that is written once has no use for their types. */
type AnyFunctions = Functions<unknown, unknown>;
type AnyTensors = Readonly<Record<string, unknown>>;

const exact = { rounded: false } as const;
/** Halves and quarters, so that the bounds of a clipping come up themselves. */
const quarters: Draw = (random, n) => normal(random, n).map((v) => Math.round(4 * v) / 4);
const withNaN =
  (draw: Draw): Draw =>
  (random, n) =>
    draw(random, n).map((v, e) => (e % 8 === 1 ? Number.NaN : v));

const elements: KernelCheck[] = [
  // 1 − y² errs by a unit of y² and one of itself, the product by one more.
  ...elementwise('tanh', tanhUlps, (y) => y * y + 3 * (1 - y * y)),
  ...elementwise('sigmoid', sigmoidUlps, (y) => 4 * y * (1 - y)),
  ...elementwise(
    'exp',
    (x) => expUlps(x) + 1,
    (y) => 2 * y,
  ),
  ...elementwise(
    'relu',
    () => 0,
    () => 0,
  ),
  elementCheck('relu of NaN', ['y'], { x: withNaN(normal) }, (k, { y, x }) => k.relu(y, x), exact),
  elementCheck('clip', ['y'], { x: withNaN(spiced) }, (k, { y, x }) => k.clip(y, x, -1.5, 0.75), {
    ...{ inPlace: ['y', 'x'], rounded: false },
  }),
  elementCheck(
    'clipBackward',
    ['dx'],
    { dy: normal, x: quarters },
    (k, { dx, dy, x }) => k.clipBackward(dx, dy, x, -1.5, 0.75),
    { inPlace: ['dx', 'dy'], rounded: false },
  ),
  elementCheck('clipByValue', ['grads'], { grads: spiced }, (k, { grads }) => k.clipByValue(grads, 1.25), exact),
  elementCheck('add', ['z'], { x: spiced, y: spiced }, (k, { z, x, y }) => k.add(z, x, y), { inPlace: ['z', 'x'] }),
  elementCheck('multiply', ['z'], { x: spiced, y: spiced }, (k, { z, x, y }) => k.multiply(z, x, y), {
    inPlace: ['z', 'y'],
  }),
  elementCheck('multiplyBackward', ['dx', 'dy'], { dz: normal, x: normal, y: normal }, (k, { dx, dy, dz, x, y }) =>
    k.multiplyBackward(dx, dy, dz, x, y),
  ),
  elementCheck('scale', ['y'], { x: spiced }, (k, { y, x }) => k.scale(y, x, -1.75), { inPlace: ['y', 'x'] }),
  {
    name: 'addScaled',
    sizes: { n: 700 },
    outputs: ['y'],
    arrays: ({ n }, random) => ({ f: { y: normal(random, n), x: normal(random, n) }, i: {} }),
    call: (k, { f: { y, x } }) => k.addScaled(y, x, -1.75),
    bound: ({ f: { y, x } }) => ({ y: y.map((v, e) => gamma(2) * (Math.abs(v) + 1.75 * Math.abs(x[e]))) }),
  },
  {
    name: 'addRow',
    sizes: sizes2,
    outputs: ['y'],
    inPlace: ['y', 'x'],
    arrays: ({ R, n }, random) => ({
      f: { y: overwritten(R * n), x: normal(random, R * n), b: normal(random, n) },
      i: {},
    }),
    call: (k, { f: { y, x, b } }, { R, n }) => k.addRow(y, x, b, R, n),
    bound: (_, { f: { y } }) => ({ y: times(abs(y), U) }),
  },
];

/** For each row: its largest logit, ln Σ e^(z − m), and how far wrong the sum is, relative to itself. */
function rowSums(z: Float64Array, R: number, n: number): { max: number; log: number; error: number }[] {
  return Array.from({ length: R }, (_, r) => {
    const row = z.subarray(r * n, (r + 1) * n);
    const max = Math.max(...row);
    let sum = 0;
    let error = 0;
    for (const v of row) {
      const e = expOf(v - max);
      sum += e;
      error += e * U * differenceUlps(v - max);
    }
    return { max, log: logOf(sum), error: error / sum + gamma(n + 16) };
  });
}

/** e^d of a rounded difference d. */
const differenceUlps = (d: number): number => expUlps(d) + Math.abs(d);

/** p = e^(z − m)/sum: the errors of the exponential, of the sum and of the quotient. */
function softmaxBound(z: Float64Array, p: Float64Array, R: number, n: number): Float64Array {
  const rows = rowSums(z, R, n);
  return p.map((v, e) => {
    const { max, error } = rows[Math.floor(e / n)];
    return v * (U * (differenceUlps(z[e] - max) + 3) + error);
  });
}

/** Of ln sum: the sum's own error, and the logarithm's, which is promised to 2⁻²¹ near 1 and to 3 units elsewhere. */
const logBound = (log: number, error: number): number => error + Math.max(2 ** -21, 3 * U * log);

const softmaxes: KernelCheck[] = [
  {
    name: 'softmax',
    sizes: sizes2,
    outputs: ['p'],
    inPlace: ['p', 'z'],
    arrays: ({ R, n }, random) => ({ f: { p: overwritten(R * n), z: logits(random, R * n) }, i: {} }),
    call: (k, { f: { p, z } }, { R, n }) => k.softmax(p, z, R, n),
    bound: ({ f: { z } }, { f: { p } }, { R, n }) => ({ p: softmaxBound(z, p, R, n) }),
  },
  {
    name: 'softmaxBackward',
    sizes: sizes2,
    outputs: ['dz'],
    inPlace: ['dz', 'dp'],
    arrays: ({ R, n }, random) => ({
      f: { dz: overwritten(R * n), dp: normal(random, R * n), p: probabilities(random, R, n) },
      i: {},
    }),
    call: (k, { f: { dz, dp, p } }, { R, n }) => k.softmaxBackward(dz, dp, p, R, n),
    bound({ f: { dp, p } }, _, { R, n }) {
      // |p|·(|dp| + Σ|dp||p|)
      const sums = new Float64Array(R);
      for (let e = 0; e < R * n; e++) sums[Math.floor(e / n)] += Math.abs(dp[e]) * p[e];
      return { dz: p.map((v, e) => gamma(n + 18) * v * (Math.abs(dp[e]) + sums[Math.floor(e / n)])) };
    },
  },
  {
    name: 'logSoftmax',
    sizes: sizes2,
    outputs: ['y'],
    inPlace: ['y', 'z'],
    arrays: ({ R, n }, random) => ({ f: { y: overwritten(R * n), z: logits(random, R * n) }, i: {} }),
    call: (k, { f: { y, z } }, { R, n }) => k.logSoftmax(y, z, R, n),
    bound({ f: { z } }, { f: { y } }, { R, n }) {
      const rows = rowSums(z, R, n);
      return {
        y: y.map((v, e) => {
          const { max, log, error } = rows[Math.floor(e / n)];
          return U * (Math.abs(z[e] - max) + Math.abs(v)) + logBound(log, error);
        }),
      };
    },
  },
  {
    name: 'logSoftmaxBackward',
    sizes: sizes2,
    outputs: ['dz'],
    inPlace: ['dz', 'dy'],
    arrays({ R, n }, random) {
      const y = new Float32Array(R * n);
      onHost.logSoftmax(y, normal(random, R * n, 2), R, n);
      return { f: { dz: overwritten(R * n), dy: normal(random, R * n), y }, i: {} };
    },
    call: (k, { f: { dz, dy, y } }, { R, n }) => k.logSoftmaxBackward(dz, dy, y, R, n),
    bound({ f: { dy, y } }, _, { R, n }) {
      const sums = new Float64Array(R);
      for (let e = 0; e < R * n; e++) sums[Math.floor(e / n)] += Math.abs(dy[e]);
      return {
        dz: y.map((v, e) => {
          const share = expOf(v) * sums[Math.floor(e / n)];
          return U * Math.abs(dy[e]) + (gamma(n + 18) + U * expUlps(v)) * share;
        }),
      };
    },
  },
  {
    name: 'softmaxCrossEntropyForward',
    sizes: { R: 40, V: 150 },
    outputs: ['losses', 'p'],
    inPlace: ['p', 'z'],
    arrays: ({ R, V }, random) => ({
      f: { losses: overwritten(R), p: overwritten(R * V), z: logits(random, R * V), w: weights(random, R) },
      i: { targets: ids(random, R, V) },
    }),
    call: (k, { f: { losses, p, z, w }, i: { targets } }, { R, V }) =>
      k.softmaxCrossEntropyForward(losses, p, z, targets, w, R, V),
    bound({ f: { z, w }, i: { targets } }, { f: { losses, p } }, { R, V }) {
      const rows = rowSums(z, R, V);
      return {
        losses: losses.map((loss, r) => {
          const { max, log, error } = rows[r];
          const difference = Math.abs(z[r * V + targets[r]] - max);
          return w[r] * (logBound(log, error) + U * difference) + 3 * U * Math.abs(loss);
        }),
        p: softmaxBound(z, p, R, V),
      };
    },
  },
  {
    name: 'softmaxCrossEntropyBackward',
    sizes: { R: 40, V: 150 },
    outputs: ['dz'],
    inPlace: ['dz', 'p'],
    arrays: ({ R, V }, random) => ({
      f: { dz: overwritten(R * V), p: probabilities(random, R, V), w: weights(random, R) },
      i: { targets: ids(random, R, V) },
    }),
    call: (k, { f: { dz, p, w }, i: { targets } }, { R, V }) => k.softmaxCrossEntropyBackward(dz, p, targets, w, R, V),
    bound: (_, { f: { dz } }) => ({ dz: times(abs(dz), gamma(2)) }),
  },
];

/** The arrays of a loss of values: weights of the rows, and for each row its targets and what they are compared with. */
const ofValues =
  (name: 'o' | 'z', compared: Draw, targets: Draw, ...outputs: readonly ('losses' | 'o' | 'dz' | 'dout')[]) =>
  ({ R, V }: Sizes, random: RandomState): ReturnType<KernelCheck['arrays']> => ({
    f: {
      ...Object.fromEntries(outputs.map((output) => [output, overwritten(output === 'losses' ? R : R * V)])),
      ...{ [name]: compared(random, R * V), targets: targets(random, R * V), w: weights(random, R) },
    },
    i: {},
  });
const shares: Draw = (random, n) => Float32Array.from(random.rand(n));
const rowsOfOutputs = { R: 40, V: 150 };

const losses: KernelCheck[] = [
  {
    name: 'sigmoidCrossEntropyForward',
    sizes: rowsOfOutputs,
    outputs: ['losses', 'o'],
    inPlace: ['o', 'z'],
    arrays: ofValues('z', logits, shares, 'losses', 'o'),
    call: (k, { f: { losses, o, z, targets, w } }, { R, V }) =>
      k.sigmoidCrossEntropyForward(losses, o, z, targets, w, R, V),
    bound({ f: { z, targets, w } }, { f: { losses, o } }, { R, V }) {
      const sums = new Float64Array(R);
      for (let e = 0; e < R * V; e++) {
        const x = Math.abs(z[e]);
        const log = log1pOf(expOf(-x));
        // ln(1 + e) passes on e's error at most in full; its series is some ten operations.
        sums[Math.floor(e / V)] += gamma(V + 18) * (x + x * targets[e] + log) + U * (expUlps(x) + 12) * log;
      }
      return {
        losses: losses.map((loss, r) => w[r] * sums[r] + U * Math.abs(loss)),
        o: o.map((v, e) => v * U * sigmoidUlps(z[e])),
      };
    },
  },
  {
    name: 'sigmoidCrossEntropyBackward',
    sizes: rowsOfOutputs,
    outputs: ['dz'],
    inPlace: ['dz', 'o'],
    arrays: ofValues('o', shares, shares, 'dz'),
    call: (k, { f: { dz, o, targets, w } }, { R, V }) => k.sigmoidCrossEntropyBackward(dz, o, targets, w, R, V),
    bound: (_, { f: { dz } }) => ({ dz: times(abs(dz), gamma(2)) }),
  },
  {
    name: 'squaredErrorForward',
    sizes: rowsOfOutputs,
    outputs: ['losses'],
    arrays: ofValues('o', normal, normal, 'losses'),
    call: (k, { f: { losses, o, targets, w } }, { R, V }) => k.squaredErrorForward(losses, o, targets, w, R, V),
    bound: (_, { f: { losses } }, { V }) => ({ losses: times(losses, gamma(V + 20)) }),
  },
  {
    name: 'squaredErrorBackward',
    sizes: rowsOfOutputs,
    outputs: ['dout'],
    inPlace: ['dout', 'o'],
    arrays: ofValues('o', normal, normal, 'dout'),
    call: (k, { f: { dout, o, targets, w } }, { R, V }) => k.squaredErrorBackward(dout, o, targets, w, R, V),
    bound: (_, { f: { dout } }) => ({ dout: times(abs(dout), gamma(3)) }),
  },
];

/** What a call that only adds and multiplies makes of the sizes of its numbers: Σ|a||b|, which bounds are multiples of. */
function magnitudes(check: Pick<KernelCheck, 'call'>, before: Arrays<Float64Array, Int32Array>, sizes: Sizes): F {
  const f = Object.fromEntries(Object.entries(before.f).map(([name, values]) => [name, abs(values)]));
  check.call(onHost, { f, i: before.i }, sizes);
  return f;
}

/** A kernel of sums of products, with the standard bound γ(operations)·Σ|a||b|. */
function linear(check: Omit<KernelCheck, 'bound'>, operations: (sizes: Sizes) => number): KernelCheck {
  return {
    ...check,
    bound(before, _, sizes) {
      const sums = magnitudes(check, before, sizes);
      const factor = gamma(operations(sizes));
      return Object.fromEntries(check.outputs.map((name) => [name, times(sums[name], factor)]));
    },
  };
}

const sums: KernelCheck[] = [
  linear(
    {
      name: 'sumAxis',
      sizes: { outer: 6, axis: 200, inner: 40 },
      outputs: ['y'],
      arrays: ({ outer, axis, inner }, random) => ({
        f: { y: overwritten(outer * inner), x: spiced(random, outer * axis * inner) },
        i: {},
      }),
      call: (k, { f: { y, x } }, { outer, axis, inner }) => k.sumAxis(y, x, outer, axis, inner),
    },
    ({ axis }) => axis + 64,
  ),
  linear(
    {
      name: 'sumAxis of a long axis',
      sizes: { axis: 10_000, inner: 3 },
      outputs: ['y'],
      arrays: ({ axis, inner }, random) => ({ f: { y: overwritten(inner), x: normal(random, axis * inner) }, i: {} }),
      call: (k, { f: { y, x } }, { axis, inner }) => k.sumAxis(y, x, 1, axis, inner),
    },
    ({ axis }) => axis + 64,
  ),
  {
    name: 'sumAxisBackward',
    sizes: { outer: 6, axis: 50, inner: 40 },
    outputs: ['dx'],
    arrays: ({ outer, axis, inner }, random) => ({
      f: { dx: overwritten(outer * axis * inner), dy: normal(random, outer * inner) },
      i: {},
    }),
    call: (k, { f: { dx, dy } }, { outer, axis, inner }) => k.sumAxisBackward(dx, dy, outer, axis, inner),
  },
  linear(
    {
      name: 'sumOfSquares',
      sizes: { n: 10_000 },
      outputs: ['y'],
      arrays: ({ n }, random) => ({ f: { y: overwritten(1), x: normal(random, n) }, i: {} }),
      call: (k, { f: { y, x } }) => k.sumOfSquares(y, x),
    },
    ({ n }) => n + 64,
  ),
  {
    name: 'clipByNorm',
    sizes: { n: 10_000 },
    outputs: ['norm', 'grads'],
    arrays: ({ n }, random) => ({ f: { norm: overwritten(1), grads: normal(random, n) }, i: {} }),
    // A norm of about √n: some are clipped and some are not.
    call: (k, { f: { norm, grads } }) => k.clipByNorm(norm, grads, 8),
    // Half the error of the square, 5 units for the root, and for the factor 1 + 2.5 + 1.
    bound: (_, { f: { norm, grads } }, { n }) => ({
      norm: times(norm, gamma((n + 64) / 2 + 5)),
      grads: times(abs(grads), gamma((n + 64) / 2 + 10)),
    }),
  },
  linear(
    {
      name: 'addRowBackward',
      sizes: { R: 300, n: 40 },
      outputs: ['db'],
      arrays: ({ R, n }, random) => ({ f: { db: normal(random, n), dy: normal(random, R * n) }, i: {} }),
      call: (k, { f: { db, dy } }, { R, n }) => k.addRowBackward(db, dy, R, n),
    },
    ({ R }) => R + 64,
  ),
  {
    name: 'maxAxis',
    sizes: { outer: 6, axis: 50, inner: 40 },
    outputs: ['y', 'argmax'],
    arrays({ outer, axis, inner }, random) {
      // Few different numbers, so that the first of several must be found; now and then NaN.
      const x = Float32Array.from(random.randint(-4, 5, outer * axis * inner));
      for (let e = 0; e < x.length; e++) if (random.rand() < 0.01) x[e] = Number.NaN;
      return {
        f: { y: overwritten(outer * inner), x },
        i: { argmax: new Int32Array(outer * inner).fill(-1) },
      };
    },
    call: (k, { f: { y, x }, i: { argmax } }, { outer, axis, inner }) => k.maxAxis(y, argmax, x, outer, axis, inner),
  },
  {
    name: 'maxAxisBackward',
    sizes: { outer: 6, axis: 50, inner: 40 },
    outputs: ['dx'],
    arrays: ({ outer, axis, inner }, random) => ({
      f: { dx: overwritten(outer * axis * inner), dy: normal(random, outer * inner) },
      i: { argmax: ids(random, outer * inner, axis) },
    }),
    call: (k, { f: { dx, dy }, i: { argmax } }, { outer, axis, inner }) =>
      k.maxAxisBackward(dx, dy, argmax, outer, axis, inner),
  },
];

/** Few different ids at times, so that many rows share one. */
function repeatedIds(random: RandomState, R: number, V: number): Int32Array<ArrayBuffer> {
  return ids(random, R, random.rand() < 0.5 ? V : Math.min(V, 3));
}

const gathers: KernelCheck[] = (['Rows', 'Columns'] as const).flatMap((along) => {
  const table = (random: RandomState, { V, n }: Sizes): Floats => normal(random, V * n);
  return [
    {
      name: `gather${along}`,
      sizes: { R: 200, V: 60, n: 20 },
      outputs: ['y'],
      arrays: (s, random) => ({
        f: { y: overwritten(s.R * s.n), table: table(random, s) },
        i: { ids: repeatedIds(random, s.R, s.V) },
      }),
      call: (k, { f, i }, { R, V, n }) => k[`gather${along}`](f.y, f.table, i.ids, R, V, n),
    },
    linear(
      {
        name: `gather${along}Backward`,
        sizes: { R: 200, V: 60, n: 20 },
        outputs: ['dtable'],
        arrays: (s, random) => ({
          f: { dtable: table(random, s), dy: normal(random, s.R * s.n) },
          i: { ids: repeatedIds(random, s.R, s.V) },
        }),
        call: (k, { f, i }, { R, V, n }) => k[`gather${along}Backward`](f.dtable, f.dy, i.ids, R, V, n),
      },
      ({ R }) => R,
    ),
  ];
});

/** A term of a sum of K products passes K + 2 roundings at most; up to 8 parts, a bias and an old value add theirs. */
const productOperations = ({ K }: Sizes): number => K + 12;

function matmulCheck(
  layout: MatmulLayout,
  plan: MatmulPlan | undefined,
  sizes: Sizes,
  options: { bias?: boolean; accumulate?: boolean; only?: 'all' | 'gpu' } = {},
): KernelCheck {
  const { bias = false, accumulate = false, only } = options;
  const how = plan ? ` ${plan.kernel}${plan.splits > 1 ? ` in ${plan.splits} parts` : ''}` : '';
  return linear(
    {
      name: `matmul${layout}${how}${bias ? ' + bias' : ''}${accumulate ? ', added' : ''}${'batch' in sizes ? ', batched' : ''}`,
      sizes,
      outputs: ['c'],
      ...(only && { only }),
      arrays: ({ batch = 1, M, K, N }, random) => ({
        f: {
          ...{ c: accumulate ? normal(random, batch * M * N) : overwritten(batch * M * N) },
          ...{ a: normal(random, batch * M * K), b: normal(random, batch * K * N) },
          ...(bias ? { bias: normal(random, N) } : {}),
        },
        i: {},
      }),
      call: (k, { f: { c, a, b, bias = null } }, { batch = 1, M, K, N }) =>
        k.matmul(layout, plan, c, a, b, bias, batch, M, K, N, accumulate),
    },
    productOperations,
  );
}

const layouts = ['NN', 'NT', 'TN'] as const;
const products: KernelCheck[] = layouts.flatMap((layout) => {
  // NN has both ways in which an operand can lie.
  const only = layout === 'NN' ? 'all' : 'gpu';
  return [
    matmulCheck(layout, undefined, { M: 70, K: 70, N: 70 }, { accumulate: true }),
    matmulCheck(layout, { kernel: 'rows', splits: 1 }, { M: 20, K: 700, N: 70 }),
    matmulCheck(layout, { kernel: 'registers', splits: 1 }, { M: 70, K: 130, N: 70 }, { bias: layout === 'NT' }),
    matmulCheck(layout, { kernel: 'tile32', splits: 1 }, { M: 70, K: 70, N: 70 }, { only: 'all' }),
    matmulCheck(layout, { kernel: 'tile64', splits: 1 }, { M: 130, K: 40, N: 130 }, { only }),
    matmulCheck(layout, { kernel: 'tile128', splits: 1 }, { M: 140, K: 40, N: 140 }, { only }),
  ];
});

const productsInParts: KernelCheck[] = [
  matmulCheck('TN', { kernel: 'registers', splits: 5 }, { M: 20, K: 1500, N: 20 }, { accumulate: true }),
  matmulCheck('NT', { kernel: 'rows', splits: 3 }, { M: 8, K: 1500, N: 20 }, { bias: true }),
  matmulCheck('NN', { kernel: 'registers', splits: 2 }, { batch: 3, M: 12, K: 150, N: 12 }),
  matmulCheck('NT', undefined, { batch: 5, M: 12, K: 20, N: 12 }, { bias: true }),
  matmulCheck('TN', { kernel: 'tile32', splits: 3 }, { batch: 2, M: 40, K: 200, N: 40 }, { only: 'all' }),
];

/** The matrices of `C = A·B` in a layout and their gradients. */
function backwardCheck(layout: MatmulLayout): KernelCheck {
  return linear(
    {
      name: `matmul${layout}Backward`,
      sizes: { M: 40, K: 40, N: 40 },
      outputs: ['da', 'db'],
      arrays: ({ M, K, N }, random) => ({
        f: {
          ...{ da: overwritten(M * K), db: overwritten(K * N), dc: normal(random, M * N) },
          ...{ a: normal(random, M * K), b: normal(random, K * N) },
        },
        i: {},
      }),
      call: (k, { f: { da, db, dc, a, b } }, { M, K, N }) => k[`matmul${layout}Backward`](da, db, dc, a, b, M, K, N),
    },
    ({ M, N }) => Math.max(M, N) + 2,
  );
}

const linears: KernelCheck[] = [
  ...layouts.map(backwardCheck),
  linear(
    {
      name: 'matvec',
      sizes: { M: 150, K: 300 },
      outputs: ['y'],
      arrays: ({ M, K }, random) => ({
        f: { y: overwritten(M), a: normal(random, M * K), x: normal(random, K) },
        i: {},
      }),
      call: (k, { f: { y, a, x } }, { M, K }) => k.matvec(y, a, x, M, K),
    },
    productOperations,
  ),
  linear(
    {
      name: 'matvecBackward',
      sizes: { M: 150, K: 80 },
      outputs: ['da', 'dx'],
      arrays: ({ M, K }, random) => ({
        f: {
          ...{ da: normal(random, M * K), dx: normal(random, K) },
          ...{ dy: normal(random, M), a: normal(random, M * K), x: normal(random, K) },
        },
        i: {},
      }),
      call: (k, { f: { da, dx, dy, a, x } }, { M, K }) => k.matvecBackward(da, dx, dy, a, x, M, K, true),
    },
    ({ M }) => productOperations({ K: M }),
  ),
  linear(
    {
      name: 'linearForward',
      sizes: { R: 60, D: 40, O: 40 },
      outputs: ['y'],
      arrays: ({ R, D, O }, random) => ({
        f: { y: overwritten(R * O), x: normal(random, R * D), W: normal(random, O * D), b: normal(random, O) },
        i: {},
      }),
      call: (k, { f: { y, x, W, b } }, { R, D, O }) => k.linearForward(y, x, W, b, R, D, O),
    },
    ({ D }) => productOperations({ K: D }),
  ),
  linear(
    {
      name: 'oneHotLinearForward',
      sizes: { R: 60, D: 40, O: 40 },
      outputs: ['y'],
      arrays: ({ R, D, O }, random) => ({
        f: { y: overwritten(R * O), W: normal(random, O * D), b: normal(random, O) },
        i: { ids: repeatedIds(random, R, D) },
      }),
      call: (k, { f: { y, W, b }, i }, { R, D, O }) => k.oneHotLinearForward(y, i.ids, W, b, R, D, O),
    },
    () => 1,
  ),
  linear(
    {
      name: 'oneHotLinearBackward',
      sizes: { R: 60, D: 40, O: 40 },
      outputs: ['dW', 'db'],
      arrays: ({ R, D, O }, random) => ({
        f: { dW: normal(random, O * D), db: normal(random, O), dy: normal(random, R * O) },
        i: { ids: repeatedIds(random, R, D) },
      }),
      call: (k, { f: { dW, db, dy }, i }, { R, D, O }) => k.oneHotLinearBackward(dW, db, dy, i.ids, R, D, O),
    },
    ({ R }) => R + 64,
  ),
];

/** A draw: by probabilities, of the likeliest, and of logits that hold a NaN or infinity. */
const draws: KernelCheck[] = (['by chance', 'of the likeliest', 'of NaN'] as const).map((kind) => ({
  name: `drawSymbol ${kind}`,
  sizes: { V: 150 },
  outputs: ['drawn', 'ids'],
  arrays({ V }, random) {
    const z = normal(random, V, 2);
    const temperature = random.uniform(0.5, 2);
    const p = new Float64Array(V);
    onHost.softmax(
      p,
      Float64Array.from(z, (value) => value / temperature),
      1,
      V,
    );
    // The middle of a symbol's share, which no rounding moves it out of.
    const likely = [...p.keys()].filter((v) => p[v] > 1e-3);
    const symbol = likely[random.randint(likely.length)];
    const u = p.subarray(0, symbol).reduce((a, b) => a + b, p[symbol] / 2);
    if (kind === 'of NaN') z[random.randint(V)] = [Number.NaN, Number.POSITIVE_INFINITY][random.randint(2)];
    const how = Float32Array.of(kind === 'of the likeliest' ? 0 : 1 / temperature, u);
    return { f: { z, how }, i: { drawn: Int32Array.of(777), ids: Int32Array.of(777) } };
  },
  call: (k, { f: { z, how }, i: { drawn, ids } }, { V }) => k.drawSymbol(drawn, ids, z, how, V),
  // Where it is told that there is nothing to draw, nobody reads on: any symbol will do.
  bound: (_before, _after, { V }) => (kind === 'of NaN' ? { ids: [V] } : {}),
}));

/** The scatters into a table, in both of their ways. */
const scatters: KernelCheck[] = (['rows', 'columns'] as const).flatMap((layout) =>
  (['rows', 'symbols'] as const).map((way) =>
    linear(
      {
        name: `scatter ${layout} by ${way}`,
        sizes: { R: 90, V: 40, n: 140 },
        outputs: ['table'],
        arrays: ({ R, V, n }, random) => ({
          f: { table: normal(random, n * V), dy: normal(random, R * n) },
          i: { ids: repeatedIds(random, R, V) },
        }),
        call: (k, { f: { table, dy }, i: { ids } }, { R, V, n }) => k.scatter(layout, table, dy, ids, R, V, n, way),
      },
      ({ R }) => R + 2,
    ),
  ),
);

/** Every kernel, in every way of computing it. */
const kernelChecks: readonly KernelCheck[] = [
  ...elements,
  ...softmaxes,
  ...layerNormChecks,
  ...losses,
  ...sums,
  ...gathers,
  ...products,
  ...productsInParts,
  ...linears,
  ...scatters,
  ...draws,
  ...updateChecks,
];

/** The checks that say something about a device: all of them, or without the ways that are never taken there. */
export function checksFor(device: Device, all: boolean): readonly KernelCheck[] {
  if (!device.adapter.software) return kernelChecks;
  return kernelChecks.filter(({ only }) => only === undefined || (all && only === 'all'));
}
