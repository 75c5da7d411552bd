import { expect, it } from 'vitest';
import * as optim from '../../src/optim/l2.ts';
import { l2Kernels } from '../../src/wasm/l2.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(l2Kernels, optim);

it('l2Forward is the float64 sum, l2Backward adds 2λ·w', () => {
  forEverySize(({ R, n, seed }) => {
    const draw = new Draw(seed);
    const values = { w: draw.floats(R * n), dw: draw.floats(R * n) };
    const losses: number[] = [];
    const { got, want } = run(values, (k, { w, dw }) => {
      losses.push(k.l2Forward(w, 0.125));
      k.l2Backward(dw, w, 0.125);
    });
    expect(Math.abs(losses[1] - losses[0])).toBeLessThanOrEqual(R * n * 2 ** -53 * losses[0]);
    expectNear(got.dw, want.dw, gamma(2) * 1.25);
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(l2Kernels, 'l2Backward', 'dw w lambda', [x, x, 1]);
  expect(() => l2Kernels(new WasmMemory(100)).l2Forward(x, 1)).toThrow(TypeError);
});
