import { expect, it } from 'vitest';
import * as tensor from '../../src/tensor/sum.ts';
import { l2Kernels } from '../../src/wasm/l2.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { sumKernels } from '../../src/wasm/sum.ts';
import { Draw, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(sumKernels, tensor);

it('sumAxis adds in float64, one after another, and rounds once: as the TypeScript function, to the bit', () => {
  forEverySize(({ R: outer, n: inner, one, seed }) => {
    const draw = new Draw(seed);
    const axis = one ? 25 : 3;
    const values = { y: draw.floats(outer * inner), x: draw.floats(outer * axis * inner) };
    const { got, want } = run(values, (k, { y, x }) => k.sumAxis(y, x, outer, axis, inner));
    expect(got.y).toEqual(Float32Array.from(want.y));
  });
});

it('sumOfSquares adds in float64', () => {
  forEverySize(({ R, n, seed }) => {
    const x = new Draw(seed).floats(R * n);
    let want = 0;
    for (const v of x) want += v * v;
    const w = new WasmMemory(4 * x.length);
    const place = w.floats(x.length);
    place.set(x);
    expect(Math.abs(l2Kernels(w).l2Forward(place, 1) - want)).toBeLessThanOrEqual(x.length * 2 ** -53 * want);
  });
});

it('sumOfSquares of the largest numbers is finite, and of an infinite one it is not', () => {
  const w = new WasmMemory(100);
  const x = w.floats(5).fill(3e38);
  const sumOfSquares = (x: Float32Array) => l2Kernels(w).l2Forward(x, 1);
  expect(sumOfSquares(x) / (5 * Math.fround(3e38) ** 2)).toBeCloseTo(1, 14);
  x[4] = Infinity;
  expect(sumOfSquares(x)).toBe(Infinity);
  x[1] = Number.NaN;
  expect(sumOfSquares(x)).toBeNaN();
});

it('both refuse what does not fit', () => {
  expectRefuses(sumKernels, 'sumAxis', 'y x outer axis inner', [new Float32Array(6), new Float32Array(12), 2, 2, 3]);
  const w = new WasmMemory(100);
  const kernels = sumKernels(w);
  expect(() => kernels.sumAxis(w.floats(2), w.floats(3), 2, 1.5, 1)).toThrow(
    /axis.* must be whole numbers .* got 1.5$/,
  );
  expect(() => l2Kernels(w).l2Forward(new Float32Array(3), 1)).toThrow(TypeError);
});
