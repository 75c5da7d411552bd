import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gpuOrSoftware } from '../../scripts/softwareGpu.ts';
import { BatchReader } from '../../src/bptt/batch.ts';
import { createTrainer, initialParameters } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { CpuTrainer, type TrainerOptions, type TrainingBatch } from '../../src/bptt/trainer.ts';
import { NonFiniteError } from '../../src/bptt/trainerChecks.ts';
import { formulaCell } from '../../src/layers/cell.ts';
import { softmaxCrossEntropy } from '../../src/layers/loss.ts';
import { lstm } from '../../src/layers/lstm.ts';
import { adagrad } from '../../src/optim/adagrad.ts';
import { adam, adamw } from '../../src/optim/adam.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { notebookRprop, rprop } from '../../src/optim/rprop.ts';
import { warmUp } from '../../src/optim/schedule.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { Device } from '../../src/webgpu/device/device.ts';
import { openDevice } from '../../src/webgpu/device/device.ts';
import { WebgpuError } from '../../src/webgpu/device/errors.ts';
import { WebgpuSession } from '../../src/webgpu/training/session.ts';
import { type WebgpuTrainer, type WebgpuTrainerOptions, webgpuTrainer } from '../../src/webgpu/training/trainer.ts';
import { EFFORT } from '../effort.ts';
import { openTestDevice } from './device.ts';

const V = 6;
const T = 4;
const B = 2;
const spec: ModelSpec = { cell: 'lstm', inputSize: V, hiddenSize: 5, outputSize: V, loss: 'softmaxCrossEntropy' };
const sizes = { steps: T, batch: B };

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.dispose());

const LONG = { timeout: 180_000 * EFFORT };
/** Devices that are destroyed while they train, and while they evaluate. */
const PLANTS = 5 * EFFORT;
const EVALUATIONS = 2 * EFFORT;

/** The n-th window of an endless text; some are shorter, and sequences may end early. */
function window(n: number, more: Partial<TrainingBatch> = {}): TrainingBatch {
  const rng = new RandomState(n);
  const steps = n % 5 === 3 ? T - 1 : T;
  const draw = () => Int32Array.from(rng.randint(0, V, steps * B));
  return {
    ...{ inputs: draw(), targets: draw(), carry: n > 0 },
    ...(n % 4 === 1 ? { lengths: [steps, steps - 1] } : {}),
    ...more,
  };
}

const windows = (count: number, from = 0): TrainingBatch[] => Array.from({ length: count }, (_, n) => window(from + n));

/** Two trainers that begin alike: on the device, and in float64 here. */
async function pair(
  options: Partial<WebgpuTrainerOptions> & { optimizer: Optimizer },
  change: Partial<ModelSpec> = {},
): Promise<[WebgpuTrainer, CpuTrainer]> {
  const full = { ...spec, ...change };
  const parameters = initialParameters(full, 'float64', 'torch', new RandomState(1));
  for (const values of Object.values(parameters)) values.set(Float32Array.from(values));
  const own = { ...sizes, ...options };
  const trainer = await webgpuTrainer(full, { device, ...own });
  const { snapshotEvery: _s, device: _d, deviceOptions: _o, ...plain } = own;
  const local = new CpuTrainer(tsEngine('float64'), full, plain);
  await trainer.setParameters(parameters);
  await local.setParameters(parameters);
  return [trainer, local];
}

async function expectAlike(trainer: WebgpuTrainer, local: CpuTrainer, tolerance = 1e-4): Promise<void> {
  const [got, want] = [await trainer.state(), await local.state()];
  expect(got.updates).toBe(want.updates);
  expect(got.random).toEqual(want.random);
  for (const kind of ['parameters', 'states'] as const) {
    expect(Object.keys(got[kind])).toEqual(Object.keys(want[kind]));
    for (const [name, values] of Object.entries(want[kind])) {
      values.forEach((value, i) => {
        expect(Math.abs(got[kind][name][i] - value), `${name}[${i}]`).toBeLessThan(tolerance);
      });
    }
  }
  expect(got.optimizerMemory).toHaveLength(want.optimizerMemory.length);
  for (const [b, block] of want.optimizerMemory.entries()) {
    const scale = Math.max(1e-3, ...block.map(Math.abs));
    block.forEach((value, i) => {
      expect(Math.abs(got.optimizerMemory[b][i] - value), `memory ${b}[${i}]`).toBeLessThan(10 * tolerance * scale);
    });
  }
}

describe('training', () => {
  it.each<[string, () => Optimizer]>([
    // An eps that keeps the first steps from blowing rounding up.
    ['adagrad', () => adagrad({ lr: 0.02, eps: 1e-3, lrDecay: 0.1, weightDecay: 0.01 })],
    ['adagrad as PyTorch', () => adagrad({ lr: 0.02, eps: 1e-3, epsInRoot: false, initialAccumulator: 0.1 })],
    ['adam', () => adam({ lr: warmUp(3, 0.01), eps: 1e-3, weightDecay: 0.01 })],
    ['adamw with amsgrad', () => adamw({ lr: 0.01, eps: 1e-3, amsgrad: true })],
    ['sgd', () => sgd({ lr: 0.1, weightDecay: 0.01 })],
    ['momentum', () => sgd({ lr: 0.05, momentum: 0.9, dampening: 0.3 })],
    ['nesterov', () => sgd({ lr: 0.05, momentum: 0.9, nesterov: true, weightDecay: 0.01 })],
    ['rmsprop', () => rmsprop({ lr: 0.001, eps: 1e-3, momentum: 0.5 })],
    ['rmsprop centered', () => rmsprop({ lr: 0.001, eps: 1e-2, centered: true })],
    ['rprop', () => rprop({ lr: 0.001 })],
    ['notebookRprop', () => notebookRprop({ delta: 0.001 })],
  ])('by %s is what float64 gives', async (name, optimizer) => {
    const clips = name === 'adagrad' || name === 'adam' ? [{ value: 0.05 }, { norm: 0.2 }] : [undefined];
    for (const clip of clips) {
      const [trainer, local] = await pair({ optimizer: optimizer(), ...(clip ? { clip } : {}) });
      const want = await local.train(windows(6));
      const got = await trainer.train(windows(6));
      want.forEach((loss, i) => {
        expect(Math.abs(got[i] / loss - 1)).toBeLessThan(1e-4);
      });
      await expectAlike(trainer, local);
      trainer.dispose();
    }
  });

  it('with layers, dropout, L2, frozen parameters, truncation and overlapping windows is what float64 gives', async () => {
    const options = {
      ...{ optimizer: adam({ lr: 0.01, eps: 1e-3 }), clip: { norm: 0.3 }, l2: 1e-2, backSteps: 2, stride: 3, seed: 4 },
      frozen: ['bias_hh_l0', 'weight_hh_l1'],
    };
    const [trainer, local] = await pair(options, { layers: 2, dropout: 0.3, initialState: 'learned', bias: 'both' });
    const want = await local.train(windows(7));
    const got = await trainer.train(windows(4));
    const more = await trainer.train(windows(3, 4)); // in two calls as in one
    want.forEach((loss, i) => {
      expect(Math.abs([...got, ...more][i] / loss - 1)).toBeLessThan(1e-4);
    });
    await expectAlike(trainer, local);
    trainer.dispose();
  });

  it('with every layer around the recurrence, dropout everywhere, is what float64 gives', async () => {
    const change: Partial<ModelSpec> = {
      ...{ layers: 2, embedding: { size: 4, tied: true }, inputDense: { size: 5, activation: 'tanh' } },
      ...{ layerNorm: true, residual: 'all', outputDense: { size: 4, activation: 'sigmoid' } },
      dropout: { input: 0.1, between: 0.3, output: 0.5 },
    };
    const options = { optimizer: adam({ lr: 0.01, eps: 1e-3 }), l2: 1e-3, frozen: ['norm_l0.bias'], seed: 4 };
    const [trainer, local] = await pair(options, change);
    const want = [...(await local.train(windows(6))), ...(await local.evaluate(windows(2, 6)))];
    const got = [...(await trainer.train(windows(6))), ...(await trainer.evaluate(windows(2, 6)))];
    want.forEach((loss, i) => {
      expect(Math.abs(got[i] / loss - 1)).toBeLessThan(1e-4);
    });
    await expectAlike(trainer, local);
    trainer.dispose();
  });

  it('normalised outputs with the loss at the last step of padded sequences are what float64 gives', async () => {
    const change: Partial<ModelSpec> = {
      ...{ cell: 'gru', input: 'dense', inputSize: 3, outputSize: 2, bidirectional: true, layers: 2 },
      ...{
        loss: 'squaredError',
        lossAt: 'last',
        layerNorm: true,
        residual: true,
        dropout: { input: 0.2, output: 0.4 },
      },
    };
    const [trainer, local] = await pair({ optimizer: adam({ lr: 0.01, eps: 1e-3 }) }, change);
    const rng = new RandomState(3);
    const data = Array.from({ length: 4 }, (_, n) => ({
      ...{ inputs: rng.randn(T * B * 3), targets: rng.randn(B * 2), lengths: [T - (n % 2), 1 + n] },
    }));
    const want = await local.train(data);
    const single = data.map(({ inputs, targets, lengths }) => ({
      ...{ inputs: Float32Array.from(inputs), targets: Float32Array.from(targets), lengths },
    }));
    const got = await trainer.train(single);
    want.forEach((loss, i) => {
      expect(Math.abs(got[i] / loss - 1)).toBeLessThan(1e-4);
    });
    await expectAlike(trainer, local);
    trainer.dispose();
  });

  it('twice gives the same bits, and goes on from a state as if it had not stopped', async () => {
    const options = { optimizer: adam({ lr: 0.01 }), seed: 2 };
    const [one] = await pair(options, { layers: 2, dropout: 0.2 });
    const [two] = await pair(options, { layers: 2, dropout: 0.2 });
    const whole = await one.train(windows(8));
    const begun = await two.train(windows(5));
    const state = structuredClone(await two.state());
    const [three] = await pair({ ...options, seed: 9 }, { layers: 2, dropout: 0.2 });
    await three.setState(state);
    const ended = await three.train(windows(3, 5));
    expect([...begun, ...ended]).toEqual([...whole]);
    expect(await three.state()).toEqual(await one.state());
    for (const trainer of [one, two, three]) trainer.dispose();
  });

  it('evaluate learns nothing and carries states from batch to batch', async () => {
    const [trainer, local] = await pair({ optimizer: sgd({ lr: 0.1 }), l2: 0.1 }, { layers: 2, dropout: 0.5 });
    await trainer.train(windows(2));
    await local.train(windows(2));
    const before = await trainer.state();
    const want = await local.evaluate(windows(4, 2));
    const got = await trainer.evaluate(windows(4, 2));
    want.forEach((loss, i) => {
      expect(Math.abs(got[i] / loss - 1)).toBeLessThan(1e-4);
    });
    expect(await trainer.state()).toEqual(before);
    trainer.dispose();
  });

  it('vectors, every loss at the last step, both directions', async () => {
    const change: Partial<ModelSpec> = {
      ...{ cell: 'gru', input: 'dense', inputSize: 3, outputSize: 2, bidirectional: true },
      ...{ loss: 'squaredError', lossAt: 'last', outputActivation: 'sigmoid', reduction: 'mean' },
    };
    const [trainer, local] = await pair({ optimizer: adam({ lr: 0.01, eps: 1e-3 }) }, change);
    const rng = new RandomState(3);
    const data = Array.from({ length: 4 }, () => ({
      inputs: rng.randn(T * B * 3),
      targets: rng.randn(B * 2),
      lengths: [T, T - 1],
    }));
    const want = await local.train(data);
    const got = await trainer.train(
      data.map(({ inputs, targets, lengths }) => ({
        inputs: Float32Array.from(inputs),
        targets: Float32Array.from(targets),
        lengths,
      })),
    );
    want.forEach((loss, i) => {
      expect(Math.abs(got[i] / loss - 1)).toBeLessThan(1e-4);
    });
    await expectAlike(trainer, local);
    trainer.dispose();
  });
});

describe('a call', () => {
  const options = { optimizer: adam({ lr: 0.01, eps: 1e-3 }), seed: 2 };

  it('predicts without targets, and leaves everything as it was', async () => {
    for (const change of [
      { layers: 2, dropout: 0.5 },
      { lossAt: 'last' as const, outputSize: 3 },
    ]) {
      const [trainer, local] = await pair(options, change);
      const labelled = change.lossAt
        ? windows(2).map(({ lengths: _, ...batch }) => ({ ...batch, targets: Int32Array.of(0, 2) }))
        : windows(2);
      await trainer.train(labelled);
      await local.train(labelled);
      const before = await trainer.state();
      for (const batch of [
        { inputs: Int32Array.of(1, 2, 3, 4, 5, 0, 1, 2), carry: true },
        { inputs: Int32Array.of(1, 2, 3), batch: 1 },
        { inputs: Int32Array.of(1, 2, 3, 4), batch: 2, lengths: [2, 1] },
      ]) {
        const [got, want] = [await trainer.predict(batch), await local.predict(batch)];
        expect(got.length).toBe(want.length);
        want.forEach((value, i) => {
          if (batch.lengths && !change.lossAt && i >= 3 * V) return; // padding
          expect(Math.abs(got[i] - value)).toBeLessThan(1e-4);
        });
      }
      expect(await trainer.state()).toEqual(before);
      trainer.dispose();
    }
  });

  it('reads its arguments when it is made', async () => {
    const [one] = await pair(options, { layers: 2, dropout: 0.3 });
    const [two] = await pair(options, { layers: 2, dropout: 0.3 });
    const batches = windows(6);
    const want = [...(await one.train(windows(6))), ...(await one.evaluate(windows(2, 6)))];
    const parameters = await one.parameters();
    const state = await one.state();
    const calls = [two.train(batches), two.evaluate(windows(2, 6)), two.setParameters(parameters), two.setState(state)];
    const wanted = structuredClone(state);
    for (const { inputs, targets } of batches) for (const values of [inputs, targets]) values.fill(-7);
    for (const own of [parameters, state.parameters, state.states]) {
      for (const values of Object.values(own)) values.fill(Number.NaN);
    }
    for (const block of state.optimizerMemory) block.fill(Number.NaN);
    const [trained, evaluated] = (await Promise.all(calls)) as Float64Array[];
    expect([...trained, ...evaluated]).toEqual(want);
    expect(await two.state()).toEqual(wanted);
    for (const trainer of [one, two]) trainer.dispose();
  });

  it('may bring more steps than the device keeps results of, and stops at the one that fails', async () => {
    const [trainer, local] = await pair(
      { optimizer: sgd({ lr: 0 }), steps: 2, batch: 1 },
      { input: 'dense', inputSize: 1, outputSize: 1, cell: 'elman', nonlinearity: 'relu', loss: 'squaredError' },
    );
    const batch = (value: number): TrainingBatch => ({
      inputs: Float32Array.of(value, 1),
      targets: new Float32Array(2),
    });
    const batches = Array.from({ length: 1100 }, (_, n) => batch(n % 7));
    const got = await trainer.train(batches);
    const of = (value: number) => local.lossOf({ inputs: Float64Array.of(value, 1), targets: new Float64Array(2) });
    const wanted = Array.from({ length: 7 }, (_, n) => of(n));
    got.forEach((loss, n) => {
      expect(Math.abs(loss - wanted[n % 7])).toBeLessThan(1e-4 * Math.max(1, wanted[n % 7]));
    });
    batches[1050] = batch(3e38);
    await expect(trainer.train(batches)).rejects.toThrow(/^training step 2150: /);
    expect(trainer.step).toBe(2150);
    trainer.dispose();
  });
});

describe('a step costs', () => {
  /** A device that is told everything and does nothing: it compiles no kernel and computes none. */
  async function idleDevice(): Promise<Device> {
    const own = await openTestDevice();
    const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} };
    const encoder = { beginComputePass: () => pass, copyBufferToBuffer() {}, clearBuffer() {}, finish: () => ({}) };
    own.gpu.createComputePipelineAsync = async () => ({}) as GPUComputePipeline;
    own.gpu.createCommandEncoder = () => encoder as unknown as GPUCommandEncoder;
    own.gpu.queue.submit = () => undefined;
    return own;
  }

  /** What is asked of the device in `count` steps after the first one. */
  async function counted(net: ModelSpec, sizes: TrainerOptions, persistent: boolean, count: number) {
    const own = await idleDevice();
    const session = new WebgpuSession(own, false, net, sizes, { persistent });
    const { stages, dispatches } = await session.trainingStep();
    const reader = new BatchReader(session.spec, sizes.steps, sizes.batch, sizes.steps, 'float32');
    const ids = () => Int32Array.from(new RandomState(1).randint(0, net.inputSize, sizes.steps * sizes.batch));
    reader.read({ inputs: ids(), targets: ids() }, true);
    const staged = session.stage(reader, 'train', new RandomState(0), [sizes.optimizer.numbers(0, 0.1)]);
    await session.run([staged]);
    const before = { ...own.counters, buffers: own.counters.buffers };
    await session.run(Array.from({ length: count }, () => staged));
    const { counters } = own;
    const spent = {
      stages,
      recorded: dispatches,
      dispatches: (counters.dispatches - before.dispatches) / count,
      submits: counters.submits - before.submits,
      buffers: counters.buffers - before.buffers,
      readbacks: counters.readbacks - before.readbacks,
    };
    own.dispose();
    return spent;
  }

  const net = (cell: ModelSpec['cell'], size: number, hiddenSize: number): ModelSpec => ({
    ...{ cell, inputSize: size, hiddenSize, outputSize: size, bias: 'input', loss: 'softmaxCrossEntropy' },
  });
  const rule = { optimizer: adagrad({ lr: 0.1 }), clip: { value: 5 } };
  // The nets of the benchmark, at their true sizes.
  const W1 = [net('elman', 80, 100), { steps: 25, batch: 1 }] as const;
  const W2 = [net('elman', 98, 256), { steps: 50, batch: 32 }] as const;
  const W3 = [net('lstm', 98, 512), { steps: 64, batch: 64 }] as const;
  const GRU = [net('gru', 8, 24), { steps: 6, batch: 3 }] as const;
  const LSTM = [net('lstm', 8, 24), { steps: 6, batch: 3 }] as const;
  const RESET = [net('gruResetBefore', 8, 24), { steps: 6, batch: 3 }] as const;

  it.each([
    ['W1', 'a dispatch', true, W1, 9],
    ['W1', 'step by step', false, W1, 2 * 25 + 7],
    ['W2', 'a dispatch', true, W2, 2 * 50 + 7],
    ['W2', 'step by step', false, W2, 2 * 50 + 7],
    ['W3', 'a dispatch if it can be', true, W3, 2 * 64 + 7],
    ['W3', 'step by step', false, W3, 2 * 64 + 7],
    ['a GRU', 'a dispatch', true, GRU, 9],
    ['an LSTM', 'a dispatch', true, LSTM, 9],
    ['a GRU with the reset before', 'by the default loop', true, RESET, 9 * 6 + 15],
  ] as const)('%s, its recurrence %s: few dispatches, nothing made, nothing read', async (...row) => {
    const [, , persistent, [spec, sizes], most] = row;
    const count = 8;
    const { stages, recorded, dispatches, submits, buffers, readbacks } = await counted(
      spec,
      { ...sizes, ...rule },
      persistent,
      count,
    );
    expect(recorded).toBeLessThanOrEqual(most);
    expect(dispatches).toBe(recorded);
    if (spec.cell !== 'gruResetBefore') expect(stages.length).toBeLessThanOrEqual(9);
    if (!persistent) expect(recorded).toBeGreaterThan(2 * sizes.steps);
    expect(buffers).toBe(0);
    // Of all the steps together: at most one submit each, and at their end one readback of the losses with a submit of
    // its own.
    expect(submits).toBeLessThanOrEqual(count + 1);
    expect(readbacks).toBe(1);
  });
});

describe('numbers that are not finite', () => {
  it('name tensor and step, and leave everything as it was', async () => {
    for (const huge of [1e30, 3e38]) {
      const [trainer, local] = await pair(
        { optimizer: adam({ lr: 0.01 }), seed: 3 },
        { input: 'dense', inputSize: 1, outputSize: 1, cell: 'elman', nonlinearity: 'relu', loss: 'squaredError' },
      );
      const dense = (value: number, dtype: 'float32' | 'float64'): TrainingBatch => {
        const Floats = dtype === 'float32' ? Float32Array : Float64Array;
        return { inputs: new Floats(T * B).fill(value), targets: new Floats(T * B), carry: true };
      };
      await local.train([dense(1, 'float64'), dense(0.5, 'float64')]);
      const fine = [dense(1, 'float32'), dense(0.5, 'float32')];
      const failed = await trainer
        .train([...fine, dense(huge, 'float32'), dense(1, 'float32')])
        .catch((error) => error);
      expect(failed).toBeInstanceOf(NonFiniteError);
      expect(failed.step).toBe(2);
      expect(failed.message).toMatch(
        /^training step 2: .* holds (NaN|-?Infinity); parameters and optimizer are as before/,
      );
      await expectAlike(trainer, local);
      const alone = await trainer.evaluate([dense(huge, 'float32')]).catch((error) => error);
      expect(alone).toBeInstanceOf(NonFiniteError);
      await expectAlike(trainer, local);
      expect((await trainer.train(fine)).every(Number.isFinite)).toBe(true);
      trainer.dispose();
    }
  });

  describe('in one of a list of steps', () => {
    const dense: Partial<ModelSpec> = { input: 'dense', inputSize: 1, layers: 2, dropout: 0.5 };
    const change: Partial<ModelSpec> = { ...dense, outputSize: 1, loss: 'squaredError' };
    const make = async () => (await pair({ optimizer: adam({ lr: 0.01 }), seed: 3 }, change))[0];
    const step = (n: number, input: number, target: number): TrainingBatch => ({
      inputs: new Float32Array(T * B).fill(input),
      targets: new Float32Array(T * B).fill(target),
      carry: n > 0,
    });

    it('stop the ones after it, dropout stream included', async () => {
      const [trainer, other] = [await make(), await make()];
      const steps = [step(0, 1, 1), step(1, 1, 1), step(2, 1, 1e30), step(3, 1, 1)];
      await expect(trainer.train(steps)).rejects.toThrow(NonFiniteError);
      await other.train(steps.slice(0, 2));
      expect(await trainer.state()).toEqual(await other.state());
      trainer.dispose();
      other.dispose();
    });

    it('are refused before the first where they are handed in, dropout stream included', async () => {
      const [trainer, other] = [await make(), await make()];
      await expect(trainer.train([step(0, 1, 1), step(1, 1, 1), step(2, Number.NaN, 1)])).rejects.toThrow(RangeError);
      expect(await trainer.state()).toEqual(await other.state());
      trainer.dispose();
      other.dispose();
    });
  });
});

describe('wrong arguments', () => {
  it('are what they are on every engine', async () => {
    const options = { ...sizes, device, optimizer: sgd({ lr: 0.1 }) };
    await expect(webgpuTrainer(spec, { ...options, l2: -1 })).rejects.toThrow('trainer: l2 is -1');
    await expect(webgpuTrainer(spec, { ...options, backSteps: 9 })).rejects.toThrow('trainer: backSteps is 9');
    await expect(webgpuTrainer(spec, { ...options, snapshotEvery: 0 })).rejects.toThrow('trainer: snapshotEvery is 0');
    await expect(webgpuTrainer(spec, { ...options, frozen: ['w'] })).rejects.toThrow('trainer: frozen names w');
    const own: Optimizer = {
      name: 'mine',
      lr: 1,
      options: {},
      initialMemory: [],
      numbers: () => ({}),
      update: () => {},
    };
    await expect(webgpuTrainer(spec, { ...options, optimizer: own })).rejects.toThrow(
      'trainer: optimizer mine has no formula, which engine webgpu needs',
    );
    const { formula: _, ...plain } = lstm;
    await expect(webgpuTrainer({ ...spec, cell: plain }, options)).rejects.toThrow('spec.cell lstm has no formula');
    const { ...loss } = softmaxCrossEntropy; // the same functions, and not the bundled loss
    await expect(webgpuTrainer({ ...spec, loss }, options)).rejects.toThrow(
      'spec.loss softmaxCrossEntropy has no wgsl',
    );
    const forgetful = { ...adam(), initialMemory: [0, 0, 0] };
    await expect(webgpuTrainer(spec, { ...options, optimizer: forgetful })).rejects.toThrow(
      'trainer: optimizer adam: its formula gives 2 blocks of memory, expected 3',
    );
    await expect(createTrainer(spec, { ...sizes, optimizer: own, engine: 'webgpu', dtype: 'float64' })).rejects.toThrow(
      'createTrainer: engine webgpu computes in float32, dtype is float64',
    );
    const trainer = await webgpuTrainer(spec, options);
    const { weight_ho: __, ...rest } = await trainer.parameters();
    await expect(trainer.setParameters(rest)).rejects.toThrow('trainer.setParameters: weight_ho is missing');
    const state = await trainer.state();
    await expect(trainer.setState({ ...state, updates: -1 })).rejects.toThrow('trainer.setState: updates is -1');
    const bad = { ...window(1), inputs: Int32Array.of(1, 2, 3) };
    const before = await trainer.state();
    await expect(trainer.train([window(0), bad])).rejects.toThrow('batch.inputs has 3 elements');
    expect(await trainer.state()).toEqual(before);
    trainer.dispose();
    await expect(trainer.train([window(0)])).rejects.toThrow('trainer.train: the trainer was disposed of');
  });
});

describe('memory', () => {
  it('does not grow in 1000 steps, and is given back', async () => {
    const gpu = await gpuOrSoftware();
    const made = await createTrainer(
      { ...spec, cell: 'elman' },
      { ...sizes, steps: 2, optimizer: sgd({ lr: 0.1 }), engine: 'webgpu', webgpu: { deviceOptions: { gpu } } },
    );
    const trainer = made as WebgpuTrainer;
    expect(trainer.engine).toBe('webgpu');
    expect(trainer.description).toContain(trainer.device.adapter.name);
    const batch: TrainingBatch = { inputs: Int32Array.of(1, 2, 3, 4), targets: Int32Array.of(2, 3, 4, 5), carry: true };
    await trainer.train([batch]);
    const before = trainer.device.memoryUse;
    const { buffers } = trainer.device.counters;
    await trainer.train(Array.from({ length: 1000 }, () => batch));
    await trainer.train([batch]);
    // One more to read 1000 losses through than one.
    expect(trainer.device.counters.buffers - buffers).toBeLessThanOrEqual(1);
    expect(trainer.device.memoryUse.buffers - before.buffers).toBeLessThanOrEqual(1);
    trainer.dispose();
    expect(trainer.device.memoryUse).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe('the commands of windows', () => {
  it('of 1000 lengths take no more memory than those of a few', LONG, async () => {
    const own = await openTestDevice();
    // Without a product, for a software adapter's sake.
    const sum = formulaCell({
      ...{ name: 'sum', gates: 1, states: ['h'], savedBlocks: 0, recurrentProduct: false },
      formula: {
        forward: (m, { x: [x], previous: [prev] }) => ({ states: [m.add(x, prev)] }),
        backward: (_, { dstates: [d] }) => ({ dx: [d], dprevious: [d] }),
      },
    });
    const trainer = await webgpuTrainer(
      { ...spec, cell: sum, hiddenSize: 1, inputSize: 2, outputSize: 2 },
      { steps: 1000, batch: 1, device: own, optimizer: sgd({ lr: 0.1 }) },
    );
    const batch = (steps: number): TrainingBatch => ({
      ...{ inputs: new Int32Array(steps), targets: new Int32Array(steps), steps, batch: 1 },
    });
    const lengths = (from: number) => Array.from({ length: 100 }, (_, n) => batch(from + n + 1));
    await trainer.train(lengths(0));
    await own.done();
    const { buffers } = own.memoryUse;
    for (let from = 100; from < 1000; from += 100) await trainer.train(lengths(from));
    await own.done();
    expect(own.memoryUse.buffers).toBe(buffers);
    expect((await trainer.train([batch(3), batch(999)])).every(Number.isFinite)).toBe(true);
    trainer.dispose();
    await own.done();
    // What is left is the device's own: the numbers of calls, and what numbers are read through.
    expect(own.memoryUse.bytes).toBeLessThan(2 ** 16);
    own.dispose();
  });
});

describe('a device', () => {
  it('is let go of by what is disposed of', async () => {
    const own = await openTestDevice();
    const listeners: unknown[] = [];
    const { addEventListener, removeEventListener } = own.gpu;
    expect(typeof addEventListener).toBe('function');
    own.gpu.removeEventListener = (type: string, listener: unknown) => {
      listeners.push(type);
      return removeEventListener.call(own.gpu, type, listener as () => void);
    };
    own.dispose();
    expect(listeners).toEqual(['uncapturederror']);
  });
});

describe('a device that is lost', () => {
  it('without snapshots is a typed error, wherever it happens', async () => {
    const gpu = await gpuOrSoftware();
    const rng = new RandomState(20261121);
    for (let plant = 0; plant < PLANTS; plant++) {
      const own = await openDevice({ gpu });
      const trainer = await webgpuTrainer(
        { ...spec, cell: 'elman' },
        { ...sizes, device: own, optimizer: sgd({ lr: 1 }) },
      );
      const going = trainer.train(windows(2000)).catch((error) => error);
      await new Promise((resolve) => setTimeout(resolve, rng.randomSample() * 1500));
      own.gpu.destroy();
      const error = await going;
      expect(error).toBeInstanceOf(WebgpuError);
      expect(error.kind).toBe('lost');
      await expect(trainer.parameters()).rejects.toMatchObject({ kind: 'lost' });
      trainer.dispose();
    }
  });

  it('with snapshots costs nothing: every loss is that of a run undisturbed, wherever it happens', LONG, async () => {
    const gpu = await gpuOrSoftware();
    const small: ModelSpec = { ...spec, cell: 'elman', hiddenSize: 3, bias: 'input' };
    const options = { ...sizes, optimizer: adam({ lr: 0.01 }), deviceOptions: { gpu } };
    const parameters = initialParameters(small, 'float32', 'torch', new RandomState(1));
    const batches = windows(21).map(({ lengths: _, ...batch }) => batch);
    const undisturbed = await webgpuTrainer(small, options);
    await undisturbed.setParameters(parameters);
    const start = performance.now();
    const want = [...(await undisturbed.train(batches))];
    const took = performance.now() - start;
    const state = await undisturbed.state();
    undisturbed.dispose();

    const rng = new RandomState(20261121);
    for (let plant = 0; plant < PLANTS; plant++) {
      const trainer = await webgpuTrainer(small, { ...options, snapshotEvery: 4 });
      await trainer.setParameters(parameters);
      const lost = trainer.device;
      const going = trainer.train(batches);
      const again = trainer.train([]); // waits its turn
      await new Promise((resolve) => setTimeout(resolve, rng.randomSample() * took));
      lost.gpu.destroy();
      expect([...(await going)]).toEqual(want);
      expect([...(await again)]).toEqual([]);
      expect(await trainer.state()).toEqual(state);
      trainer.dispose();
    }
  });

  it('with snapshots does not disturb an evaluation, which leaves the state that was', LONG, async () => {
    const gpu = await gpuOrSoftware();
    const small: ModelSpec = { ...spec, cell: 'elman', hiddenSize: 3 };
    const options = { ...sizes, optimizer: adam({ lr: 0.01 }), deviceOptions: { gpu } };
    const parameters = initialParameters(small, 'float32', 'torch', new RandomState(1));
    const held = windows(6, 21);
    const undisturbed = await webgpuTrainer(small, options);
    await undisturbed.setParameters(parameters);
    await undisturbed.train(windows(1));
    await undisturbed.evaluate(held.slice(0, 1)); // compiles
    const start = performance.now();
    const want = [...(await undisturbed.evaluate(held))];
    const took = performance.now() - start;
    const state = await undisturbed.state();
    undisturbed.dispose();

    const rng = new RandomState(20261129);
    for (let plant = 0; plant < EVALUATIONS; plant++) {
      const trainer = await webgpuTrainer(small, { ...options, snapshotEvery: 4 });
      await trainer.setParameters(parameters);
      await trainer.train(windows(1));
      const lost = trainer.device;
      const going = trainer.evaluate(held);
      await new Promise((resolve) => setTimeout(resolve, rng.randomSample() * took));
      lost.gpu.destroy();
      expect([...(await going)]).toEqual(want);
      // Lost while nothing is computed: the next call finds out.
      if (plant === 0) trainer.device.gpu.destroy();
      expect(await trainer.state()).toEqual(state);
      trainer.dispose();
    }
  });
});
