import { expect, it } from 'vitest';
import * as layers from '../../src/layers/gruResetBefore.ts';
import { addKernels } from '../../src/wasm/add.ts';
import { gruResetBeforeKernels } from '../../src/wasm/gruResetBefore.ts';
import { matmulKernels } from '../../src/wasm/matmul.ts';
import type { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, nans, twins, u } from './support.ts';

const make = (w: WasmMemory) => gruResetBeforeKernels(w, matmulKernels(w), addKernels(w));
const run = twins(make, layers);

it('gruResetBeforeStepForward is the float64 function to rounding, with and without biases', () => {
  forEverySize(({ R: B, n: H, one: biased, seed }) => {
    const draw = new Draw(seed);
    const n = B * H;
    const values = {
      h: nans(n),
      cache: nans(3 * n),
      rh: nans(n),
      zh: nans(3 * n),
      zx: draw.floats(3 * n, 2),
      hPrev: draw.floats(n),
      Whh: draw.floats(3 * H * H),
      bhh: biased ? draw.floats(3 * H) : null,
    };
    const { got, want } = run(values, (k, { h, cache, rh, zh, zx, hPrev, Whh, bhh }) => {
      k.gruResetBeforeStepForward(h, cache, rh, zh, zx, hPrev, Whh, bhh, B, H);
    });
    // A gate's sum has H products, bias and input, no larger than H + 3 together; its own curve adds 4 ulp and passes on
    // no more than its sum's error: e. The sum under n adds up H products with r's e, and h takes in n, z and z again.
    const e = gamma(H + 3) * (H + 3) + 8 * u;
    for (const name of ['h', 'cache', 'rh'] as const) expectNear(got[name], want[name], (H + 6) * e);
    expect(got.zx).toEqual(values.zx);
  });
});

it('gruResetBeforeStepBackward is the float64 function to rounding', () => {
  forEverySize(({ R: B, n: H, seed }) => {
    const draw = new Draw(seed);
    const n = B * H;
    const rows = Array.from({ length: B }, () => [...draw.between(0, 1, 2 * H), ...draw.floats(H)]);
    const values = {
      dzx: nans(3 * n),
      dzh: nans(3 * n),
      dan: nans(n),
      dhPrev: nans(n),
      scratch: nans(n),
      dh: draw.floats(n),
      cache: Float32Array.from(rows.flat()), // r, z, n
      hPrev: draw.floats(n),
      Whh: draw.floats(3 * H * H),
    };
    const { got, want } = run(values, (k, { dzx, dzh, dan, dhPrev, scratch, dh, cache, hPrev, Whh }) => {
      k.gruResetBeforeStepBackward(dzx, dzh, dan, dhPrev, scratch, dh, cache, hPrev, Whh, B, H);
    });
    // dan is a product of numbers up to 1, drh a sum of H such, and the gates' gradients products with that or less. dh
    // is a sum of two terms up to 1 + H and of 2H products with numbers up to H.
    expectNear(got.dan, want.dan, gamma(6));
    expectNear(got.dzx, want.dzx, gamma(H + 14) * (H + 1));
    expectNear(got.dzh, want.dzh, gamma(H + 14) * (H + 1));
    expectNear(got.dhPrev, want.dhPrev, gamma(4 * H + 18) * (1 + H + 2 * H * H));
  });
});

it('gruResetBeforeWeightBackward adds sums of R products to what is there', () => {
  forEverySize(({ R, n: H, one: biased, seed }) => {
    const draw = new Draw(seed);
    const values = {
      dWhh: draw.floats(3 * H * H),
      dbhh: biased ? draw.floats(3 * H) : null,
      dzx: draw.floats(3 * R * H),
      dzh: draw.floats(3 * R * H),
      dan: draw.floats(R * H),
      hPrev: draw.floats(R * H),
      rh: draw.floats(R * H),
    };
    const { got, want } = run(values, (k, { dWhh, dbhh, dzx, dzh, dan, hPrev, rh }) => {
      k.gruResetBeforeWeightBackward(dWhh, dbhh, dzx, dzh, dan, hPrev, rh, R, H);
    });
    expectNear(got.dWhh, want.dWhh, gamma(2 * R + 4) * (2 * R + 1)); // the n rows get two sums
    if (biased) expectNear(got.dbhh, want.dbhh, gamma(R) * (R + 1));
  });
});

it('all refuse what does not fit', () => {
  const [B, H] = [2, 3];
  const of = (blocks: number): Float32Array => new Float32Array(blocks * B * H);
  const [W, b] = [new Float32Array(3 * H * H), new Float32Array(3 * H)];
  const forward = [of(1), of(3), of(1), of(3), of(3), of(1), W, b, B, H];
  expectRefuses(make, 'gruResetBeforeStepForward', 'h cache rh zh zx hPrev Whh bhh B H', forward);
  const backward = [of(3), of(3), of(1), of(1), of(1), of(1), of(3), of(1), W, B, H];
  const names = 'dzx dzh dan dhPrev scratch dh cache hPrev Whh B H';
  expectRefuses(make, 'gruResetBeforeStepBackward', names, backward);
  const weights = [W, b, of(3), of(3), of(1), of(1), of(1), B, H];
  expectRefuses(make, 'gruResetBeforeWeightBackward', 'dWhh dbhh dzx dzh dan hPrev rh R H', weights);
});
