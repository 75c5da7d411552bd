import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adagradUpdate } from '../../src/optim/adagrad.ts';
import { adam } from '../../src/optim/adam.ts';
import { sgdUpdate } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { adagradKernels } from '../../src/wasm/adagrad.ts';
import { adamKernels } from '../../src/wasm/adam.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { sgdKernels } from '../../src/wasm/sgd.ts';

/**
 * Runs a kernel and its TypeScript counterpart on the same numbers and compares every array after it.
 *
 * @param tolerance relative to the largest number of an array
 */
function agree(
  lengths: readonly (number | null)[],
  seed: number,
  wasm: (w: WasmMemory, arrays: Float32Array[]) => void,
  ts: (arrays: Float32Array[]) => void,
  tolerance: number,
): void {
  const w = new WasmMemory(200_000);
  const rng = new RandomState(seed);
  const arrays = lengths.map((length) => {
    if (length === null) return null as unknown as Float32Array;
    const array = w.floats(length + 1).subarray(0, length);
    // Positive: some of them stand under a root.
    array.set(rng.uniform(0.05, 0.95, length));
    return array;
  });
  const want = arrays.map((array) => array?.slice() ?? array);
  ts(want);
  wasm(w, arrays);
  arrays.forEach((array, at) => {
    if (!array) return;
    const scale = Math.max(1, ...want[at].map(Math.abs));
    for (let i = 0; i < array.length; i++) {
      const error = Math.abs(array[i] - want[at][i]);
      if (!(error <= tolerance * scale)) throw new Error(`array ${at}[${i}]: ${array[i]} for ${want[at][i]}`);
    }
    expect(new Float32Array(array.buffer)[array.byteOffset / 4 + array.length]).toBe(0);
  });
}

const sizes = fc.record({
  B: fc.integer({ min: 0, max: 9 }),
  H: fc.integer({ min: 0, max: 19 }),
  bias: fc.boolean(),
  extra: fc.boolean(),
  seed: fc.nat(),
});

function forEverySize(check: (s: { B: number; H: number; bias: boolean; extra: boolean; seed: number }) => void): void {
  fc.assert(fc.property(sizes, check), { numRuns: 60 });
}

/** A handful of operations, each rounded by 2⁻²⁴. */
const ELEMENT = 1e-6;

describe('twins of TypeScript kernels', () => {
  it('the updates of adagrad, adam and sgd', () => {
    forEverySize(({ B, H, bias, extra, seed }) => {
      const P = B * H;
      const decay = bias ? 0.1 : 0;
      const rule = adam({ lr: 0.01, weightDecay: decay, amsgrad: extra });
      agree(
        [P, P, P, P, P],
        seed,
        (w, [params, grads, m, v, vMax]) => {
          const kernels = { ...adagradKernels(w), ...adamKernels(w), ...sgdKernels(w) };
          rule.update(params, grads, extra ? [m, v, vMax] : [m, v], 3, 0.01, kernels);
          kernels.adagradUpdate(params, grads, m, 0.1, 1e-3, extra, decay);
          kernels.sgdUpdate(params, grads, 0.1, decay);
        },
        ([params, grads, m, v, vMax]) => {
          rule.update(params, grads, extra ? [m, v, vMax] : [m, v], 3, 0.01);
          adagradUpdate(params, grads, m, 0.1, 1e-3, extra, decay);
          sgdUpdate(params, grads, 0.1, decay);
        },
        ELEMENT,
      );
    });
  });

  it('adagrad leaves a parameter without gradient or memory where it is, even without eps', () => {
    const w = new WasmMemory(1000);
    const [params, grads, memory] = [w.floats(5).fill(2), w.floats(5), w.floats(5)];
    adagradKernels(w).adagradUpdate(params, grads, memory, 0.1, 0);
    expect([...params]).toEqual([2, 2, 2, 2, 2]);
  });
});
