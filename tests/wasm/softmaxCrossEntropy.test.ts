import { describe, expect, it } from 'vitest';
import * as layers from '../../src/layers/softmaxCrossEntropy.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { softmaxCrossEntropyKernels } from '../../src/wasm/softmaxCrossEntropy.ts';
import { Draw, expectNear, expectRefuses, forEverySize, gamma, twins, u } from './support.ts';

const run = twins(softmaxCrossEntropyKernels, layers);

describe('softmaxCrossEntropyForward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n, one: inPlace, seed }) => {
      const V = n + 1;
      const draw = new Draw(seed);
      const values = {
        losses: draw.floats(R),
        p: draw.floats(R * V),
        z: draw.floats(R * V, 30),
        targets: draw.ids(R, V),
        w: draw.mask(R).map((kept) => kept * 0.7),
      };
      const { got, want } = run(values, (k, { losses, p, z, targets, w }) => {
        k.softmaxCrossEntropyForward(losses, inPlace ? z : p, z, targets, w, R, V);
      });
      const row = (r: number) => values.z.subarray(r * V, (r + 1) * V);
      // z − m ≥ −D is rounded, which its exponential multiplies by up to D·u; beside it exp's 2 ulp and V additions.
      const D = (r: number) => Math.max(...row(r)) - Math.min(...row(r));
      const out = inPlace ? 'z' : 'p';
      expectNear(got[out], want[out], (i) => (2 * D(Math.floor(i / V)) + V + 10) * u * want[out][i] + 2 ** -148);
      // The sum's relative error is the logarithm's absolute one; then three more roundings of the loss's size.
      expectNear(got.losses, want.losses, (r) => ((D(r) + V + 5) * values.w[r] + 5 * want.losses[r]) * u);
      if (!inPlace) expect(got.z).toEqual(values.z);
    });
  });

  it('costs what a vanished probability costs, and nothing where the weight is 0, whatever stands there', () => {
    const w = new WasmMemory(1000);
    const [losses, p, z, weights] = [w.floats(3).fill(5), w.floats(15), w.floats(15), w.floats(3)];
    const targets = w.ints(3);
    z.set([0, 300, 0, 0, 0, Number.NaN, 1, 2, 3, 4, 7, Number.NaN, 7, 7, 7]);
    weights.set([2, 0, 1]);
    softmaxCrossEntropyKernels(w).softmaxCrossEntropyForward(losses, p, z, targets, weights, 3, 5);
    expect([...losses]).toEqual([600, 0, Number.NaN]);
    expect([...p.subarray(0, 5)]).toEqual([0, 1, 0, 0, 0]);
    expect([...p.subarray(10)]).toEqual(Array(5).fill(Number.NaN));
  });
});

describe('softmaxCrossEntropyBackward', () => {
  it('is the float64 function to rounding, in place too', () => {
    forEverySize(({ R, n, one: inPlace, seed }) => {
      const V = n + 1;
      const draw = new Draw(seed);
      const values = {
        dz: draw.floats(R * V),
        p: draw.between(0, 1, R * V),
        targets: draw.ids(R, V),
        w: draw.mask(R).map((kept) => kept * 0.7),
      };
      const { got, want } = run(values, (k, { dz, p, targets, w }) => {
        k.softmaxCrossEntropyBackward(inPlace ? p : dz, p, targets, w, R, V);
      });
      const out = inPlace ? 'p' : 'dz';
      expectNear(got[out], want[out], (i) => {
        const r = Math.floor(i / V);
        return gamma(2) * values.w[r] * (values.p[i] + (i === r * V + values.targets[r] ? 1 : 0));
      });
    });
  });
});

it('both refuse what does not fit', () => {
  const [losses, w, x, ids] = [new Float32Array(2), new Float32Array(2), new Float32Array(6), new Int32Array(2)];
  const both = softmaxCrossEntropyKernels;
  expectRefuses(both, 'softmaxCrossEntropyForward', 'losses p z targets w R V', [losses, x, x, ids, w, 2, 3]);
  expectRefuses(both, 'softmaxCrossEntropyBackward', 'dz p targets w R V', [x, x, ids, w, 2, 3]);
  const memory = new WasmMemory(100);
  const targets = memory.ints(1).fill(3);
  const row = memory.floats(3);
  const call = () => both(memory).softmaxCrossEntropyBackward(row, row, targets, memory.floats(1), 1, 3);
  expect(call).toThrow('softmaxCrossEntropyBackward: targets[0] is 3, expected 0 … 2');
});
