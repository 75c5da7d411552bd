import * as t from 'bptt/tensor';
import { awayFrom, defineCase, type GradcheckCase, operation, repeatingIds } from './gradcheckCase.ts';

type Unary = (y: Float64Array, x: Float64Array) => unknown;
type UnaryBackward = (dx: Float64Array, dy: Float64Array, yOrX: Float64Array) => void;

/** y = f(x), element by element; `reads` says whether the backward wants the input or the output. */
function unary(
  name: string,
  forward: Unary,
  backward: UnaryBackward,
  reads: 'input' | 'output',
  draw: (random: t.RandomState, n: number) => Float64Array = (random, n) => random.randn(n),
): GradcheckCase {
  return defineCase(name, { N: 1 }, ({ N }, random) => {
    const y = new Float64Array(N);
    return operation({
      params: { x: draw(random, N) },
      outputs: N,
      forward: (out, { x }) => {
        forward(out, x);
        y.set(out);
      },
      backward: (d, dy, { x }) => backward(d.x, dy, reads === 'input' ? x : y),
    });
  });
}

const matmuls = [
  { name: 'matmulNN', forward: t.matmulNN, backward: t.matmulNNBackward },
  { name: 'matmulNT', forward: t.matmulNT, backward: t.matmulNTBackward },
  { name: 'matmulTN', forward: t.matmulTN, backward: t.matmulTNBackward },
];

/** Every product has one case for gradients that are overwritten and one for gradients that are added to. */
function products(accumulate: boolean): GradcheckCase[] {
  const suffix = accumulate ? ', accumulating' : '';
  const adds = <K extends string>(...names: K[]) => (accumulate ? names : []);
  return [
    ...matmuls.map(({ name, forward, backward }) =>
      defineCase(name + suffix, { M: 1, K: 1, N: 1 }, ({ M, K, N }, random) =>
        operation({
          params: { a: random.randn(M * K), b: random.randn(K * N) },
          outputs: M * N,
          adds: adds('a', 'b'),
          forward: (c, { a, b }) => forward(c, a, b, M, K, N),
          backward: (d, dc, { a, b }) => backward(d.a, d.b, dc, a, b, M, K, N, accumulate),
        }),
      ),
    ),
    defineCase(`matvec${suffix}`, { M: 1, K: 1 }, ({ M, K }, random) =>
      operation({
        params: { a: random.randn(M * K), x: random.randn(K) },
        outputs: M,
        adds: adds('a', 'x'),
        forward: (y, { a, x }) => t.matvec(y, a, x, M, K),
        backward: (d, dy, { a, x }) => t.matvecBackward(d.a, d.x, dy, a, x, M, K, accumulate),
      }),
    ),
    defineCase(`outer${suffix}`, { M: 1, N: 1 }, ({ M, N }, random) =>
      operation({
        params: { x: random.randn(M), y: random.randn(N) },
        outputs: M * N,
        adds: adds('x', 'y'),
        forward: (c, { x, y }) => t.outer(c, x, y, M, N),
        backward: (d, dc, { x, y }) => t.outerBackward(d.x, d.y, dc, x, y, M, N, accumulate),
      }),
    ),
    defineCase(`takeColumns${suffix}`, { R: 1, N: 1, left: 0, right: 0 }, ({ R, N, left, right }, random) => {
      const wide = left + N + right;
      const rest = random.randn(R * N);
      return operation({
        params: { x: random.randn(R * wide) },
        outputs: R * N,
        forward: (y, { x }) => {
          y.set(rest);
          t.takeColumns(y, x, R, wide, left, N, accumulate);
        },
        backward: (d, dy) => {
          d.x.fill(0);
          t.placeColumns(d.x, dy, R, wide, left, N);
        },
      });
    }),
  ];
}

/** Every operation of `bptt/tensor` that has a backward, or whose docs say what its backward would be. */
export const tensorCases: GradcheckCase[] = [
  ...products(false),
  ...products(true),
  defineCase('placeColumns', { R: 1, N: 1, left: 0, right: 0 }, ({ R, N, left, right }, random) => {
    const wide = left + N + right;
    return operation({
      params: { x: random.randn(R * N), rest: random.randn(R * wide) },
      outputs: R * wide,
      forward: (y, { x, rest }) => {
        y.set(rest);
        t.placeColumns(y, x, R, wide, left, N);
      },
      backward: (d, dy) => {
        t.takeColumns(d.x, dy, R, wide, left, N);
        d.rest.set(dy);
        t.placeColumns(d.rest, new Float64Array(R * N), R, wide, left, N);
      },
    });
  }),
  defineCase('add', { N: 1 }, ({ N }, random) =>
    operation({
      params: { x: random.randn(N), y: random.randn(N) },
      outputs: N,
      forward: (z, { x, y }) => t.add(z, x, y),
      backward: (d, dz) => {
        d.x.set(dz);
        d.y.set(dz);
      },
    }),
  ),
  defineCase('addRow', { R: 1, N: 1 }, ({ R, N }, random) =>
    operation({
      params: { x: random.randn(R * N), b: random.randn(N) },
      outputs: R * N,
      adds: ['b'],
      forward: (y, { x, b }) => t.addRow(y, x, b, R, N),
      backward: (d, dy) => {
        d.x.set(dy);
        t.addRowBackward(d.b, dy, R, N);
      },
    }),
  ),
  defineCase('addScaled', { N: 1 }, ({ N }, random) =>
    operation({
      params: { y: random.randn(N), x: random.randn(N), alpha: random.randn(1) },
      outputs: N,
      forward: (out, { y, x, alpha }) => {
        out.set(y);
        t.addScaled(out, x, alpha[0]);
      },
      backward: (d, dout, { x, alpha }) => {
        d.y.set(dout);
        d.alpha[0] = t.scaleBackward(d.x, dout, x, alpha[0]);
      },
    }),
  ),
  defineCase('multiply', { N: 1 }, ({ N }, random) =>
    operation({
      params: { x: random.randn(N), y: random.randn(N) },
      outputs: N,
      forward: (z, { x, y }) => t.multiply(z, x, y),
      backward: (d, dz, { x, y }) => t.multiplyBackward(d.x, d.y, dz, x, y),
    }),
  ),
  defineCase('multiplyRow', { R: 1, N: 1 }, ({ R, N }, random) =>
    operation({
      params: { x: random.randn(R * N), s: random.randn(N) },
      outputs: R * N,
      adds: ['s'],
      forward: (y, { x, s }) => t.multiplyRow(y, x, s, R, N),
      backward: (d, dy, { x, s }) => t.multiplyRowBackward(d.x, d.s, dy, x, s, R, N),
    }),
  ),
  defineCase('scale', { N: 1 }, ({ N }, random) =>
    operation({
      params: { x: random.randn(N), alpha: random.randn(1) },
      outputs: N,
      forward: (y, { x, alpha }) => t.scale(y, x, alpha[0]),
      backward: (d, dy, { x, alpha }) => {
        d.alpha[0] = t.scaleBackward(d.x, dy, x, alpha[0]);
      },
    }),
  ),
  defineCase('scaleRows', { R: 1, N: 1 }, ({ R, N }, random) =>
    operation({
      params: { x: random.randn(R * N), s: random.randn(R) },
      outputs: R * N,
      forward: (y, { x, s }) => t.scaleRows(y, x, s, R, N),
      backward: (d, dy, { x, s }) => t.scaleRowsBackward(d.x, d.s, dy, x, s, R, N),
    }),
  ),
  unary('tanh', t.tanh, t.tanhBackward, 'output'),
  unary('sigmoid', t.sigmoid, t.sigmoidBackward, 'output'),
  unary('relu', t.relu, t.reluBackward, 'output', (random, n) => awayFrom([0], random, n)),
  unary('exp', t.exp, t.expBackward, 'output'),
  unary(
    'log',
    // Steps out of its domain are answered by NaN, which the check understands, instead of an error.
    (y, x) => (x.every((v) => v > 0) ? t.log(y, x) : y.fill(Number.NaN)),
    t.logBackward,
    'input',
    (random, n) => random.uniform(0.5, 4, n),
  ),
  unary(
    'clip',
    (y, x) => t.clip(y, x, -0.8, 0.6),
    (dx, dy, x) => t.clipBackward(dx, dy, x, -0.8, 0.6),
    'input',
    (random, n) => awayFrom([-0.8, 0.6], random, n),
  ),
  defineCase('softmax', { R: 1, N: 1 }, ({ R, N }, random) => {
    const y = new Float64Array(R * N);
    return operation({
      params: { z: random.randn(R * N) },
      outputs: R * N,
      forward: (p, { z }) => {
        t.softmax(p, z, R, N);
        y.set(p);
      },
      backward: (d, dp) => t.softmaxBackward(d.z, dp, y, R, N),
    });
  }),
  defineCase('layerNorm', { R: 1, N: 1 }, ({ R, N }, random) => {
    const normalized = new Float64Array(R * N);
    const inverse = new Float64Array(R);
    return operation({
      params: { x: random.randn(R * N), gain: random.randn(N), bias: random.randn(N) },
      outputs: R * N,
      adds: ['gain', 'bias'],
      // an eps of the size of the variance, so that its place in the formula counts
      forward: (y, { x, gain, bias }) => t.layerNorm(y, normalized, inverse, x, gain, bias, 0.5, R, N),
      backward: (d, dy, { gain }) => t.layerNormBackward(d.x, d.gain, d.bias, dy, normalized, inverse, gain, R, N),
    });
  }),
  defineCase('logSoftmax', { R: 1, N: 1 }, ({ R, N }, random) => {
    const cache = new Float64Array(R * N);
    return operation({
      params: { z: random.randn(R * N) },
      outputs: R * N,
      forward: (y, { z }) => {
        t.logSoftmax(y, z, R, N);
        cache.set(y);
      },
      backward: (d, dy) => t.logSoftmaxBackward(d.z, dy, cache, R, N),
    });
  }),
  defineCase('logSumExp', { R: 1, N: 1 }, ({ R, N }, random) => {
    const cache = new Float64Array(R);
    return operation({
      params: { z: random.randn(R * N) },
      outputs: R,
      forward: (s, { z }) => {
        t.logSumExp(s, z, R, N);
        cache.set(s);
      },
      backward: (d, ds, { z }) => t.logSumExpBackward(d.z, ds, z, cache, R, N),
    });
  }),
  defineCase('sumAxis', { outer: 1, axis: 1, inner: 1 }, ({ outer, axis, inner }, random) =>
    operation({
      params: { x: random.randn(outer * axis * inner) },
      outputs: outer * inner,
      forward: (y, { x }) => t.sumAxis(y, x, outer, axis, inner),
      backward: (d, dy) => t.sumAxisBackward(d.x, dy, outer, axis, inner),
    }),
  ),
  defineCase('maxAxis', { outer: 1, axis: 1, inner: 1 }, ({ outer, axis, inner }, random) => {
    const argmax = new Int32Array(outer * inner);
    const n = outer * axis * inner;
    // No two values closer than 0.2: a tie is a kink.
    const order = Float64Array.from(random.permutation(n), (i) => 0.3 * (i - n / 2));
    const noise = random.uniform(-0.05, 0.05, n);
    return operation({
      params: { x: order.map((v, i) => v + noise[i]) },
      outputs: outer * inner,
      forward: (y, { x }) => t.maxAxis(y, argmax, x, outer, axis, inner),
      backward: (d, dy) => t.maxAxisBackward(d.x, dy, argmax, outer, axis, inner),
    });
  }),
  defineCase('gatherRows', { R: 1, V: 1, N: 1 }, ({ R, V, N }, random) => {
    const ids = repeatingIds(random, R, V);
    return operation({
      params: { table: random.randn(V * N) },
      outputs: R * N,
      adds: ['table'],
      forward: (y, { table }) => t.gatherRows(y, table, ids, R, V, N),
      backward: (d, dy) => t.gatherRowsBackward(d.table, dy, ids, R, V, N),
    });
  }),
  defineCase('gatherColumns', { R: 1, V: 1, N: 1 }, ({ R, V, N }, random) => {
    const ids = repeatingIds(random, R, V);
    return operation({
      params: { w: random.randn(N * V) },
      outputs: R * N,
      adds: ['w'],
      forward: (y, { w }) => t.gatherColumns(y, w, ids, R, V, N),
      backward: (d, dy) => t.gatherColumnsBackward(d.w, dy, ids, R, V, N),
    });
  }),
];
