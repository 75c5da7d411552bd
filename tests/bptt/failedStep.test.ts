import { describe, expect, it } from 'vitest';
import { loadTrainer, saveTrainer } from '../../src/bptt/save.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import type { Trainer, TrainingBatch } from '../../src/bptt/trainer.ts';
import { NonFiniteError } from '../../src/bptt/trainerChecks.ts';
import { adagrad } from '../../src/optim/adagrad.ts';
import { adam } from '../../src/optim/adam.ts';
import { formulaOptimizer, type Optimizer } from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { sgd } from '../../src/optim/sgd.ts';
import type { Dtype } from '../../src/tensor/shape.ts';
import { everyEngine } from './everyEngine.ts';

const T = 2;
const B = 2;
/** The loss is 10⁴·Σ(y − target)²: of a large target its gradient is larger than its root. */
const spec: ModelSpec = {
  ...{ cell: 'gru', input: 'dense', inputSize: 1, hiddenSize: 3, outputSize: 1, layers: 2, dropout: 0.4 },
  ...{ loss: 'squaredError', reduction: 1e4 },
};
const sizes = { steps: T, batch: B, seed: 3 };
/** A target whose loss is just finite, and the square of whose gradient, even a thousandth of it, is not. */
const overflowing = (dtype: Dtype): number => (dtype === 'float64' ? 5e151 : 5e16);

const engines = everyEngine();

describe.each(engines)('$name, $dtype', ({ create, floats, dtype, power }) => {
  const batch = (target: number, more: Partial<TrainingBatch> = {}): TrainingBatch => ({
    ...{ inputs: floats([0.5, -1, 0.25, 1]), targets: floats([0, target, target, 0]), carry: true },
    ...more,
  });
  const fine = batch(1e-3);
  /** The error of a step that fails; the trainer then is as it was, and goes on as one that never met it. */
  async function failing(make: () => Promise<Trainer>, bad: TrainingBatch): Promise<NonFiniteError> {
    const [spoilt, clean] = [await make(), await make()];
    for (const trainer of [spoilt, clean]) await trainer.train([fine, fine]);
    const before = structuredClone(await clean.state());
    const error = await spoilt.train([bad]).catch((reason) => reason);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(await spoilt.state()).toEqual(before);
    // In the middle of a call: what stands before it is done, what stands after it is not.
    await clean.train([fine]);
    await expect(spoilt.train([fine, bad, fine])).rejects.toThrow(/^training step 3: memory \d of/);
    expect(await spoilt.state()).toEqual(await clean.state());
    expect(await spoilt.train([fine, fine])).toEqual(await clean.train([fine, fine]));
    expect(await spoilt.evaluate([fine])).toEqual(await clean.evaluate([fine]));
    const state = await spoilt.state();
    expect(state).toEqual(await clean.state());
    await clean.setState(state); // what there is can be loaded
    for (const trainer of [spoilt, clean]) trainer.dispose();
    return error;
  }

  it.each<[Optimizer, RegExp]>([
    [
      adagrad({ lr: 1e-3 }),
      /^training step 2: memory 0 of adagrad for \w+ holds Infinity; parameters and optimizer are/,
    ],
    [adam({ lr: 1e-3 }), /^training step 2: memory 1 of adam for \w+ holds Infinity/],
    [rmsprop({ lr: 1e-3, centered: true }), /^training step 2: memory 0 of rmsprop for \w+ holds Infinity/],
  ])(
    'memory that overflows is named in the step in which it happens, and the step undone: $name',
    async (optimizer, message) => {
      // A gradient whose square is infinite, of a loss that is not.
      const error = await failing(() => create(spec, { ...sizes, optimizer }), batch(overflowing(dtype)));
      expect(error.message).toMatch(message);
      expect(error.step).toBe(2);
    },
  );

  it('a parameter that becomes infinite is named in that step', async () => {
    let rate = 1e-3;
    const make = () => create(spec, { ...sizes, optimizer: sgd({ lr: (step) => (step === 99 ? rate : 1e-3) }) });
    const trainer = await make();
    await trainer.train([fine]);
    await trainer.setState({ ...(await trainer.state()), updates: 99 });
    const before = await trainer.state();
    rate = 3 * power(307);
    await expect(trainer.train([batch(100)])).rejects.toThrow(
      /^training step 99: (weight|bias)_\w+ after the update holds (-?Infinity|NaN); parameters and optimizer are as before/,
    );
    expect(await trainer.state()).toEqual(before);
    trainer.dispose();
  });

  it('an update of several rules is undone whole, and a frozen parameter has no part in it', async () => {
    const options = { ...sizes, optimizer: sgd({ lr: 1e-3, momentum: 0.9 }), frozen: ['weight_ih_l0'] };
    const groups = [{ parameters: 'bias_ho', momentum: 0, lr: power(304) }];
    // Only the last parameter overflows, after all others have moved.
    const trainer = await create(spec, { ...options, groups });
    const before = structuredClone(await trainer.state());
    await expect(trainer.train([batch(1e4)])).rejects.toThrow('training step 0: bias_ho after the update holds');
    expect(await trainer.state()).toEqual(before);
    trainer.dispose();
  });

  it('an infinite gradient is not clipped, though no NaN is in it', async () => {
    const net: ModelSpec = {
      ...{ cell: 'elman', nonlinearity: 'identity', input: 'dense', inputSize: 1, hiddenSize: 1, outputSize: 1 },
      ...{ bias: 'input', outputBias: false, loss: 'squaredError', reduction: 1e4 },
    };
    for (const clip of [{ value: 1 }, { norm: 1 }]) {
      const trainer = await create(net, { steps: 1, batch: 2, optimizer: sgd({ lr: 0.1 }), clip });
      // The output is a thousandth of the weight, its gradient 2·10⁴ times that, and that of the state beyond all numbers.
      const state = await trainer.state();
      const weights = {
        weight_ih_l0: 1,
        weight_hh_l0: 1e-3,
        bias_ih_l0: 0,
        weight_ho: dtype === 'float64' ? 1e154 : 1e19,
      };
      for (const [name, value] of Object.entries(weights)) state.parameters[name] = floats([value]);
      state.states.h_l0 = floats([1e-3, 1e-3]);
      await trainer.setState(state);
      const before = structuredClone(await trainer.state());
      const bad = { inputs: floats([1e-3, 1e-3]), targets: floats([0, 0]), steps: 1, carry: true };
      await expect(trainer.train([bad])).rejects.toThrow(
        'training step 0: the gradient of weight_ih_l0 holds Infinity',
      );
      expect(await trainer.state()).toEqual(before);
      trainer.dispose();
    }
  });

  it('a schedule that gives no rate, and a rule that gives no number, are refused before anything is drawn', async () => {
    const rule = adam();
    const numbers: Optimizer['numbers'] = (step, rate) => ({
      ...rule.numbers(step, rate),
      eps: step < 2 ? 1e-8 : Number.NaN,
    });
    for (const [optimizer, message] of [
      [
        adam({ lr: (step) => (step < 2 ? 0.01 : Number.NaN) }),
        'learningRateAt: lr at step 2 is NaN, expected a finite',
      ],
      [{ ...rule, numbers }, 'trainer: optimizer adam gives eps = NaN at step 2, expected a finite number'],
    ] as const) {
      const trainer = await create(spec, { ...sizes, optimizer });
      await expect(trainer.train([fine, fine, fine])).rejects.toThrow(RangeError(`${message}`).message);
      expect(trainer.step).toBe(2);
      const before = structuredClone(await trainer.state());
      await expect(trainer.train([fine])).rejects.toThrow(message);
      expect(await trainer.state()).toEqual(before);
      trainer.dispose();
    }
  });

  it('what was saved after such a step is loaded', async () => {
    const trainer = await create(spec, { ...sizes, optimizer: adagrad({ lr: 1e-3 }) });
    await trainer.train([fine]);
    const bytes = await saveTrainer(trainer);
    await expect(trainer.train([batch(overflowing(dtype))])).rejects.toThrow('memory 0 of adagrad');
    expect(await saveTrainer(trainer)).toEqual(bytes);
    const { trainer: loaded } = await loadTrainer(bytes, { engine: 'ts', threads: 1 });
    expect((await loaded.state()).optimizerMemory).toEqual((await trainer.state()).optimizerMemory);
    for (const one of [trainer, loaded]) one.dispose();
  });

  it('weights of the loss whose sum, or what it is divided by, is not finite are refused', async () => {
    const least = power(-320);
    const mean: ModelSpec = { ...spec, reduction: 'mean' };
    const make = (net: ModelSpec) => create(net, { ...sizes, optimizer: sgd({ lr: 0.1 }) });
    for (const [net, weight, message] of [
      [spec, power(308), /^batch\.lossWeights: their sum is \S+, expected a finite one \(float(32|64)\)/],
      [mean, power(308), /^batch\.lossWeights: their sum is \S+, expected a finite one/],
      [
        mean,
        least / 8,
        /^batch\.lossWeights: their sum is \S+, which is too small to divide by, expected one whose reciprocal/,
      ],
      [
        { ...spec, reduction: 1e4 },
        power(307) / 10,
        /^batch\.lossWeights: with reduction 10000 weight 0 is Infinity, expected/,
      ],
    ] as const) {
      const trainer = await make(net);
      const before = structuredClone(await trainer.state());
      const bad = batch(1, { lossWeights: [weight, weight, weight, weight] });
      await expect(trainer.train([bad])).rejects.toThrow(RangeError);
      await expect(trainer.train([bad])).rejects.toThrow(message);
      await expect(trainer.evaluate([bad])).rejects.toThrow(message);
      expect(await trainer.state()).toEqual(before);
      trainer.dispose();
    }
    const trainer = await make(mean);
    await expect(trainer.train([batch(1, { lossWeights: [1, 1e39, 1e300 * 1e300, 0] })])).rejects.toThrow(
      /^batch\.lossWeights\[[12]\] is (1e\+39|Infinity), expected a finite number ≥ 0/,
    );
    trainer.dispose();
  });
});

it('a rule without a formula is undone, too', async () => {
  const own: Optimizer = {
    ...{ name: 'mine', lr: 1, options: {}, initialMemory: [0], numbers: (step) => ({ step }) },
    update(params, _, [memory], { step }) {
      params.fill(step);
      memory.fill(step < 1 ? 1 : Infinity);
    },
  };
  for (const { create, floats, name } of engines) {
    if (name === 'webgpu') continue; // which takes formulas only
    const trainer = await create(spec, { ...sizes, optimizer: own });
    const batch = { inputs: floats([0, 0, 0, 0]), targets: floats([0, 0, 0, 0]) };
    await trainer.train([batch]);
    const before = structuredClone(await trainer.state());
    await expect(trainer.train([batch])).rejects.toThrow('memory 0 of mine for weight_ih_l0 holds Infinity');
    expect(await trainer.state()).toEqual(before);
    trainer.dispose();
  }
});

it('what a rule leaves as it is does not count, and what it does not read is put back', async () => {
  const rule = formulaOptimizer({
    ...{ name: 'half', lr: 1, options: {}, initialMemory: [2, 3], numbers: (_, rate) => ({ rate }) },
    formula: (m, { theta, g, memory: [kept, seen], numbers: { rate } }) => ({
      theta: m.sub(theta, m.mul(rate, g)),
      memory: [kept, m.mul(m.mul(seen, g), g)],
    }),
  });
  for (const { create, floats, dtype } of engines) {
    const trainer = await create(spec, { ...sizes, optimizer: rule });
    const state = await trainer.state();
    state.optimizerMemory[0].fill(5);
    await trainer.setState(state);
    const batch = { inputs: floats([0.5, -1, 0.25, 1]), targets: floats(Array(4).fill(overflowing(dtype))) };
    await expect(trainer.train([batch])).rejects.toThrow(/memory 1 of half for \w+ holds (Infinity|NaN)/);
    expect(await trainer.state()).toEqual(state);
    trainer.dispose();
  }
});
