import { describe, expect, it } from 'vitest';
import * as layers from '../../src/layers/squaredError.ts';
import { squaredErrorKernels } from '../../src/wasm/squaredError.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(squaredErrorKernels, layers);

describe('squaredErrorForward', () => {
  it('is the float64 function to rounding: a sum of V squares', () => {
    forEverySize(({ R, n: V, seed }) => {
      const draw = new Draw(seed);
      const n = R * V;
      const values = { losses: draw.floats(R), o: draw.floats(n), targets: draw.floats(n), w: draw.mask(R) };
      const { got, want } = run(values, (k, { losses, o, targets, w }) => {
        k.squaredErrorForward(losses, o, targets, w, R, V);
      });
      expectNear(got.losses, want.losses, (r) => gamma(V + 4) * want.losses[r]);
    });
  });

  it('costs nothing where the weight is 0, whatever stands there', () => {
    const nan = Float32Array.of(Number.NaN);
    const values = { losses: Float32Array.of(1), o: nan, targets: nan, w: Float32Array.of(0) };
    const { got } = run(values, (k, { losses, o, targets, w }) => {
      k.squaredErrorForward(losses, o, targets, w, 1, 1);
    });
    expect([...got.losses]).toEqual([0]);
  });
});

describe('squaredErrorBackward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n: V, one: inPlace, seed }) => {
      const draw = new Draw(seed);
      const n = R * V;
      const values = { dout: draw.floats(n), o: draw.floats(n), targets: draw.floats(n), w: draw.floats(R) };
      const { got, want } = run(values, (k, { dout, o, targets, w }) => {
        k.squaredErrorBackward(inPlace ? o : dout, o, targets, w, R, V);
      });
      const out = inPlace ? 'o' : 'dout';
      expectNear(got[out], want[out], (i) => gamma(2) * Math.abs(want[out][i]));
    });
  });
});

it('both refuse what does not fit', () => {
  const [row, x] = [new Float32Array(2), new Float32Array(6)];
  expectRefuses(squaredErrorKernels, 'squaredErrorForward', 'losses o targets w R V', [row, x, x, row, 2, 3]);
  expectRefuses(squaredErrorKernels, 'squaredErrorBackward', 'dout o targets w R V', [x, x, x, row, 2, 3]);
});
