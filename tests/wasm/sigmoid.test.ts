import { describe, expect, it } from 'vitest';
import * as tensor from '../../src/tensor/sigmoid.ts';
import { sigmoid, sigmoidKernels } from '../../src/wasm/sigmoid.ts';
import {
  Draw,
  elementwise,
  expectNear,
  expectRefuses,
  forEverySize,
  gamma,
  probes,
  twins,
  worstUlps,
} from './support.ts';

const run = twins(sigmoidKernels, tensor);

describe('sigmoid', () => {
  const kernel = elementwise(sigmoid);

  it('is within 4 ulp from −3e38 to 3e38, where it is next to nothing too', () => {
    const x = probes(50_001, [1, 20, 110, 2e4]);
    const exact = (v: number) => (v < 0 ? Math.exp(v) / (1 + Math.exp(v)) : 1 / (1 + Math.exp(-v)));
    expect(worstUlps(kernel(x), x, exact)).toBeLessThanOrEqual(4);
  });

  it('keeps NaN and ends in 0 and 1, in every lane and in the rest', () => {
    const special = Float32Array.of(Number.NaN, Infinity, -Infinity, -0, 0, Number.NaN, -Infinity);
    expect([...kernel(special)]).toEqual([Number.NaN, 1, 0, 0.5, 0.5, Number.NaN, 0]);
  });

  it('runs in place', () => {
    const { got, want } = run({ x: new Draw(2).floats(30, 3) }, (k, { x }) => k.sigmoid(x, x));
    expectNear(got.x, want.x, (i) => gamma(8) * want.x[i]);
  });
});

it('sigmoidBackward is the float64 function to rounding, in place too', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const values = { dx: draw.floats(n), dy: draw.floats(n), y: draw.between(0, 1, n) };
    const { got, want } = run(values, (k, { dx, dy, y }) => k.sigmoidBackward(inPlace ? dy : dx, dy, y));
    const out = inPlace ? 'dy' : 'dx';
    expectNear(got[out], want[out], (i) => gamma(3) * Math.abs(want[out][i]));
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(sigmoidKernels, 'sigmoid', 'y x', [x, x]);
  expectRefuses(sigmoidKernels, 'sigmoidBackward', 'dx dy y', [x, x, x]);
});
