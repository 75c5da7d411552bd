import { expect, it } from 'vitest';
import * as layers from '../../src/layers/lstm.ts';
import { addKernels } from '../../src/wasm/add.ts';
import { lstmKernels } from '../../src/wasm/lstm.ts';
import { matmulKernels } from '../../src/wasm/matmul.ts';
import type { WasmMemory } from '../../src/wasm/memory.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, nans, twins, u } from './support.ts';

const make = (w: WasmMemory) => lstmKernels(w, matmulKernels(w), addKernels(w));
const run = twins(make, layers);

it('lstmStepForward is the float64 function to rounding, with and without biases and peepholes', () => {
  forEverySize(({ R: B, n: H, one: biased, other: peephole, seed }) => {
    const draw = new Draw(seed);
    const n = B * H;
    const values = {
      h: nans(n),
      c: nans(n),
      cache: nans(5 * n),
      a: nans(4 * n),
      zx: draw.floats(4 * n, 2),
      hPrev: draw.floats(n),
      cPrev: draw.floats(n, 2),
      Whh: draw.floats(4 * H * H),
      bhh: biased ? draw.floats(4 * H) : null,
      p: peephole ? draw.floats(3 * H) : null,
    };
    const { got, want } = run(values, (k, { h, c, cache, a, zx, hPrev, cPrev, Whh, bhh, p }) => {
      k.lstmStepForward(h, c, cache, a, zx, hPrev, cPrev, Whh, bhh, p, B, H);
    });
    // A gate's sum has H products, bias, input and peephole, no larger than H + 5 together; a gate's own curve adds 4
    // ulp and passes on no more than its sum's error: e. The cell has up to 8e (2 of them for f ⊙ c, 2 for i ⊙ g, the
    // roundings), o and tanh c, which see it, up to 4e and 9e, and h their sum.
    const e = gamma(H + 4) * (H + 5) + 8 * u;
    for (const name of ['h', 'c', 'cache'] as const) expectNear(got[name], want[name], 14 * e);
    expect(got.zx).toEqual(values.zx);
  });
});

it('lstmStepBackward is the float64 function to rounding, in place too', () => {
  forEverySize(({ R: B, n: H, one: inPlace, other: peephole, seed }) => {
    const draw = new Draw(seed);
    const n = B * H;
    const cache = Float32Array.from(
      Array.from({ length: B }, () => [
        ...draw.between(0, 1, 2 * H), // i, f
        ...draw.floats(H), // g
        ...draw.between(0, 1, H), // o
        ...draw.floats(H), // tanh c
      ]).flat(),
    );
    const values = {
      da: nans(4 * n),
      dhPrev: nans(n),
      dcPrev: nans(n),
      dh: draw.floats(n),
      dc: draw.floats(n),
      cache,
      cPrev: draw.floats(n),
      Whh: draw.floats(4 * H * H),
      p: peephole ? draw.floats(3 * H) : null,
    };
    const { got, want } = run(values, (k, { da, dhPrev, dcPrev, dh, dc, cache, cPrev, Whh, p }) => {
      k.lstmStepBackward(da, dhPrev, inPlace ? dc : dcPrev, dh, dc, cache, cPrev, Whh, p, B, H);
    });
    // dct is a sum of three terms up to 1 in 8 operations, da a product with three factors more; dc a sum of three
    // such; dh a sum of 4H of them.
    expectNear(got.da, want.da, gamma(16) * 3);
    const dc = inPlace ? 'dc' : 'dcPrev';
    expectNear(got[dc], want[dc], gamma(24) * 9);
    expectNear(got.dhPrev, want.dhPrev, gamma(4 * H + 18) * 12 * H);
  });
});

it('lstmWeightBackward adds sums of R products to what is there', () => {
  forEverySize(({ R, n: H, one: biased, other: peephole, seed }) => {
    const draw = new Draw(seed);
    const values = {
      dWhh: draw.floats(4 * H * H),
      dbhh: biased ? draw.floats(4 * H) : null,
      dp: peephole ? draw.floats(3 * H) : null,
      da: draw.floats(4 * R * H),
      hPrev: draw.floats(R * H),
      cPrev: draw.floats(R * H),
      c: draw.floats(R * H),
    };
    const { got, want } = run(values, (k, { dWhh, dbhh, dp, da, hPrev, cPrev, c }) => {
      k.lstmWeightBackward(dWhh, dbhh, dp, da, hPrev, cPrev, c, R, H);
    });
    expectNear(got.dWhh, want.dWhh, gamma(R + 2) * (R + 1));
    if (biased) expectNear(got.dbhh, want.dbhh, gamma(R) * (R + 1));
    if (peephole) expectNear(got.dp, want.dp, gamma(R + 2) * (R + 1));
  });
});

it('all refuse what does not fit', () => {
  const [B, H] = [2, 3];
  const of = (blocks: number): Float32Array => new Float32Array(blocks * B * H);
  const [W, b, p] = [new Float32Array(4 * H * H), new Float32Array(4 * H), new Float32Array(3 * H)];
  const forward = [of(1), of(1), of(5), of(4), of(4), of(1), of(1), W, b, p, B, H];
  expectRefuses(make, 'lstmStepForward', 'h c cache a zx hPrev cPrev Whh bhh p B H', forward);
  const backward = [of(4), of(1), of(1), of(1), of(1), of(5), of(1), W, p, B, H];
  expectRefuses(make, 'lstmStepBackward', 'da dhPrev dcPrev dh dc cache cPrev Whh p B H', backward);
  const weights = [W, b, p, of(4), of(1), of(1), of(1), B, H];
  expectRefuses(make, 'lstmWeightBackward', 'dWhh dbhh dp da hPrev cPrev c R H', weights);
});
