import { describe, expect, it } from 'vitest';
import * as layers from '../../src/layers/binaryCrossEntropyOfSoftmax.ts';
import { softmax } from '../../src/tensor/softmax.ts';
import { binaryCrossEntropyOfSoftmaxKernels } from '../../src/wasm/binaryCrossEntropyOfSoftmax.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins, u } from './support.ts';

const run = twins(binaryCrossEntropyOfSoftmaxKernels, layers);

describe('binaryCrossEntropyOfSoftmaxForward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n, one: inPlace, other: far, seed }) => {
      const V = n + 2;
      const draw = new Draw(seed);
      const values = {
        losses: draw.floats(R),
        p: draw.floats(R * V),
        z: draw.floats(R * V, far ? 30 : 2),
        targets: draw.floats(R * V),
        w: draw.mask(R).map((kept) => kept * 0.7),
      };
      const { got, want } = run(values, (k, { losses, p, z, targets, w }) => {
        k.binaryCrossEntropyOfSoftmaxForward(losses, inPlace ? z : p, z, targets, w, R, V);
      });
      const D = (r: number) => {
        const row = values.z.subarray(r * V, (r + 1) * V);
        return Math.max(...row) - Math.min(...row);
      };
      const out = inPlace ? 'z' : 'p';
      expectNear(got[out], want[out], (i) => (2 * D(Math.floor(i / V)) + V + 10) * u * want[out][i] + 2 ** -148);
      // ln Σ_{k≠m} e^(z_k − z_m) comes with (3D + V + 20)·u: three differences of up to D, exp's and log's ulps, V
      // additions. ln p and ln(1 − p), no larger than D + 3, take it in at most twice and add a few roundings.
      expectNear(got.losses, want.losses, (r) => {
        let sizes = 0;
        for (const y of values.targets.subarray(r * V, (r + 1) * V)) sizes += Math.abs(y) + Math.abs(1 - y);
        return values.w[r] * sizes * ((6 * D(r) + 2 * V + 80) * u + gamma(V + 4) * (D(r) + 3));
      });
    });
  });

  it('costs what vanished probabilities cost, and nothing where the weight is 0', () => {
    const values = {
      losses: new Float32Array(2),
      p: new Float32Array(6),
      z: Float32Array.of(0, 300, 100, Number.NaN, 1, 2),
      targets: Float32Array.of(1, 0, 0, 0, 0, 0),
      w: Float32Array.of(1, 0),
    };
    const { got } = run(values, (k, { losses, p, z, targets, w }) => {
      k.binaryCrossEntropyOfSoftmaxForward(losses, p, z, targets, w, 2, 3);
    });
    expect([...got.losses]).toEqual([500, 0]); // −ln e^(−300) − ln(1 − p_1) with 1 − p_1 = e^(−200)
  });
});

describe('binaryCrossEntropyOfSoftmaxBackward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n, one: inPlace, other: far, seed }) => {
      const V = n + 2;
      const draw = new Draw(seed);
      const p = new Float32Array(R * V);
      softmax(p, draw.floats(R * V, far ? 20 : 1), R, V);
      const values = { dz: draw.floats(R * V), p, targets: draw.floats(R * V), w: draw.mask(R) };
      const { got, want } = run(values, (k, { dz, p, targets, w }) => {
        k.binaryCrossEntropyOfSoftmaxBackward(inPlace ? p : dz, p, targets, w, R, V);
      });
      const out = inPlace ? 'p' : 'dz';
      // The terms of dz without their signs; the longest way to one is a sum over V and a dozen operations.
      expectNear(got[out], want[out], (i) => {
        const r = Math.floor(i / V);
        const row = [...p.subarray(r * V, (r + 1) * V)];
        const m = row.indexOf(Math.max(...row));
        const y = values.targets.subarray(r * V, (r + 1) * V);
        const size = (j: number) => (Math.abs(1 - y[j]) * row[j]) / (1 - row[j]) + Math.abs(y[j]);
        const rest = row.reduce((sum, o, j) => (j === m ? sum : sum + o), 0);
        const others = row.reduce((sum, _, j) => (j === m ? sum : sum + size(j)), 0);
        const share = Math.abs(1 - y[m]) * row[m];
        const j = i - r * V;
        const terms =
          j === m
            ? share + Math.abs(y[m]) * rest + row[m] * others
            : size(j) + (share * row[j]) / rest + (Math.abs(y[m]) + others) * row[j];
        return gamma(V + 14) * values.w[r] * terms;
      });
    });
  });

  it('counts one of two equal largest as the largest, and leaves rows of weight 0 without a gradient', () => {
    const values = {
      dz: Float32Array.of(7, 7, 7, 7),
      p: Float32Array.of(0.5, 0.5, Number.NaN, 0),
      targets: Float32Array.of(1, 0.25, 0, 0),
      w: Float32Array.of(1, 0),
    };
    const { got } = run(values, (k, { dz, p, targets, w }) => {
      k.binaryCrossEntropyOfSoftmaxBackward(dz, p, targets, w, 2, 2);
    });
    // p₀ = σ(a) with a = z₀ − z₁ and p₁ = σ(−a): dL/da = (p₀ − y₀) − (p₁ − y₁)
    expect([...got.dz]).toEqual([-0.75, 0.75, 0, 0]);
  });
});

it('both refuse what does not fit', () => {
  const [row, x] = [new Float32Array(2), new Float32Array(6)];
  const both = binaryCrossEntropyOfSoftmaxKernels;
  expectRefuses(both, 'binaryCrossEntropyOfSoftmaxForward', 'losses p z targets w R V', [row, x, x, x, row, 2, 3]);
  expectRefuses(both, 'binaryCrossEntropyOfSoftmaxBackward', 'dz p targets w R V', [x, x, x, row, 2, 3]);
});
