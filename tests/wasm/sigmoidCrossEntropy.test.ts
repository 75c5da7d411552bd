import { describe, expect, it } from 'vitest';
import * as layers from '../../src/layers/sigmoidCrossEntropy.ts';
import { sigmoidCrossEntropyKernels } from '../../src/wasm/sigmoidCrossEntropy.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins } from './support.ts';

const run = twins(sigmoidCrossEntropyKernels, layers);

describe('sigmoidCrossEntropyForward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n: V, one: inPlace, seed }) => {
      const draw = new Draw(seed);
      const values = {
        losses: draw.floats(R),
        o: draw.floats(R * V),
        z: draw.floats(R * V, 20),
        targets: draw.floats(R * V),
        w: draw.mask(R).map((kept) => kept * 0.7),
      };
      const { got, want } = run(values, (k, { losses, o, z, targets, w }) => {
        k.sigmoidCrossEntropyForward(losses, inPlace ? z : o, z, targets, w, R, V);
      });
      const out = inPlace ? 'z' : 'o';
      expectNear(got[out], want[out], (i) => gamma(8) * want[out][i]); // σ's 4 ulp
      // exp's 2 ulp, ln(1 + e)'s 4, the roundings of the other two terms, V additions.
      expectNear(got.losses, want.losses, (r) => {
        let sizes = 0;
        for (let i = r * V; i < (r + 1) * V; i++) {
          const z = values.z[i];
          sizes += Math.max(z, 0) + Math.abs(z * values.targets[i]) + Math.log1p(Math.exp(-Math.abs(z)));
        }
        return gamma(V + 16) * values.w[r] * sizes;
      });
    });
  });

  it('keeps the digits of a loss that is next to nothing, and costs nothing where the weight is 0', () => {
    const values = {
      losses: new Float32Array(2),
      o: new Float32Array(2),
      z: Float32Array.of(30, Number.NaN),
      targets: Float32Array.of(1, 0),
      w: Float32Array.of(1, 0),
    };
    const { got } = run(values, (k, { losses, o, z, targets, w }) => {
      k.sigmoidCrossEntropyForward(losses, o, z, targets, w, 2, 1);
    });
    expect(Math.abs(got.losses[0] / Math.exp(-30) - 1)).toBeLessThan(gamma(16));
    expect(got.losses[1]).toBe(0);
  });
});

describe('sigmoidCrossEntropyBackward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n: V, one: inPlace, seed }) => {
      const draw = new Draw(seed);
      const n = R * V;
      const values = { dz: draw.floats(n), o: draw.between(0, 1, n), targets: draw.floats(n), w: draw.floats(R) };
      const { got, want } = run(values, (k, { dz, o, targets, w }) => {
        k.sigmoidCrossEntropyBackward(inPlace ? o : dz, o, targets, w, R, V);
      });
      const out = inPlace ? 'o' : 'dz';
      expectNear(got[out], want[out], (i) => gamma(2) * Math.abs(want[out][i]));
    });
  });
});

it('both refuse what does not fit', () => {
  const [row, x] = [new Float32Array(2), new Float32Array(6)];
  const both = sigmoidCrossEntropyKernels;
  expectRefuses(both, 'sigmoidCrossEntropyForward', 'losses o z targets w R V', [row, x, x, x, row, 2, 3]);
  expectRefuses(both, 'sigmoidCrossEntropyBackward', 'dz o targets w R V', [x, x, x, row, 2, 3]);
});
