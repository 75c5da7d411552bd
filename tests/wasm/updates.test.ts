import { describe, expect, it } from 'vitest';
import { exactly, float32Precision, isWithin, type Radius, radiusAlgebra } from '../../src/algebra/radius.ts';
import { adagrad } from '../../src/optim/adagrad.ts';
import { adam, adamw } from '../../src/optim/adam.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { notebookRprop, rprop } from '../../src/optim/rprop.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { updateKernels } from '../../src/wasm/updates.ts';
import { Draw } from './support.ts';

const bounds = radiusAlgebra(float32Precision());

const rules: Readonly<Record<string, Optimizer>> = {
  'sgd with decay': sgd({ lr: 0.1, weightDecay: 0.01 }),
  momentum: sgd({ lr: 0.05, momentum: 0.9, dampening: 0.5 }),
  nesterov: sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  adagrad: adagrad({ lr: 0.02, eps: 1e-3, weightDecay: 0.1 }),
  'adagrad as in PyTorch': adagrad({ lr: 0.02, eps: 1e-3, epsInRoot: false, lrDecay: 0.5 }),
  adam: adam({ lr: 0.01, weightDecay: 0.1 }),
  amsgrad: adam({ lr: 0.01, amsgrad: true }),
  adamw: adamw({ lr: 0.01, weightDecay: 0.1 }),
  rmsprop: rmsprop({ lr: 0.01, eps: 1e-3 }),
  'centered rmsprop': rmsprop({ lr: 0.01, eps: 1e-2, centered: true, momentum: 0.5 }),
  rprop: rprop({ lr: 0.001 }),
  "the notebook's rprop": notebookRprop(),
};

/** A block of parameters in a memory, with what the rule keeps of it: every kind of sign, zeros among the gradients. */
function blockOf(rule: Optimizer, P: number, seed: number) {
  const draw = new Draw(seed);
  const w = new WasmMemory(4 * (P + 16) * 10);
  const [params, grads, ...memory] = [null, null, ...rule.initialMemory].map(() => w.floats(P));
  const before = [params, ...memory].map(() => w.floats(P));
  params.set(draw.floats(P, 2));
  grads.set(draw.floats(P, 2).map((g, i) => (i % 5 === 3 ? 0 : g)));
  for (const block of memory) block.set(draw.between(0.25, 1, P));
  return { w, params, grads, memory, before };
}

describe.each(Object.entries(rules))('%s', (_, rule) => {
  it('is the formula, to within what rounding can do to it', () => {
    for (const [P, step] of [
      [0, 0],
      [1, 0],
      [4, 1],
      [19, 7],
      [64, 100],
    ]) {
      const { w, params, grads, memory, before: kept } = blockOf(rule, P, P + step);
      const before = [params, ...memory].map((block) => block.slice());
      const numbers = rule.numbers(step, 0.01);
      const gradsBefore = grads.slice();
      const { update } = updateKernels(w);
      expect(update(rule, params, grads, memory, numbers, kept)).toBe(true);
      expect(grads).toEqual(gradsBefore);
      expect(kept).toEqual(before);
      for (let i = 0; i < P; i++) {
        const { theta, memory: after } = rule.formula!<Radius>(bounds, {
          theta: exactly(before[0][i]),
          g: exactly(grads[i]),
          memory: before.slice(1).map((block) => exactly(block[i])),
          numbers: Object.fromEntries(
            Object.entries(numbers).map(([name, value]) => [
              name,
              { value, radius: Math.abs(Math.fround(value) - value) },
            ]),
          ),
        });
        for (const [k, bound] of [theta, ...after].entries()) {
          const got = [params, ...memory][k][i];
          if (!isWithin(bound, got)) throw new Error(`[${k}][${i}] is ${got}, ${bound.value} ± ${bound.radius}`);
        }
      }
    }
  });

  it('refuses what does not fit, and moves nothing', () => {
    const { w, params, grads, memory, before: kept } = blockOf(rule, 6, 1);
    const { update } = updateKernels(w);
    const all = [params, grads, ...memory];
    const before = all.map((block) => block.slice());
    for (let k = 1; k < all.length; k++) {
      const spoilt = all.with(k, all[k].subarray(1));
      const call = () => update(rule, spoilt[0], spoilt[1], spoilt.slice(2), rule.numbers(0, 0.1), kept);
      expect(call).toThrow(/has 5 elements, expected \[P\] = \[6\]/);
      expect(() => update(rule, all[0], all[1].slice(), all.slice(2), rule.numbers(0, 0.1), kept)).toThrow(TypeError);
    }
    expect(all).toEqual(before);
  });
});

it('without any gradient Adam moves nothing, even without eps', () => {
  const rule = adam({ eps: 0 });
  const { w, params, grads, memory, before } = blockOf(rule, 5, 2);
  params.fill(2);
  for (const block of [grads, ...memory]) block.fill(0);
  updateKernels(w).update(rule, params, grads, memory, rule.numbers(0, 0.1), before);
  expect([...params]).toEqual([2, 2, 2, 2, 2]);
});

it('a rule without a formula runs its own function on the same memory; two rules of one name stay apart', () => {
  const own: Optimizer = {
    ...{ name: 'sgd', lr: 1, options: {}, initialMemory: [], numbers: () => ({ rate: 1 }) },
    update(params) {
      params.fill(9);
    },
  };
  const { w, params, grads, before } = blockOf(own, 5, 3);
  const { update } = updateKernels(w);
  update(own, params, grads, [], own.numbers(0, 1), before);
  expect([...params]).toEqual([9, 9, 9, 9, 9]);
  const [plain, decaying] = [sgd({ lr: 1 }), sgd({ lr: 1, weightDecay: 1 })];
  grads.fill(1);
  update(plain, params, grads, [], plain.numbers(0, 1), before);
  expect([...params]).toEqual([8, 8, 8, 8, 8]);
  update(decaying, params, grads, [], decaying.numbers(0, 1), before);
  expect([...params]).toEqual([-1, -1, -1, -1, -1]);
});
