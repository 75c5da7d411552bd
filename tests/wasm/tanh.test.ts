import { describe, expect, it } from 'vitest';
import * as tensor from '../../src/tensor/tanh.ts';
import { tanh, tanhKernels } from '../../src/wasm/tanh.ts';
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

const run = twins(tanhKernels, tensor);

describe('tanh', () => {
  const kernel = elementwise(tanh);

  it('is within 3 ulp from −3e38 to 3e38', () => {
    const x = probes(50_001, [1, 20, 2e4]);
    expect(worstUlps(kernel(x), x, Math.tanh)).toBeLessThanOrEqual(3);
  });

  it('keeps NaN and the sign of zero, and ends in ±1, in every lane and in the rest', () => {
    const special = Float32Array.of(Number.NaN, Infinity, -Infinity, -0, 0, Number.NaN, -Infinity);
    expect([...kernel(special)]).toEqual([Number.NaN, 1, -1, -0, 0, Number.NaN, -1]);
  });

  it('gives an element the same bits wherever it is', () => {
    const x = new Draw(1).floats(1001, 5);
    const y = kernel(x);
    for (let i = 0; i < 1001; i++) expect(kernel(x.subarray(i, i + 1))[0]).toBe(y[i]);
  });

  it('runs in place', () => {
    const { got, want } = run({ x: new Draw(2).floats(30, 3) }, (k, { x }) => k.tanh(x, x));
    expectNear(got.x, want.x, (i) => gamma(8) * Math.abs(want.x[i]));
  });
});

it('tanhBackward is the float64 function to rounding, in place too', () => {
  forEverySize(({ n, one: inPlace, seed }) => {
    const draw = new Draw(seed);
    const values = { dx: draw.floats(n), dy: draw.floats(n), y: draw.floats(n) };
    const { got, want } = run(values, (k, { dx, dy, y }) => k.tanhBackward(inPlace ? dy : dx, dy, y));
    const out = inPlace ? 'dy' : 'dx';
    // 1 − y² errs by a unit of y² and one of itself, the product by one more.
    expectNear(got[out], want[out], (i) => gamma(3) * Math.abs(values.dy[i]));
  });
});

it('both refuse what does not fit', () => {
  const x = new Float32Array(6);
  expectRefuses(tanhKernels, 'tanh', 'y x', [x, x]);
  expectRefuses(tanhKernels, 'tanhBackward', 'dx dy y', [x, x, x]);
});
