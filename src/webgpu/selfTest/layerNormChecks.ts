import type { KernelCheck } from './check.ts';
import { gamma, normal, overwritten } from './checkNumbers.ts';
import { onHost } from './functions.ts';

const EPSILON = 1e-5;
/** Roundings of a quotient, a root and another quotient, by what WGSL promises. */
const ROOT = 9;

/** The means of rows of n terms. */
function rowMeans(R: number, n: number, term: (e: number) => number): Float64Array {
  const means = new Float64Array(R);
  for (let e = 0; e < R * n; e++) means[Math.floor(e / n)] += term(e) / n;
  return means;
}

/** How far x̂ and 1/sqrt(var + eps) of each row may be from the truth. */
function normalizedBounds(
  x: Float64Array,
  normalized: Float64Array,
  inverse: Float64Array,
  R: number,
  n: number,
): { normalized: Float64Array; inverse: Float64Array } {
  const sizes = rowMeans(R, n, (e) => Math.abs(x[e]));
  /** What is left of x where the mean is subtracted errs by so much. */
  const differences = sizes.map((size) => 3 * gamma(n + 18) * size);
  const spreads = inverse.map((scale) => Math.sqrt(Math.max(1 / (scale * scale) - EPSILON, 0)));
  /** Relative errors of the root: half of that of the variance. */
  const roots = inverse.map((scale, r) => {
    const ofSquares = (2 * spreads[r] + differences[r]) * differences[r] + gamma(n + 18) * spreads[r] * spreads[r];
    return 0.5 * ofSquares * scale * scale + gamma(ROOT);
  });
  return {
    inverse: inverse.map((scale, r) => 2 * scale * roots[r]),
    normalized: normalized.map((value, e) => {
      const r = Math.floor(e / n);
      return 2 * (inverse[r] * differences[r] + Math.abs(value) * (roots[r] + gamma(3)));
    }),
  };
}

export const layerNormChecks: readonly KernelCheck[] = [
  {
    name: 'layerNorm',
    sizes: { R: 40, n: 150 },
    outputs: ['y', 'normalized', 'inverse'],
    inPlace: ['y', 'x'],
    arrays: ({ R, n }, random) => ({
      f: {
        ...{ y: overwritten(R * n), normalized: overwritten(R * n), inverse: overwritten(R) },
        // Rows whose variance is like eps, too.
        x: normal(random, R * n).map((v, e) => (Math.floor(e / n) % 2 === 0 ? 0.002 * v : v)),
        ...{ gain: normal(random, n), bias: normal(random, n) },
      },
      i: {},
    }),
    call: (k, { f: { y, normalized, inverse, x, gain, bias } }, { R, n }) =>
      k.layerNorm(y, normalized, inverse, x, gain, bias, EPSILON, R, n),
    bound({ f: { x, gain, bias } }, { f: { normalized, inverse } }, { R, n }) {
      const bounds = normalizedBounds(x, normalized, inverse, R, n);
      const y = bounds.normalized.map((far, e) => {
        const size = Math.abs(gain[e % n]);
        return size * far + gamma(3) * (size * Math.abs(normalized[e]) + Math.abs(bias[e % n]));
      });
      return { ...bounds, y };
    },
  },
  {
    name: 'layerNormBackward',
    sizes: { R: 300, n: 70 },
    outputs: ['dx', 'dgain', 'dbias'],
    inPlace: ['dx', 'dy'],
    arrays({ R, n }, random) {
      const [y, normalized, inverse] = [R * n, R * n, R].map(overwritten);
      const gain = normal(random, n);
      onHost.layerNorm(y, normalized, inverse, normal(random, R * n), gain, gain, EPSILON, R, n);
      return {
        f: {
          ...{ dx: overwritten(R * n), dgain: normal(random, n), dbias: normal(random, n) },
          ...{ dy: normal(random, R * n), normalized, inverse, gain },
        },
        i: {},
      };
    },
    call: (k, { f: { dx, dgain, dbias, dy, normalized, inverse, gain } }, { R, n }) =>
      k.layerNormBackward(dx, dgain, dbias, dy, normalized, inverse, gain, R, n),
    bound({ f: { dgain, dbias, dy, normalized, inverse, gain } }, _, { R, n }) {
      const g = (e: number): number => Math.abs(dy[e] * gain[e % n]);
      const sums = rowMeans(R, n, g);
      const dots = rowMeans(R, n, (e) => g(e) * Math.abs(normalized[e]));
      const dx = normalized.map((value, e) => {
        const r = Math.floor(e / n);
        return gamma(n + 20) * inverse[r] * (g(e) + sums[r] + Math.abs(value) * dots[r]);
      });
      const ofGain = dgain.map(Math.abs);
      const ofBias = dbias.map(Math.abs);
      for (let e = 0; e < R * n; e++) {
        ofGain[e % n] += Math.abs(dy[e] * normalized[e]);
        ofBias[e % n] += Math.abs(dy[e]);
      }
      return { dx, dgain: ofGain.map((v) => gamma(R + 8) * v), dbias: ofBias.map((v) => gamma(R + 8) * v) };
    },
  },
];
