import { describe, expect, it } from 'vitest';
import * as layers from '../../src/layers/elman.ts';
import { addKernels } from '../../src/wasm/add.ts';
import { elmanKernels } from '../../src/wasm/elman.ts';
import { matmulKernels } from '../../src/wasm/matmul.ts';
import type { WasmMemory } from '../../src/wasm/memory.ts';
import { reluKernels } from '../../src/wasm/relu.ts';
import { sigmoidKernels } from '../../src/wasm/sigmoid.ts';
import { tanhKernels } from '../../src/wasm/tanh.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, nans, twins, u } from './support.ts';

const make = (w: WasmMemory) =>
  elmanKernels(w, matmulKernels(w), addKernels(w), tanhKernels(w), sigmoidKernels(w), reluKernels(w));
const run = twins(make, layers);

describe.each(['tanh', 'sigmoid', 'relu', 'identity'] as const)('%s', (f) => {
  it('elmanStepForward is the float64 function to rounding, with and without biases', () => {
    forEverySize(({ R: B, n: H, one: biased, seed }) => {
      const draw = new Draw(seed);
      const values = {
        h: nans(B * H),
        zx: draw.floats(B * H),
        hPrev: draw.floats(B * H),
        Whh: draw.floats(H * H),
        bhh: biased ? draw.floats(H) : null,
      };
      const { got, want } = run(values, (k, { h, zx, hPrev, Whh, bhh }) => {
        k.elmanStepForward(h, zx, hPrev, Whh, bhh, f, B, H);
      });
      // H products, bias and input, no larger than H + 2 together; the curve adds 4 ulp and passes on no more.
      expectNear(got.h, want.h, gamma(H + 3) * (H + 2) + 8 * u);
      expect(got.zx).toEqual(values.zx);
    }, 20);
  });

  it('elmanStepBackward is the float64 function to rounding', () => {
    forEverySize(({ R: B, n: H, seed }) => {
      const draw = new Draw(seed);
      const values = {
        dz: nans(B * H),
        dhPrev: nans(B * H),
        dh: draw.floats(B * H),
        h: draw.floats(B * H),
        Whh: draw.floats(H * H),
      };
      const { got, want } = run(values, (k, { dz, dhPrev, dh, h, Whh }) => {
        k.elmanStepBackward(dz, dhPrev, dh, h, Whh, f, B, H);
      });
      // y(1 − y) is up to 2 for y down to −1; then a sum of H such.
      expectNear(got.dz, want.dz, gamma(3) * 2);
      expectNear(got.dhPrev, want.dhPrev, gamma(H + 5) * 2 * H);
    }, 20);
  });
});

it('elmanWeightBackward adds sums of R products to what is there', () => {
  forEverySize(({ R, n: H, one: biased, seed }) => {
    const draw = new Draw(seed);
    const values = {
      dWhh: draw.floats(H * H),
      dbhh: biased ? draw.floats(H) : null,
      dz: draw.floats(R * H),
      hPrev: draw.floats(R * H),
    };
    const { got, want } = run(values, (k, { dWhh, dbhh, dz, hPrev }) => {
      k.elmanWeightBackward(dWhh, dbhh, dz, hPrev, R, H);
    });
    expectNear(got.dWhh, want.dWhh, gamma(R + 2) * (R + 1));
    if (biased) expectNear(got.dbhh, want.dbhh, gamma(R) * (R + 1));
  });
});

it('all refuse what does not fit', () => {
  const [B, H] = [2, 3];
  const [x, W, b] = [new Float32Array(B * H), new Float32Array(H * H), new Float32Array(H)];
  expectRefuses(make, 'elmanStepForward', 'h zx hPrev Whh bhh f B H', [x, x, x, W, b, 'tanh', B, H]);
  expectRefuses(make, 'elmanStepBackward', 'dz dhPrev dh h Whh f B H', [x, x, x, x, W, 'tanh', B, H]);
  expectRefuses(make, 'elmanWeightBackward', 'dWhh dbhh dz hPrev R H', [W, b, x, x, B, H]);
});
