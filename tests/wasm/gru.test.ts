import { expect, it } from 'vitest';
import * as layers from '../../src/layers/gru.ts';
import { addKernels } from '../../src/wasm/add.ts';
import { gruKernels } from '../../src/wasm/gru.ts';
import { matmulKernels } from '../../src/wasm/matmul.ts';
import type { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, nans, twins, u } from './support.ts';

const make = (w: WasmMemory) => gruKernels(w, matmulKernels(w), addKernels(w));
const run = twins(make, layers);

it('gruStepForward is the float64 function to rounding, with and without biases', () => {
  forEverySize(({ R: B, n: H, one: biased, seed }) => {
    const draw = new Draw(seed);
    const n = B * H;
    const values = {
      h: nans(n),
      cache: nans(4 * n),
      zh: nans(3 * n),
      zx: draw.floats(3 * n, 2),
      hPrev: draw.floats(n),
      Whh: draw.floats(3 * H * H),
      bhh: biased ? draw.floats(3 * H) : null,
    };
    const { got, want } = run(values, (k, { h, cache, zh, zx, hPrev, Whh, bhh }) => {
      k.gruStepForward(h, cache, zh, zx, hPrev, Whh, bhh, B, H);
    });
    // A gate's sum has H products, bias and input, no larger than H + 3 together; its own curve adds 4 ulp and passes on
    // no more than its sum's error: e. The sum under n has r's e times zh_n ≤ H + 1, and h takes in n, z and z again.
    const e = gamma(H + 3) * (H + 3) + 8 * u;
    for (const name of ['h', 'cache'] as const) expectNear(got[name], want[name], (H + 6) * e);
    expect(got.zx).toEqual(values.zx);
  });
});

it('gruStepBackward is the float64 function to rounding', () => {
  forEverySize(({ R: B, n: H, seed }) => {
    const draw = new Draw(seed);
    const n = B * H;
    const rows = Array.from({ length: B }, () => [...draw.between(0, 1, 2 * H), ...draw.floats(2 * H)]);
    const values = {
      dzx: nans(3 * n),
      dzh: nans(3 * n),
      dhPrev: nans(n),
      dh: draw.floats(n),
      cache: Float32Array.from(rows.flat()), // r, z, n, zh_n
      hPrev: draw.floats(n),
      Whh: draw.floats(3 * H * H),
    };
    const { got, want } = run(values, (k, { dzx, dzh, dhPrev, dh, cache, hPrev, Whh }) => {
      k.gruStepBackward(dzx, dzh, dhPrev, dh, cache, hPrev, Whh, B, H);
    });
    // Products of up to six factors, none beyond 1 together; dh is a sum of 3H of them and one more.
    expectNear(got.dzx, want.dzx, gamma(12));
    expectNear(got.dzh, want.dzh, gamma(12));
    expectNear(got.dhPrev, want.dhPrev, gamma(3 * H + 14) * (3 * H + 1));
  });
});

it('gruWeightBackward adds sums of R products to what is there', () => {
  forEverySize(({ R, n: H, one: biased, seed }) => {
    const draw = new Draw(seed);
    const values = {
      dWhh: draw.floats(3 * H * H),
      dbhh: biased ? draw.floats(3 * H) : null,
      dzh: draw.floats(3 * R * H),
      hPrev: draw.floats(R * H),
    };
    const { got, want } = run(values, (k, { dWhh, dbhh, dzh, hPrev }) => {
      k.gruWeightBackward(dWhh, dbhh, dzh, hPrev, R, H);
    });
    expectNear(got.dWhh, want.dWhh, gamma(R + 2) * (R + 1));
    if (biased) expectNear(got.dbhh, want.dbhh, gamma(R) * (R + 1));
  });
});

it('all refuse what does not fit', () => {
  const [B, H] = [2, 3];
  const of = (blocks: number): Float32Array => new Float32Array(blocks * B * H);
  const [W, b] = [new Float32Array(3 * H * H), new Float32Array(3 * H)];
  const forward = [of(1), of(4), of(3), of(3), of(1), W, b, B, H];
  expectRefuses(make, 'gruStepForward', 'h cache zh zx hPrev Whh bhh B H', forward);
  const backward = [of(3), of(3), of(1), of(1), of(4), of(1), W, B, H];
  expectRefuses(make, 'gruStepBackward', 'dzx dzh dhPrev dh cache hPrev Whh B H', backward);
  expectRefuses(make, 'gruWeightBackward', 'dWhh dbhh dzh hPrev R H', [W, b, of(3), of(1), B, H]);
});
