import { expect, it } from 'vitest';
import { tsEngine } from '../../src/bptt/engine.ts';
import { clipByNorm } from '../../src/optim/clip.ts';
import { clipKernels } from '../../src/wasm/clip.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, forEverySize, gamma, twins } from './support.ts';

const { clipByValue } = tsEngine('float32').optim;
const run = twins(clipKernels, { clipByValue, clipByNorm });

it('clipByValue keeps what lies between the bounds', () => {
  forEverySize(({ n, seed }) => {
    const g = Float32Array.from([...new Draw(seed).floats(n), 0.25, -0.25, 0, 3e38, -3e38]);
    const finite: boolean[] = [];
    const { got, want } = run({ g }, (k, { g }) => {
      finite.push(k.clipByValue(g, 0.25));
    });
    expect(finite).toEqual([true, true]);
    expect(got.g).toEqual(Float32Array.from(want.g));
  });
});

it('clipByValue tells of what is not finite, wherever it stands, and leaves it', () => {
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    for (let at = 0; at < 7; at++) {
      const w = new WasmMemory(100);
      const g = w.floats(7).fill(3);
      g[at] = bad;
      expect(clipKernels(w).clipByValue(g, 2)).toBe(false);
      expect(g[at]).toBe(bad);
      const own = new Float32Array(7).fill(3);
      own[at] = bad;
      expect(clipByValue(own, 2)).toBe(false);
      expect(own[at]).toBe(bad);
    }
  }
});

it('clipByNorm gives the norm and multiplies by four rounded factors at most', () => {
  forEverySize(({ R, n, one: small, seed }) => {
    const norms: number[] = [];
    const values = { g: new Draw(seed).floats(R * n) };
    const { got, want } = run(values, (k, { g }) => {
      norms.push(k.clipByNorm(g, small ? 0.125 : 8));
    });
    expect(Math.abs(norms[1] - norms[0])).toBeLessThanOrEqual((R * n + 2) * 2 ** -53 * norms[0]);
    expectNear(got.g, want.g, (i) => (norms[0] > (small ? 0.125 : 8) ? gamma(4) * Math.abs(want.g[i]) : 0));
  });
});

it('clipByNorm keeps the direction where norm, factor and squares leave float32', () => {
  const g = new Float32Array(1000).map((_, i) => (i % 2 ? 3e38 : -1e38));
  const { got, want } = run({ g }, (k, { g }) => k.clipByNorm(g, 2 ** -40));
  expectNear(got.g, want.g, (i) => gamma(4) * Math.abs(want.g[i]));
  expect(Math.hypot(...got.g) * 2 ** 40).toBeCloseTo(1, 6);
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  const kernels = clipKernels(new WasmMemory(100));
  for (const fn of ['clipByNorm', 'clipByValue'] as const) expect(() => kernels[fn](x, 1)).toThrow(TypeError);
  const own = new WasmMemory(100);
  for (const bad of [0, -1, Number.NaN]) {
    expect(() => clipKernels(own).clipByNorm(own.floats(2), bad)).toThrow(
      RangeError(`clipByNorm: maxNorm is ${bad}, expected a number > 0`),
    );
    expect(() => clipKernels(own).clipByValue(own.floats(2), bad)).toThrow(
      RangeError(`clipByValue: limit is ${bad}, expected a number > 0`),
    );
  }
});
