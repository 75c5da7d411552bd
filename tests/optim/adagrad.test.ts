import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adagrad } from '../../src/optim/adagrad.ts';
import { clipByValue } from '../../src/optim/clip.ts';
import { makeMemory } from '../../src/optim/optimizer.ts';
import {
  dtypes,
  expectFollowsTorch,
  expectRefusesMisfits,
  expectRefusesOptions,
  expectSameInFloat32,
  from,
} from './support.ts';

interface Tensors {
  Wxh: number[][];
  Whh: number[][];
  Why: number[][];
  bh: number[][];
  by: number[][];
}
interface MinCharRnn {
  name: string;
  lr: number;
  params: Tensors;
  variants: Record<string, { first_chunk: { grads_unclipped: Tensors }; params_after_1: Tensors }>;
}
const { cases }: { cases: MinCharRnn[] } = JSON.parse(
  readFileSync(new URL('../goldens/nb004b_min_char_rnn.json', import.meta.url), 'utf8'),
);

describe('adagrad', () => {
  const torchs = { epsInRoot: false, eps: 1e-10 };
  it.each([
    ['adagrad', adagrad({ ...torchs, lr: 0.3 })],
    [
      'adagrad_lr_decay_initial',
      adagrad({ ...torchs, lr: 0.3, lrDecay: 0.1, initialAccumulator: 0.05, weightDecay: 0.01 }),
    ],
  ])('follows PyTorch: %s', (name, optimizer) => {
    expect(expectFollowsTorch(name, optimizer, 1e-12)).toBe(10 * 17);
  });

  it("follows min-char-rnn's first update, clipped to ±5", () => {
    let compared = 0;
    for (const { lr, params, variants } of cases) {
      for (const { first_chunk, params_after_1 } of Object.values(variants)) {
        const optimizer = adagrad({ lr });
        for (const name of Object.keys(params) as (keyof Tensors)[]) {
          const values = Float64Array.from(params[name].flat());
          const gradient = Float64Array.from(first_chunk.grads_unclipped[name].flat());
          clipByValue(gradient, 5);
          optimizer.update(values, gradient, makeMemory(optimizer, values), optimizer.numbers(0, lr));
          for (const [i, want] of params_after_1[name].flat().entries()) {
            expect(Math.abs(values[i] - want)).toBeLessThanOrEqual(1e-12);
            compared++;
          }
        }
      }
    }
    expect(compared).toBeGreaterThan(300);
  });

  it.each(dtypes)('where eps stands, %s', (dtype) => {
    const step = (epsInRoot: boolean) => {
      const params = from(dtype, [1]);
      const optimizer = adagrad({ epsInRoot, eps: 7 });
      optimizer.update(params, from(dtype, [3]), [from(dtype, [0])], optimizer.numbers(0, 0.5));
      return params[0];
    };
    expect(step(true)).toBeCloseTo(1 - (0.5 * 3) / Math.sqrt(9 + 7), 6);
    expect(step(false)).toBeCloseTo(1 - (0.5 * 3) / (3 + 7), 6);
  });

  it.each(dtypes)('a gradient of 0 moves nothing, even with eps 0 and nothing remembered; %s', (dtype) => {
    const params = from(dtype, [1, 2]);
    const memory = from(dtype, [0, 4]);
    const optimizer = adagrad({ eps: 0 });
    optimizer.update(params, from(dtype, [0, 0]), [memory], optimizer.numbers(0, 0.1));
    expect([...params, ...memory]).toEqual([1, 2, 0, 4]);
  });

  it('says what it is, by default the notebook’s', () => {
    expect(adagrad()).toMatchObject({
      name: 'adagrad',
      lr: 0.1,
      options: { eps: 1e-8, epsInRoot: true, lrDecay: 0, initialAccumulator: 0, weightDecay: 0 },
      initialMemory: [0],
    });
    expect(adagrad({ initialAccumulator: 0.5 }).initialMemory).toEqual([0.5]);
  });

  it('float32, and refuses', () => {
    expectSameInFloat32(adagrad({ lr: 0.1, weightDecay: 0.01, lrDecay: 0.1 }));
    expectRefusesMisfits(adagrad(), 'adagrad', true);
    const one = () => Float64Array.of(1);
    const wrong = () => adagrad().update(one(), one(), [Float32Array.of(0)], adagrad().numbers(0, 0.1));
    expect(wrong).toThrow(TypeError('adagrad: memory[0] is Float32Array, expected Float64Array like the output'));
    expectRefusesOptions(adagrad, {}, [
      ['lr', -1],
      ['eps', -1e-9],
      ['lrDecay', NaN],
      ['initialAccumulator', -1],
      ['weightDecay', Infinity],
    ]);
  });
});
