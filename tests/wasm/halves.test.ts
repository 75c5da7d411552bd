import { panelLengths, wasmEngine, wasmEngines } from 'bptt/wasm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CpuEngine, WeightsFormat } from '../../src/bptt/engine.ts';
import { BF16, halfOfNumber, numberOfHalf } from '../../src/bptt/halfFloats.ts';
import { resolveSpec } from '../../src/bptt/spec.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { Draw, expectNear, gamma } from './support.ts';

/** Sizes around the edges of tiles (4, 8) and of the blocks that are packed (128, 256). */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 129, 255, 256, 257, 300) },
);
const shapes = fc.record({ m: size, k: size, n: size, bias: fc.boolean(), packs: fc.boolean(), seed: fc.nat() });

const rounded = (values: Float32Array): Float32Array => values.map((x) => numberOfHalf(halfOfNumber(x, BF16), BF16));

const PAD = 3;

/** What an engine of that kind makes of weights [n,k], which begin where no number is aligned with anything. */
function onEngine<T>(
  format: WeightsFormat | undefined,
  numbers: number,
  weights: Float32Array,
  run: (engine: CpuEngine, W: FloatArray) => T,
): T {
  const room = (weights.length + PAD) / (format === 'bf16' ? 2 : 1);
  const engine = wasmEngine({ lengths: [numbers, Math.ceil(room)], ...(format && { fixedWeights: format }) });
  const make = engine.halves ?? engine.floats;
  const W = engine.slice(make(weights.length + PAD), PAD, PAD + weights.length);
  engine.write(W, weights);
  return run(engine, W);
}

describe('products with bfloat16', () => {
  test('have the bits of those with float32 weights of the same values, and touch nothing beside y', () => {
    fc.assert(
      fc.property(shapes, ({ m, k, n, bias, packs, seed }) => {
        const draw = new Draw(seed);
        const weights = draw.floats(n * k);
        const x = draw.floats(m * k);
        const b = draw.floats(n);
        const product = (format: WeightsFormat | undefined, values: Float32Array): Float32Array => {
          const room = m * n + 2 * PAD + m * k + n + 64 + (packs ? 8 * k + k * n : 0); // without, large ones are not kept
          return onEngine(format, room, values, (engine, W) => {
            const whole = engine.floats(m * n + 2 * PAD).fill(77);
            const y = whole.subarray(PAD, PAD + m * n);
            const [xs, bs] = [engine.floats(m * k), engine.floats(n)];
            xs.set(x);
            bs.set(b);
            // The second time the weights are packed already.
            for (let i = 0; i < 2; i++) engine.kernels.linearForward(y, xs, W, bias ? bs : null, m, k, n);
            expect([...whole.subarray(0, PAD), ...whole.subarray(PAD + m * n)]).toEqual(Array(2 * PAD).fill(77));
            return y.slice() as Float32Array;
          });
        };
        const got = product('bf16', weights);
        const values = rounded(weights);
        expect(got).toEqual(product(undefined, values));
        expect(product('float32', weights)).toEqual(product(undefined, weights));
        const sums = (i: number, term: (x: number, w: number) => number): number => {
          let sum = bias ? term(b[i % n], 1) : 0;
          for (let l = 0; l < k; l++) sum += term(x[Math.floor(i / n) * k + l], values[(i % n) * k + l]);
          return sum;
        };
        for (const i of new Set([0, m * n - 1, (seed % (m * n)) | 0])) {
          if (m * n === 0) continue;
          const bound = gamma(k + 2) * sums(i, (p, q) => Math.abs(p * q));
          expectNear([got[i]], [sums(i, (p, q) => p * q)], bound);
        }
      }),
      { numRuns: 60, examples: [[{ m: 9, k: 300, n: 300, bias: true, packs: false, seed: 1 }]] },
    );
  });

  test('columns and rows that ids name are widened exactly, by a table of many rows, too', () => {
    const sizes = fc.record({
      R: fc.integer({ min: 0, max: 9 }),
      V: fc.integer({ min: 1, max: 12 }),
      n: fc.integer({ min: 0, max: 19 }),
      many: fc.boolean(),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(sizes, ({ R, V, n, many, seed }) => {
        const draw = new Draw(seed);
        const rows = many ? 2 * V + R : R;
        const weights = draw.floats(n * V, 1e3);
        const ids = draw.ids(rows, V);
        const want = rounded(weights);
        onEngine('bf16', 2 * rows * n + rows + 200, weights, (engine, W) => {
          const y = engine.floats(rows * n);
          const at = engine.ints(rows);
          at.set(ids);
          engine.kernels.oneHotLinearForward(y, at, W, null, rows, V, n);
          expect(Array.from(y)).toEqual(Array.from(y, (_, i) => want[(i % n) * V + ids[Math.floor(i / n)]]));
          engine.kernels.gatherRows(y, W, at, rows, V, n);
          expect(Array.from(y)).toEqual(Array.from(y, (_, i) => want[ids[Math.floor(i / n)] * n + (i % n)]));
        });
      }),
      // More numbers than a table holds at a time.
      { examples: [[{ R: 0, V: 40, n: 2600, many: true, seed: 1 }]] },
    );
  });

  test('numbers are rounded to the nearest when they are written, halves to even', () => {
    const engine = wasmEngine({ lengths: [8], fixedWeights: 'bf16' });
    const W = engine.halves!(5);
    // One unit in the last place of 1 is 2⁻⁷.
    engine.write(W, [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -(1 + 2 ** -8), 2 ** -133]);
    const units = [...W].map((half) => numberOfHalf(half, BF16));
    expect(units).toEqual([1, 1 + 2 ** -6, 1 + 2 ** -7, -1, 2 ** -133]);
  });

  test('kernels refuse weights of the other kind, naming them', () => {
    const engine = wasmEngine({ lengths: [100, 100, 100, 100], fixedWeights: 'bf16' });
    const [y, x, W] = [engine.floats(4), engine.floats(4), engine.floats(4)];
    const halves = engine.halves!(4);
    expect(() => engine.kernels.linearForward(y, x, W, null, 2, 2, 2)).toThrow(
      new TypeError('linearForward: W is Float32Array, expected weights of bf16'),
    );
    expect(() => engine.kernels.matmulNN(y, x, halves, 2, 2, 2)).toThrow(
      new TypeError('matmulNN: b is Uint16Array, expected float32 or ids'),
    );
    expect(() => engine.kernels.linearForward(y, x, halves, null, 2, 2, 3)).toThrow(RangeError);
  });

  test('the option is checked, and gives the engine its name', async () => {
    expect(wasmEngine({ lengths: [], fixedWeights: 'bf16' }).name).toBe('wasm+bf16');
    expect(wasmEngine({ lengths: [], fixedWeights: 'float32' }).name).toBe('wasm');
    const wrong = { fixedWeights: 'f16' as 'bf16' };
    expect(() => wasmEngine({ lengths: [], ...wrong })).toThrow(
      "wasmEngine: fixedWeights is 'f16', expected float32, bf16",
    );
    await expect(wasmEngines([[]], wrong)).rejects.toThrow(
      "wasmEngines: fixedWeights is 'f16', expected float32, bf16",
    );
  });

  test('panels of bfloat16 take half of the room', () => {
    const spec = resolveSpec({ cell: 'gru', inputSize: 5, hiddenSize: 8, outputSize: 16, loss: 'softmaxCrossEntropy' });
    // weight_ih [24,5], weight_hh [24,8], weight_ho [16,8]
    const sum = (lengths: readonly number[]): number => lengths.reduce((a, b) => a + b, 0);
    expect(sum(panelLengths(spec, 'float32'))).toBe(24 * 5 + 24 * 8 + 16 * 8);
    expect(sum(panelLengths(spec, 'bf16'))).toBe((24 * 5 + 24 * 8 + 16 * 8) / 2);
  });
});
