import { expect, test } from 'vitest';
import { allocationPlan, CpuSession } from '../../src/bptt/cpuSession.ts';
import { createTrainer } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { Trainer, type TrainerOptions, type TrainingBatch } from '../../src/bptt/trainer.ts';
import { NonFiniteError } from '../../src/bptt/trainerChecks.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { expectNear, range } from '../layers/support.ts';

const spec: ModelSpec = {
  ...{ cell: 'lstm', input: 'dense', inputSize: 2, hiddenSize: 3, outputSize: 1, loss: 'squaredError' },
};
const rng = new RandomState(4);
const steps = 3;
/** Columns from … of 6 sequences. */
const x = rng.randn(steps * 6 * 2);
const y = rng.randn(steps * 6);
function columns(fromB: number, toB: number): TrainingBatch {
  const pick = (a: FloatArray, width: number): Float64Array =>
    Float64Array.from(
      range(steps).flatMap((t) => Array.from(a.subarray((t * 6 + fromB) * width, (t * 6 + toB) * width))),
    );
  return { inputs: pick(x, 2), targets: pick(y, 1), steps, batch: toB - fromB };
}

const make = (options: Partial<TrainerOptions> = {}, change: Partial<ModelSpec> = {}) =>
  createTrainer(
    { ...spec, ...change },
    { ...{ steps, batch: 6, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), engine: 'ts', dtype: 'float64' }, ...options },
  );

test('k batches are one update of the sum of their gradients, as one batch of them all; L2 counts once', async () => {
  const options = { l2: 0.01, clip: { norm: 1 }, frozen: ['bias_ho'] };
  const whole = await make(options);
  const parts = await make({ ...options, accumulate: 3 });
  for (let i = 0; i < 3; i++) {
    const [loss] = await whole.train([columns(0, 6)]);
    const losses = await parts.train([columns(0, 2), columns(2, 3), columns(3, 6)]);
    const l2 = await l2Of(whole);
    // Each batch's loss has the L2 term.
    expect(losses).toHaveLength(3);
    if (i === 0) expect(losses.reduce((a, b) => a + b) - 2 * l2.before).toBeCloseTo(loss, 12);
  }
  expect([whole.step, parts.step]).toEqual([3, 3]);
  const want = await whole.parameters();
  // Sums over sequences in another order: 3 updates of about 60 terms.
  for (const [name, values] of Object.entries(await parts.parameters())) expectNear(values, want[name], 3 * 60 * 4);
});

/** The L2 term of fresh weights. */
async function l2Of(of: Trainer): Promise<{ before: number }> {
  const fresh = await (await make()).parameters();
  let sum = 0;
  for (const [name, values] of Object.entries(fresh))
    if (name.startsWith('weight')) for (const v of values) sum += v * v;
  return { before: of.options.l2! * sum };
}

test('the last update of a call is of what is left, and states are carried from batch to batch', async () => {
  const parts = await make({ accumulate: 2, optimizer: sgd({ lr: 0 }) });
  const carrying = { ...columns(0, 6), carry: true };
  await parts.train([columns(0, 6), carrying, carrying]);
  expect(parts.step).toBe(2);
  const plain = await make({ optimizer: sgd({ lr: 0 }) });
  await plain.train([columns(0, 6), carrying, carrying]);
  expect((await parts.state()).states).toEqual((await plain.state()).states);
});

test('where one of them fails, none has changed anything', async () => {
  const deep = { layers: 2, dropout: 0.3 };
  const trainer = await make({ accumulate: 3 }, deep);
  await trainer.train([columns(0, 6)]);
  const before = await trainer.state();
  const huge = columns(0, 6);
  huge.targets = huge.targets.map(() => 1e200) as Float64Array;
  await expect(trainer.train([columns(0, 6), huge, columns(0, 6)])).rejects.toThrow(NonFiniteError);
  expect(await trainer.state()).toEqual(before);
  await expect(trainer.train([columns(0, 6), columns(0, 6), {} as TrainingBatch])).rejects.toThrow('batch.inputs');
  expect(await trainer.state()).toEqual(before);
  // What was accumulated is forgotten, too.
  const other = await make({ accumulate: 3 }, deep);
  await other.setState(before);
  await trainer.train([columns(0, 4), columns(1, 5)]);
  await other.train([columns(0, 4), columns(1, 5)]);
  expect(await trainer.state()).toEqual(await other.state());
});

test('a sum that overflows is refused, though its terms are finite', async () => {
  const trainer = await make({ accumulate: 2 });
  const large = columns(0, 1);
  large.targets = large.targets.map(() => 1e153) as Float64Array;
  const few = { ...large, lossWeights: [1e155, 1e155, 1e155] };
  await expect(trainer.train([few])).rejects.toThrow(NonFiniteError);
  expect(trainer.step).toBe(0);
});

test('costs one block of the size of the parameters, where it is asked for', () => {
  const options = { steps, batch: 6, optimizer: sgd({ lr: 0.1 }) };
  const total = (more: object) => allocationPlan(spec, { ...options, ...more })[0].reduce((a, b) => a + b, 0);
  expect(total({ accumulate: 1 })).toBe(total({}));
  expect(total({ accumulate: 4 }) - total({})).toBe(4 * 3 * (2 + 3 + 2) + 3 + 1);
});

test('an engine that works on a device refuses by name', () => {
  const options = { steps, batch: 6, optimizer: sgd({ lr: 0.1 }), accumulate: 2 };
  const session = new CpuSession([tsEngine()], spec, options, '');
  const device = Object.create(session, { synchronous: { value: false }, engine: { value: 'webgpu' } });
  expect(() => new Trainer(device, options)).toThrow('trainer: accumulate is 2, engine webgpu has none of it');
});
