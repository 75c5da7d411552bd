import { hasFusedMultiplyAdd, wasmEngine } from 'bptt/wasm';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { RandomState } from '../../src/tensor/random.ts';
import { matmulKernels } from '../../src/wasm/matmul.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';

/** Sizes around the edges of tiles (4, 8, 32) and of the blocks that are packed (128, 256). */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 129, 255, 256, 257, 300) },
);
const shapes = fc.record({ m: size, k: size, n: size, accumulate: fc.boolean(), seed: fc.nat() });

const PAD = 3;

/** A buffer whose neighbours on both sides are watched. */
function padded(w: WasmMemory, rng: RandomState, length: number): { whole: Float32Array; inner: Float32Array } {
  const whole = w.floats(length + 2 * PAD);
  whole.set(rng.randn(whole.length));
  return { whole, inner: whole.subarray(PAD, PAD + length) };
}

/** Where element (i,l) of the first factor and (l,j) of the second stand. */
const places = {
  matmulNN: {
    a: (i: number, l: number, _m: number, k: number) => i * k + l,
    b: (l: number, j: number, _k: number, n: number) => l * n + j,
  },
  matmulNT: {
    a: (i: number, l: number, _m: number, k: number) => i * k + l,
    b: (l: number, j: number, k: number) => j * k + l,
  },
  matmulTN: {
    a: (i: number, l: number, m: number) => l * m + i,
    b: (l: number, j: number, _k: number, n: number) => l * n + j,
  },
} as const;
const names = ['matmulNN', 'matmulNT', 'matmulTN'] as const;

describe.each(names)('%s', (name) => {
  it('is within γ(K+2)·Σ|a||b| of the float64 sums, and touches nothing beside C', () => {
    fc.assert(
      fc.property(shapes, ({ m, k, n, accumulate, seed }) => {
        const w = new WasmMemory(4 * (m * k + k * n + m * n) + 1000);
        const rng = new RandomState(seed);
        const a = padded(w, rng, m * k);
        const b = padded(w, rng, k * n);
        const c = padded(w, rng, m * n);
        const before = { a: a.whole.slice(), b: b.whole.slice(), c: c.whole.slice() };
        matmulKernels(w)[name](c.inner, a.inner, b.inner, m, k, n, accumulate);
        expect(a.whole).toEqual(before.a);
        expect(b.whole).toEqual(before.b);
        for (const at of [0, 1, 2, m * n + 3, m * n + 4, m * n + 5]) expect(c.whole[at]).toBe(before.c[at]);
        const u = 2 ** -24;
        const gamma = ((k + 2) * u) / (1 - (k + 2) * u);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = accumulate ? before.c[PAD + i * n + j] : 0;
            let sizes = Math.abs(sum);
            for (let l = 0; l < k; l++) {
              const product = a.inner[places[name].a(i, l, m, k)] * b.inner[places[name].b(l, j, k, n)];
              sum += product;
              sizes += Math.abs(product);
            }
            const error = Math.abs(c.inner[i * n + j] - sum);
            if (!(error <= gamma * sizes)) throw new Error(`[${i},${j}]: ${c.inner[i * n + j]} for ${sum}`);
          }
        }
      }),
      { numRuns: 50, examples: [[{ m: 9, k: 300, n: 300, accumulate: false, seed: 1 }]] },
    );
  });

  it('gives the same bits twice', () => {
    const w = new WasmMemory(200_000);
    const rng = new RandomState(3);
    const a = padded(w, rng, 37 * 61).inner;
    const b = padded(w, rng, 61 * 45).inner;
    const c = w.floats(37 * 45);
    matmulKernels(w)[name](c, a, b, 37, 61, 45);
    const first = c.slice();
    matmulKernels(w)[name](c, a, b, 37, 61, 45);
    expect(c).toEqual(first);
  });

  it('keeps what is infinite in one row or column out of the others', () => {
    const w = new WasmMemory(10_000);
    const [m, k, n] = [5, 3, 9];
    const a = w.floats(m * k).fill(1);
    const b = w.floats(k * n).fill(1);
    const c = w.floats(m * n);
    a[places[name].a(4, 1, m, k)] = Number.POSITIVE_INFINITY;
    b[places[name].b(2, 8, k, n)] = Number.NaN;
    matmulKernels(w)[name](c, a, b, m, k, n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++)
        expect(c[i * n + j]).toBe(j === 8 ? Number.NaN : i === 4 ? Number.POSITIVE_INFINITY : 3);
    }
  });

  it('refuses a wrong shape and an array that lies elsewhere, and leaves C alone', () => {
    const w = new WasmMemory(10_000);
    const { [name]: multiply } = matmulKernels(w);
    const [c, a, b] = [w.floats(6).fill(7), w.floats(8), w.floats(12)];
    expect(() => multiply(c, a, b, 2, 4, 4)).toThrow(`${name}: c has 6 elements, expected [M,N] = [2,4]`);
    expect(() => multiply(c, a, b, 2, 3, 3)).toThrow(`${name}: a has 8 elements, expected`);
    expect(() => multiply(c, a, b, 2, 4, 3.5)).toThrow(RangeError);
    expect(() => multiply(c, new Float32Array(8), b, 2, 4, 3)).toThrow(
      new TypeError(`${name}: a is not in the memory of this wasm engine`),
    );
    expect([...c]).toEqual([7, 7, 7, 7, 7, 7]);
  });
});

test('fused multiply-add is used where it is asked for and the host has it, within the same bound', () => {
  const [m, k, n] = [9, 70, 13];
  const rng = new RandomState(8);
  const engines = [
    wasmEngine({ lengths: [m * n, m * k, n * k] }),
    wasmEngine({ lengths: [m * n, m * k, n * k], fma: true }),
  ];
  expect(engines.map(({ name }) => name)).toEqual(['wasm', hasFusedMultiplyAdd() ? 'wasm+fma' : 'wasm']);
  const a = Float32Array.from(rng.uniform(-1, 1, m * k));
  const b = Float32Array.from(rng.uniform(-1, 1, n * k));
  for (const engine of engines) {
    const [y, x, W] = [m * n, m * k, n * k].map((length) => engine.floats(length));
    x.set(a);
    W.set(b);
    engine.kernels.linearForward(y, x, W, null, m, k, n);
    for (let i = 0; i < m * n; i++) {
      let [sum, size] = [0, 0];
      for (let l = 0; l < k; l++) {
        const product = a[Math.floor(i / n) * k + l] * b[(i % n) * k + l];
        sum += product;
        size += Math.abs(product);
      }
      expect(Math.abs(y[i] - sum)).toBeLessThanOrEqual((k + 2) * 2 ** -24 * size);
    }
  }
});
