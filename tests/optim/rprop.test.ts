import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeMemory } from '../../src/optim/optimizer.ts';
import { notebookRprop, rprop } from '../../src/optim/rprop.ts';
import { expectFollowsTorch, expectRefusesMisfits, expectRefusesOptions, expectSameInFloat32 } from './support.ts';

type Trace = [number, number[], number[], number[], number[]][];
const notebook: {
  rprop_with_zero_gradient: { W0: number[]; trace: Trace };
  cases: { name: string; W0: number[]; rprop: { eta_p: number; eta_n: number; delta0: number; trace: Trace } }[];
} = JSON.parse(readFileSync(new URL('../goldens/nb003_linear_rprop.json', import.meta.url), 'utf8'));

describe('rprop', () => {
  it.each([
    ['rprop', rprop({ lr: 0.05 })],
    ['rprop_etas_step_sizes', rprop({ lr: 0.3, etaMinus: 0.4, etaPlus: 1.5, minStep: 0.01, maxStep: 0.5 })],
  ])('follows PyTorch: %s', (name, optimizer) => {
    // Its step sizes are the learning rate only at the start, so the rate of an update is not looked at.
    expect(expectFollowsTorch(name, optimizer, 1e-10)).toBe(10 * 17);
  });

  it('a change of sign shrinks the step, stays where it is and starts afresh', () => {
    const optimizer = rprop({ lr: 1 });
    const params = Float64Array.of(0);
    const memory = makeMemory(optimizer, params);
    const places = [1, 1, -1, -1, -1].map((g, step) => {
      optimizer.update(params, Float64Array.of(g), memory, optimizer.numbers(step, 1));
      return params[0];
    });
    expect(places.map((v) => +v.toFixed(12))).toEqual([-1, -2.2, -2.2, -1.6, -0.88]);
  });

  it('keeps every step between the least and the most', () => {
    const optimizer = rprop({ lr: 1, minStep: 0.4, maxStep: 1.3 });
    const params = Float64Array.of(0);
    const memory = makeMemory(optimizer, params);
    // Growing 1 → 1.2 → 1.3, then halved at a change of sign and, after a zero, at another: 0.65 → 0.4.
    const steps = [1, 1, 1, -1, -1, 1].map((g, step) => {
      optimizer.update(params, Float64Array.of(g), memory, optimizer.numbers(step, 1));
      return +memory[0][0].toFixed(12);
    });
    expect(steps).toEqual([1, 1.2, 1.3, 0.65, 0.65, 0.4]);
  });

  it('says what it is, float32, and refuses', () => {
    expect(rprop()).toMatchObject({
      name: 'rprop',
      lr: 0.01,
      options: { etaPlus: 1.2, etaMinus: 0.5, minStep: 1e-6, maxStep: 50 },
      initialMemory: [0.01, 0],
    });
    expectSameInFloat32(rprop());
    expectRefusesMisfits(rprop(), 'rprop', true);
    expectRefusesOptions(rprop, {}, [
      ['lr', -1],
      ['etaPlus', 0.9],
      ['etaMinus', 1],
      ['etaMinus', -0.1],
      ['minStep', -1],
      ['maxStep', 1e-7],
    ]);
  });
});

describe("the linear-RNN notebook's rprop", () => {
  const follow = (optimizer: ReturnType<typeof notebookRprop>, W0: number[], trace: Trace): number => {
    const params = Float64Array.from(W0);
    const memory = makeMemory(optimizer, params);
    let followed = 0;
    for (const [step, W, delta, sign, gradient] of trace) {
      if (step !== followed) break; // the long case keeps only some of its later steps
      followed++;
      optimizer.update(params, Float64Array.from(gradient), memory, optimizer.numbers(step, 1));
      expect(Array.from(params)).toEqual(W);
      expect(Array.from(memory[0])).toEqual(delta);
      expect(Array.from(memory[1], (s) => s + 0)).toEqual(sign);
    }
    return followed;
  };

  it('every step to the bit', () => {
    let steps = 0;
    for (const { W0, rprop: r } of notebook.cases) {
      steps += follow(notebookRprop({ delta: r.delta0, etaPlus: r.eta_p, etaMinus: r.eta_n }), W0, r.trace);
    }
    expect(steps).toBeGreaterThanOrEqual(60);
  });

  it('a zero gradient moves nothing but counts as a sign', () => {
    const { W0, trace } = notebook.rprop_with_zero_gradient;
    expect(follow(notebookRprop(), W0, trace)).toBe(6);
  });

  it('says what it is, float32, and refuses', () => {
    expect(notebookRprop()).toMatchObject({
      name: 'notebookRprop',
      lr: 1,
      options: { delta: 0.001, etaPlus: 1.2, etaMinus: 0.5 },
      initialMemory: [0.001, 0],
    });
    expectSameInFloat32(notebookRprop());
    expectRefusesMisfits(notebookRprop(), 'notebookRprop', true);
    expectRefusesOptions(notebookRprop, {}, [
      ['delta', -1],
      ['etaPlus', 0.5],
      ['etaMinus', 1],
      ['etaMinus', NaN],
    ]);
  });
});
