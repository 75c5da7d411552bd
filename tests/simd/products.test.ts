import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setSimd } from '../../src/simd/choice.ts';
import * as simd from '../../src/simd/products.ts';
import { loops, matmulNNBackward, matmulNTBackward, matmulTNBackward } from '../../src/tensor/matmul.ts';
import { matvec, matvecBackward } from '../../src/tensor/matvec.ts';
import { outer, outerBackward } from '../../src/tensor/outer.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { expectRejects, from } from '../tensor/support.ts';
import { expectNear, gamma } from '../wasm/support.ts';
import { byLoops, bySimd, resetAfterEach, waysOf } from './support.ts';

resetAfterEach();

/** Sizes around the edges of tiles (4, 8, 32) and of the blocks that are packed (128, 256). */
const side = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 129, 257) },
);
const shapes = fc.record({ m: side, k: side, n: side, accumulate: fc.boolean(), seed: fc.nat() });

/** Normal numbers that begin at an odd place of a larger buffer. */
function draw(rng: RandomState, length: number): Float32Array {
  return Float32Array.from(rng.randn(length + 1)).subarray(1);
}

const wide = (a: Float32Array) => Float64Array.from(a);
const sizesOf = (a: FloatArray) => a.map(Math.abs);

describe.each([
  ['matmulNN', simd.matmulNN],
  ['matmulNT', simd.matmulNT],
  ['matmulTN', simd.matmulTN],
] as const)('%s', (name, product) => {
  it('by SIMD is within γ(K+2)·Σ|a||b| of the float64 loops, and leaves A and B alone', () => {
    fc.assert(
      fc.property(shapes, ({ m, k, n, accumulate, seed }) => {
        const rng = new RandomState(seed);
        const [c, a, b] = [draw(rng, m * n), draw(rng, m * k), draw(rng, k * n)];
        const [want, sizes] = [wide(c), sizesOf(wide(c))];
        loops[name](want, wide(a), wide(b), m, k, n, accumulate);
        loops[name](sizes, sizesOf(wide(a)), sizesOf(wide(b)), m, k, n, accumulate);
        const [aBefore, bBefore] = [a.slice(), b.slice()];
        expect(waysOf('always', () => product(c, a, b, m, k, n, accumulate))).toEqual(bySimd);
        expectNear(c, want, (i) => gamma(k + 2) * sizes[i]);
        expect([a, b]).toEqual([aBefore, bBefore]);
      }),
      { numRuns: 30 },
    );
  });

  it('goes by SIMD where it pays and may, by the loops elsewhere', () => {
    const square = (N: number, F: Float32ArrayConstructor | Float64ArrayConstructor) => () => {
      const a = new F(N * N).fill(1);
      const c = new F(N * N);
      product(c, a, a, N, N, N);
      expect(c).toEqual(new F(N * N).fill(N));
    };
    expect(waysOf('auto', square(64, Float32Array))).toEqual(bySimd);
    expect(waysOf('auto', square(4, Float32Array))).toEqual(byLoops);
    expect(waysOf('auto', square(64, Float64Array))).toEqual(byLoops);
    expect(waysOf('always', square(4, Float32Array))).toEqual(bySimd);
    expect(waysOf('always', square(4, Float64Array))).toEqual(byLoops);
    expect(waysOf('never', square(64, Float32Array))).toEqual(byLoops);
  });

  it('by SIMD refuses what the loops refuse', () => {
    const six = from('float32', [1, 2, 3, 4, 5, 6]);
    const [c, a, b] = [from('float32', [0, 0, 0, 0]), six, six];
    setSimd('always');
    expectRejects(product, 'c a b m k n', [c, a, b, 2, 3, 2]);
    // Sizes below 0 whose products fit.
    const before = c.slice();
    expect(() => product(c, a, b, -2, -3, -2)).toThrow(
      new RegExp(`^${name}: sizes .* must be whole numbers ≥ 0, got -2$`),
    );
    expect(c).toEqual(before);
  });

  it('gives the same bits on arrays of any buffer, and after larger and smaller products', () => {
    const square = (N: number, shared: boolean) => {
      const make = () => (shared ? new Float32Array(new SharedArrayBuffer(4 * N * N)) : new Float32Array(N * N));
      const [c, a, b] = [make(), make(), make()];
      const rng = new RandomState(N);
      a.set(rng.randn(N * N));
      b.set(rng.randn(N * N));
      product(c, a, b, N, N, N);
      return Array.from(c);
    };
    setSimd('always');
    const first = square(30, false);
    square(200, false);
    expect(square(30, true)).toEqual(first);
  });
});

describe('what is made of products', () => {
  const rng = new RandomState(1);
  const [m, k, n] = [17, 23, 19];
  const [mk, kn, mn] = [draw(rng, m * k), draw(rng, k * n), draw(rng, m * n)];
  const [vm, vk] = [draw(rng, m), draw(rng, k)];

  type Call = (...args: (FloatArray | number | boolean)[]) => void;
  it.each<[string, unknown, unknown, (FloatArray | number)[], number]>([
    ['matmulNNBackward', simd.matmulNNBackward, matmulNNBackward, [mk, kn, mn, mk, kn, m, k, n], 2],
    ['matmulNTBackward', simd.matmulNTBackward, matmulNTBackward, [mk, kn, mn, mk, kn, m, k, n], 2],
    ['matmulTNBackward', simd.matmulTNBackward, matmulTNBackward, [mk, kn, mn, mk, kn, m, k, n], 2],
    ['matvec', simd.matvec, matvec, [vm, mk, vk, m, k], 1],
    ['matvecBackward', simd.matvecBackward, matvecBackward, [mk, vk, vm, mk, vk, m, k], 2],
    ['outer', simd.outer, outer, [mk, vm, vk, m, k], 1],
    ['outerBackward', simd.outerBackward, outerBackward, [vm, vk, mk, vm, vk, m, k], 2],
  ])('%s goes by SIMD too', (_, bySimd, byLoops, args, products) => {
    const outputs = args.length === 5 ? 1 : 2;
    for (const accumulate of [false, true]) {
      const own = (make: (a: FloatArray) => FloatArray) =>
        args.map((arg) => (typeof arg === 'number' ? arg : make(arg)));
      const [got, want, sizes] = [
        own((a) => a.slice()),
        own((a) => Float64Array.from(a)),
        own((a) => sizesOf(Float64Array.from(a))),
      ];
      const ways = waysOf('always', () => (bySimd as Call)(...got, accumulate));
      expect(ways).toEqual({ simd: products, plain: 0 });
      (byLoops as Call)(...want, accumulate);
      (byLoops as Call)(...sizes, accumulate);
      for (let i = 0; i < outputs; i++) {
        expectNear(got[i] as FloatArray, want[i] as FloatArray, (j) => gamma(23 + 2) * (sizes[i] as FloatArray)[j]);
      }
    }
  });
});
