import { it } from 'vitest';
import * as tensor from '../../src/tensor/layerNorm.ts';
import { layerNormKernels } from '../../src/wasm/layerNorm.ts';
import type { Sizes } from '../../src/webgpu/selfTest/check.ts';
import { layerNormChecks } from '../../src/webgpu/selfTest/layerNormChecks.ts';
import { Draw, expectNear, expectRefuses, forEverySize, twins } from './support.ts';

const run = twins(layerNormKernels, tensor);
const EPSILON = 1e-5;
// WGSL promises less than WebAssembly, so that its bounds are bounds here.
const [forward, backward] = layerNormChecks;

/** Values as the checks of WGSL take them. */
const arrays = (f: Record<string, Float32Array | Float64Array>) => ({
  f: Object.fromEntries(Object.entries(f).map(([name, values]) => [name, Float64Array.from(values)])),
  i: {},
});

it('layerNorm is the float64 function to rounding, in place too', () => {
  forEverySize(({ R, n: rest, one: inPlace, seed }) => {
    const n = rest + 1;
    const draw = new Draw(seed);
    const values = {
      ...{ y: draw.floats(R * n), normalized: draw.floats(R * n), inverse: draw.floats(R) },
      ...{ x: draw.floats(R * n), gain: draw.floats(n), bias: draw.floats(n) },
    };
    const { got, want } = run(values, (k, { y, normalized, inverse, x, gain, bias }) => {
      k.layerNorm(inPlace ? x : y, normalized, inverse, x, gain, bias, EPSILON, R, n);
    });
    const bounds = forward.bound!(arrays(values), arrays(want), { R, n } as Sizes);
    expectNear(inPlace ? got.x : got.y, inPlace ? want.x : want.y, (i) => bounds.y[i]);
    for (const name of ['normalized', 'inverse'] as const) expectNear(got[name], want[name], (i) => bounds[name][i]);
  });
});

it('layerNormBackward is the float64 function to rounding, in place too, and adds to the gradients of gain and bias', () => {
  forEverySize(({ R, n: rest, one: inPlace, seed }) => {
    const n = rest + 1;
    const draw = new Draw(seed);
    const values = {
      ...{ dx: draw.floats(R * n), dgain: draw.floats(n), dbias: draw.floats(n), dy: draw.floats(R * n) },
      ...{ normalized: draw.floats(R * n, 2), inverse: draw.between(0.1, 3, R), gain: draw.floats(n) },
    };
    const { got, want } = run(values, (k, { dx, dgain, dbias, dy, normalized, inverse, gain }) => {
      k.layerNormBackward(inPlace ? dy : dx, dgain, dbias, dy, normalized, inverse, gain, R, n);
    });
    const bounds = backward.bound!(arrays(values), arrays(want), { R, n } as Sizes);
    expectNear(inPlace ? got.dy : got.dx, inPlace ? want.dy : want.dx, (i) => bounds.dx[i]);
    for (const name of ['dgain', 'dbias'] as const) expectNear(got[name], want[name], (i) => bounds[name][i]);
  });
});

it('both refuse what does not fit', () => {
  const [row, rows, one] = [new Float32Array(3), new Float32Array(6), new Float32Array(2)];
  const forwards = 'y normalized inverse x gain bias eps rows n';
  expectRefuses(layerNormKernels, 'layerNorm', forwards, [rows, rows, one, rows, row, row, EPSILON, 2, 3]);
  const backwards = 'dx dgain dbias dy normalized inverse gain rows n';
  expectRefuses(layerNormKernels, 'layerNormBackward', backwards, [rows, row, row, rows, rows, one, row, 2, 3]);
});
