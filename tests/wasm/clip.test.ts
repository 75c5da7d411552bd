import { expect, it } from 'vitest';
import { clipByNorm } from '../../src/optim/clip.ts';
import { clip } from '../../src/tensor/clip.ts';
import { clipKernels } from '../../src/wasm/clip.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(clipKernels, { clip, clipByNorm });

it('clip keeps what lies between the bounds, and NaN', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const x = Float32Array.from([...draw.floats(n), Number.NaN, Infinity, -Infinity, 0.25, -0.5]);
    const { got, want } = run({ y: draw.floats(x.length), x }, (k, { y, x }) => k.clip(inPlace ? x : y, x, -0.5, 0.25));
    for (const name of ['y', 'x'] as const) expect(got[name]).toEqual(Float32Array.from(want[name]));
  });
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
  expectRefuses(clipKernels, 'clip', 'y x low high', [x, x, -1, 1]);
  const call = () => run({ x }, (k, { x }) => k.clip(x, x, 1, -1));
  expect(call).toThrow('clip: low is 1 and high is -1, expected low ≤ high');
  const kernels = clipKernels(new WasmMemory(100));
  expect(() => kernels.clipByNorm(x, 1)).toThrow(TypeError);
  const own = new WasmMemory(100);
  for (const bad of [0, -1, Number.NaN]) {
    expect(() => clipKernels(own).clipByNorm(own.floats(2), bad)).toThrow(
      RangeError(`clipByNorm: maxNorm is ${bad}, expected a number > 0`),
    );
  }
});
