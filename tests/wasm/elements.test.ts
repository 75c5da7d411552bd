import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as gru from '../../src/layers/gru.ts';
import * as linear from '../../src/layers/linear.ts';
import * as lstm from '../../src/layers/lstm.ts';
import { adagradUpdate } from '../../src/optim/adagrad.ts';
import { adam } from '../../src/optim/adam.ts';
import { sgdUpdate } from '../../src/optim/sgd.ts';
import * as adding from '../../src/tensor/add.ts';
import { clip } from '../../src/tensor/clip.ts';
import { multiply } from '../../src/tensor/multiply.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { logistic, sigmoidBackward } from '../../src/tensor/sigmoid.ts';
import { sumOfSquares } from '../../src/tensor/sum.ts';
import { tanhBackward } from '../../src/tensor/tanh.ts';
import { adagradKernels } from '../../src/wasm/adagrad.ts';
import { adamKernels } from '../../src/wasm/adam.ts';
import { addKernels } from '../../src/wasm/add.ts';
import { clipKernels } from '../../src/wasm/clip.ts';
import { gruKernels } from '../../src/wasm/gru.ts';
import { linearKernels } from '../../src/wasm/linear.ts';
import { lstmKernels } from '../../src/wasm/lstm.ts';
import { matmulKernels } from '../../src/wasm/matmul.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { multiplyKernels } from '../../src/wasm/multiply.ts';
import { sgdKernels } from '../../src/wasm/sgd.ts';
import { sigmoidKernels } from '../../src/wasm/sigmoid.ts';
import { sumKernels } from '../../src/wasm/sum.ts';
import { tanhKernels } from '../../src/wasm/tanh.ts';

const ulp = (x: number): number => Math.max(2 ** -149, 2 ** (Math.floor(Math.log2(Math.abs(x) || 2 ** -149)) - 23));

/** Numbers from −range to range on a line, and every kind of special one. */
function probes(w: WasmMemory, count: number): Float32Array {
  const x = w.floats(4 * count + 21);
  const ranges = [1, 20, 110, 2e4];
  ranges.forEach((range, i) => {
    for (let j = 0; j < count; j++) x[i * count + j] = ((2 * j) / (count - 1) - 1) * range;
  });
  const tiny = [2 ** -149, 2 ** -130, 2 ** -126, 1e-20, 1e-8, 0.625, 0.624999, 88.7, 1e4, 3e38];
  x.set([...tiny, ...tiny.map((v) => -v), 0], 4 * count);
  return x;
}

describe('tanh and sigmoid', () => {
  const w = new WasmMemory(4_000_000);
  const x = probes(w, 50_001);
  const y = w.floats(x.length);
  it.each([
    ['tanh', tanhKernels(w).tanh, Math.tanh, 3],
    ['sigmoid', sigmoidKernels(w).sigmoid, (v: number) => (v < 0 ? Math.exp(v) / (1 + Math.exp(v)) : logistic(v)), 4],
  ] as const)('%s is within a few ulp from −3e38 to 3e38', (_, kernel, exact, ulps) => {
    kernel(y, x);
    let worst = 0;
    for (let i = 0; i < x.length; i++) {
      const want = exact(x[i]);
      worst = Math.max(worst, Math.abs(y[i] - want) / ulp(want));
    }
    expect(worst).toBeLessThanOrEqual(ulps);
  });

  it('keeps NaN, infinities and the sign of zero, in every lane and in the rest', () => {
    const special = w.floats(7);
    const out = w.floats(7);
    special.set([Number.NaN, Infinity, -Infinity, -0, 0, Number.NaN, -Infinity]);
    tanhKernels(w).tanh(out, special);
    expect([...out]).toEqual([Number.NaN, 1, -1, -0, 0, Number.NaN, -1]);
    sigmoidKernels(w).sigmoid(out, special);
    expect([...out]).toEqual([Number.NaN, 1, 0, 0.5, 0.5, Number.NaN, 0]);
  });

  it('gives an element the same bits wherever it stands', () => {
    tanhKernels(w).tanh(y, x);
    const one = w.floats(1);
    for (let i = 0; i < 200; i++) {
      tanhKernels(w).tanh(one, x.subarray(997 * i, 997 * i + 1));
      expect(one[0]).toBe(y[997 * i]);
    }
  });
});

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

/** Sums of up to 80 products of numbers below 1, through slopes below 1: the rounding of a few dozen operations. */
const CELL = 1e-5;
/** A handful of operations, each rounded by 2⁻²⁴. */
const ELEMENT = 1e-6;

describe('twins of TypeScript kernels', () => {
  it('add, addRow, addRowBackward, multiply', () => {
    forEverySize(({ B, H, seed }) => {
      const n = B * H;
      const lengths = [n, n, n, H];
      agree(
        lengths,
        seed,
        (w, [z, x, y, row]) => {
          const { add, addRow, addRowBackward } = addKernels(w);
          add(z, x, y);
          addRow(y, x, row, B, H);
          addRowBackward(row, z, B, H);
          multiplyKernels(w).multiply(x, x, z);
        },
        ([z, x, y, row]) => {
          adding.add(z, x, y);
          adding.addRow(y, x, row, B, H);
          adding.addRowBackward(row, z, B, H);
          multiply(x, x, z);
        },
        ELEMENT,
      );
    });
  });

  it('tanhBackward, sigmoidBackward, clip', () => {
    forEverySize(({ B, H, seed }) => {
      const lengths = [B * H, B * H, B * H];
      agree(
        lengths,
        seed,
        (w, [a, b, c]) => {
          tanhKernels(w).tanhBackward(a, b, c);
          sigmoidKernels(w).sigmoidBackward(b, b, c);
          clipKernels(w).clip(c, c, -0.5, 0.25);
        },
        ([a, b, c]) => {
          tanhBackward(a, b, c);
          sigmoidBackward(b, b, c);
          clip(c, c, -0.5, 0.25);
        },
        ELEMENT,
      );
    });
  });

  it('linearForward and linearBackward', () => {
    forEverySize(({ B: R, H: D, bias, extra, seed }) => {
      const O = 11;
      const lengths = [R * O, R * D, O * D, bias ? O : null, extra ? R * D : null, O * D, bias ? O : null];
      agree(
        lengths,
        seed,
        (w, [y, x, W, b, dx, dW, db]) => {
          const kernels = linearKernels(w, matmulKernels(w), addKernels(w));
          kernels.linearForward(y, x, W, b, R, D, O);
          kernels.linearBackward(dx, dW, db, y, x, W, R, D, O, extra);
        },
        ([y, x, W, b, dx, dW, db]) => {
          linear.linearForward(y, x, W, b, R, D, O);
          linear.linearBackward(dx, dW, db, y, x, W, R, D, O, extra);
        },
        CELL,
      );
    });
  });

  it('lstm, with and without peepholes', () => {
    forEverySize(({ B, H, bias, extra, seed }) => {
      const n = B * H;
      const [b4, p3] = [bias ? 4 * H : null, extra ? 3 * H : null];
      const lengths = [n, n, 5 * n, 4 * n, 4 * n, n, n, 4 * H * H, b4, p3, 4 * n, n, n, n, 4 * H * H, b4, p3];
      const run =
        (k: typeof lstm | ReturnType<typeof lstmKernels>) =>
        (arrays: Float32Array[]): void => {
          const [h, c, cache, a, zx, hPrev, cPrev, Whh, bhh, p, da, dhPrev, dc, dh, dWhh, dbhh, dp] = arrays;
          k.lstmStepForward(h, c, cache, a, zx, hPrev, cPrev, Whh, bhh, p, B, H);
          k.lstmStepBackward(da, dhPrev, dc, dh, dc, cache, cPrev, Whh, p, B, H);
          k.lstmWeightBackward(dWhh, dbhh, dp, da, hPrev, cPrev, c, B, H);
        };
      agree(
        lengths,
        seed,
        (w, arrays) => run(lstmKernels(w, matmulKernels(w), addKernels(w)))(arrays),
        run(lstm),
        CELL,
      );
    });
  });

  it('gru', () => {
    forEverySize(({ B, H, bias, seed }) => {
      const n = B * H;
      const b3 = bias ? 3 * H : null;
      const lengths = [n, 4 * n, 3 * n, 3 * n, n, 3 * H * H, b3, 3 * n, 3 * n, n, n, 3 * H * H, b3];
      const run =
        (k: typeof gru | ReturnType<typeof gruKernels>) =>
        (arrays: Float32Array[]): void => {
          const [h, cache, zh, zx, hPrev, Whh, bhh, dzx, dzh, dhPrev, dh, dWhh, dbhh] = arrays;
          k.gruStepForward(h, cache, zh, zx, hPrev, Whh, bhh, B, H);
          k.gruStepBackward(dzx, dzh, dhPrev, dh, cache, hPrev, Whh, B, H);
          k.gruWeightBackward(dWhh, dbhh, dzh, hPrev, B, H);
        };
      agree(lengths, seed, (w, arrays) => run(gruKernels(w, matmulKernels(w), addKernels(w)))(arrays), run(gru), CELL);
    });
  });

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

  it('clip keeps NaN, and refuses bounds the wrong way round', () => {
    const w = new WasmMemory(1000);
    const x = w.floats(5);
    x.set([Number.NaN, -9, 9, Infinity, Number.NaN]);
    clipKernels(w).clip(x, x, -5, 5);
    expect([...x]).toEqual([Number.NaN, -5, 5, 5, Number.NaN]);
    expect(() => clipKernels(w).clip(x, x, 1, 0)).toThrow('clip: low is 1 and high is 0, expected low ≤ high');
  });

  it('sumOfSquares', () => {
    forEverySize(({ B, H, seed }) => {
      const w = new WasmMemory(10_000);
      const x = w.floats(B * H);
      x.set(new RandomState(seed).randn(x.length));
      const want = sumOfSquares(x);
      expect(Math.abs(sumKernels(w).sumOfSquares(x) - want)).toBeLessThanOrEqual(1e-13 * want);
    });
    const w = new WasmMemory(1000);
    const x = w.floats(6).fill(3e38);
    expect(sumKernels(w).sumOfSquares(x)).toBeLessThan(Infinity);
    x[5] = Infinity;
    expect(sumKernels(w).sumOfSquares(x)).toBe(Infinity);
    x[0] = Number.NaN;
    expect(sumKernels(w).sumOfSquares(x)).toBeNaN();
  });
});
