import { describe, expect, test } from 'vitest';
import { createModel } from '../../src/bptt/createModel.ts';
import { createTrainer } from '../../src/bptt/createTrainer.ts';
import { BF16, F16, halfOfNumber, numberOfHalf } from '../../src/bptt/halfFloats.ts';
import { decodeModel, encodeModel } from '../../src/bptt/modelFile.ts';
import { loadModel, loadTrainer, saveModel, saveTrainer } from '../../src/bptt/save.ts';
import { type ModelSpec, parameterCount, resolveSpec } from '../../src/bptt/spec.ts';
import type { Trainer, TrainerOptions, TrainingBatch } from '../../src/bptt/trainer.ts';
import { LabelMap } from '../../src/data/labelMap.ts';
import { Standardizer } from '../../src/data/standardizer.ts';
import type { Cell } from '../../src/layers/cell.ts';
import { softmaxCrossEntropy } from '../../src/layers/loss.ts';
import { lstm } from '../../src/layers/lstm.ts';
import { adagrad } from '../../src/optim/adagrad.ts';
import { adam, adamw } from '../../src/optim/adam.ts';
import type { Optimizer } from '../../src/optim/optimizer.ts';
import { rmsprop } from '../../src/optim/rmsprop.ts';
import { notebookRprop, rprop } from '../../src/optim/rprop.ts';
import { cosineDecay, scheduleFrom, stepDecay, warmUp } from '../../src/optim/schedule.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';

const spec: ModelSpec = {
  ...{ cell: 'lstm', inputSize: 4, hiddenSize: 5, outputSize: 4, layers: 2, dropout: 0.3 },
  ...{ initialState: 'learned', loss: 'softmaxCrossEntropy', reduction: 'mean' },
};

const make = (options: Record<string, unknown> = {}, change: Partial<ModelSpec> = {}): Promise<Trainer> =>
  createTrainer({ ...spec, ...change }, {
    ...{ steps: 6, batch: 3, optimizer: adam({ lr: 0.02 }), engine: 'ts', seed: 5, clip: { norm: 1 }, l2: 1e-3 },
    ...options,
  } as TrainerOptions);

/** Windows of three texts, each but the first going on from the one before. */
function windows(n: number, seed: number): TrainingBatch[] {
  const rng = new RandomState(seed);
  return Array.from({ length: n }, (_, i) => {
    const ids = (): Int32Array => Int32Array.from(rng.randint(0, 4, 18));
    return { inputs: ids(), targets: ids(), carry: i > 0 };
  });
}

/** Both go on with the same losses and end in the same state. */
async function expectSame(a: Trainer, b: Trainer): Promise<void> {
  const more = windows(4, 9).map((batch) => ({ ...batch, carry: true }));
  expect(await b.train(more)).toEqual(await a.train(more));
  expect(await b.state()).toEqual(await a.state());
}

describe('a trainer', () => {
  const rules: [string, Optimizer][] = [
    ['sgd', sgd({ lr: 0.1, momentum: 0.9, nesterov: true })],
    ['adagrad', adagrad({ lr: 0.1, eps: 1e-6, epsInRoot: false })],
    ['adam', adam({ lr: 0.01, amsgrad: true, beta2: 0.9 })],
    ['adamw', adamw({ lr: 0.01, weightDecay: 0.1 })],
    ['rmsprop', rmsprop({ lr: 0.01, momentum: 0.5, centered: true })],
    ['rprop', rprop({ lr: 0.02, maxStep: 1 })],
    ['notebookRprop', notebookRprop({ delta: 0.002 })],
  ];

  const engines = [
    { engine: 'ts', dtype: 'float32' },
    { engine: 'ts', dtype: 'float64' },
    { engine: 'wasm', dtype: 'float32' },
    { engine: 'wasm', dtype: 'float32', threads: 2 },
  ];

  test.each(rules)('of %s goes on bit for bit, on every engine', async (_, optimizer) => {
    for (const engine of engines) {
      const trainer = await make({ optimizer, ...engine });
      await trainer.train(windows(5, 2));
      const { trainer: loaded } = await loadTrainer(await saveTrainer(trainer));
      expect([loaded.dtype, loaded.engine]).toEqual([engine.dtype, trainer.engine]);
      expect(loaded.step).toBe(5);
      expect(loaded.options.optimizer.options).toEqual(optimizer.options);
      await expectSame(trainer, loaded);
      trainer.dispose();
      loaded.dispose();
    }
  });

  test('with every option, and again from what was loaded', async () => {
    const options = {
      ...{ clip: { value: 0.1 }, backSteps: 3, stride: 4, frozen: ['bias_ho'], accumulate: 2, init: 'torch' },
    };
    const trainer = await make(options);
    await trainer.train(windows(3, 2));
    const bytes = await saveTrainer(trainer, { metadata: { run: 7 } });
    const { trainer: loaded, metadata } = await loadTrainer(bytes);
    for (const [name, value] of Object.entries(options)) {
      expect(loaded.options[name as keyof TrainerOptions], name).toEqual(value);
    }
    expect(await saveTrainer(loaded, { metadata })).toEqual(bytes);
    await expectSame(trainer, loaded);
  });

  test.each(engines)('with every layer around the recurrence: $engine, $dtype, threads $threads', async (engine) => {
    const change: Partial<ModelSpec> = {
      ...{ embedding: { size: 3, tied: true }, inputDense: { size: 5, activation: 'relu' }, layerNorm: true },
      ...{ residual: 'all', outputDense: { size: 3 }, dropout: { input: 0.1, between: 0.2, output: 0.3 } },
    };
    const trainer = await make(engine, change);
    await trainer.train(windows(3, 2));
    const bytes = await saveTrainer(trainer);
    const { trainer: loaded } = await loadTrainer(bytes);
    expect(loaded.spec).toEqual(trainer.spec);
    await expectSame(trainer, loaded);
    const saved = await saveModel(trainer);
    const { model } = await loadModel(saved, { engine: 'ts' });
    expect(model.parameters).toEqual(await trainer.parameters());
    expect(Object.keys(model.parameters)).toContain('norm_l1.bias');
    expect(await saveModel(model)).toEqual(saved);
    expect((await loadModel(bytes, { engine: 'ts' })).model.spec).toEqual(trainer.spec);
    for (const one of [trainer, loaded, model]) one.dispose();
  });

  test('metadata of the caller comes back: vocabularies, scalers, nested data', async () => {
    const metadata = {
      labels: LabelMap.fromLabels(['no', 'yes']),
      scaler: Standardizer.fit(Float64Array.of(1, 2, 4)),
      nested: { list: [1, 'a', null, true, { x: -0.1 }], left: undefined },
    };
    const { metadata: got } = await loadTrainer(await saveTrainer(await make(), { metadata }));
    expect(new LabelMap(got.labels as string[]).encode(['yes'])).toEqual(Int32Array.of(1));
    expect(new Standardizer(got.scaler as Standardizer)).toEqual(metadata.scaler);
    expect(got.nested).toEqual({ list: [1, 'a', null, true, { x: -0.1 }] });
    const refused: [unknown, string][] = [
      [{ a: { b: [1, Number.NaN] } }, 'saveTrainer: metadata.a.b.1 is NaN, expected plain data that JSON holds'],
      [{ a: new Float32Array(2) }, 'metadata.a is Float32Array'],
      [{ a: new Map() }, 'metadata.a is Map'],
      [{ a: () => 1 }, 'metadata.a is a function'],
      [{ a: 1n }, 'metadata.a is 1'],
      [{ a: [undefined] }, 'metadata.a.0 is undefined'],
    ];
    for (const [wrong, message] of refused) {
      await expect(saveTrainer(await make(), { metadata: wrong as never })).rejects.toThrow(message);
    }
    await expect(saveTrainer(await make(), { metdata: {} } as never)).rejects.toThrow('did you mean metadata?');
  });

  test('a learning rate that is a function has to be handed in again', async () => {
    const optimizer = (): Optimizer => adam({ lr: (step) => 0.02 / (step + 1) });
    const trainer = await make({ optimizer: optimizer() });
    await trainer.train(windows(5, 2));
    const bytes = await saveTrainer(trainer);
    await expect(loadTrainer(bytes)).rejects.toThrow(
      "loadTrainer: the file's learning rate was a function of its own, which is not saved: hand it in, loadTrainer(bytes, { optimizer: adam({ lr: … }) })",
    );
    const { trainer: loaded } = await loadTrainer(bytes, { optimizer: optimizer() });
    await expectSame(trainer, loaded);
    await expect(loadTrainer(bytes, { optimizer: sgd({ lr: 1 }) })).rejects.toThrow('optimizer is adam');
  });

  test('a bundled schedule goes on where it was', async () => {
    for (const lr of [
      cosineDecay(0.02, 8, 0.001),
      stepDecay(0.02, 2, 0.5),
      warmUp(3, warmUp(3, stepDecay(0.03, 3, 0.1))),
    ]) {
      const trainer = await make({ optimizer: adam({ lr }) });
      await trainer.train(windows(5, 2));
      const { trainer: loaded } = await loadTrainer(await saveTrainer(trainer));
      await expectSame(trainer, loaded);
    }
    const half = warmUp(2, (step: number) => 1 / (step + 1));
    const trainer = await make({ optimizer: adam({ lr: half }) });
    await expect(loadTrainer(await saveTrainer(trainer))).rejects.toThrow('was a function of its own');
  });

  test('a schedule that there is not is refused', async () => {
    const file = await decodeModel(await saveTrainer(await make()));
    let deep: unknown = 0.1;
    for (let i = 0; i < 50_000; i++) deep = { schedule: 'warmUp', steps: 1, after: deep };
    for (const [lr, message] of [
      [{ schedule: 'cosine', lr: 1 }, "schedule is 'cosine', expected stepDecay, cosineDecay or warmUp"],
      ['0.1', 'schedule is undefined'],
      [{ schedule: 'cosineDecay', lr: -1, steps: 5, end: 0 }, 'cosineDecay: lr is -1'],
    ] as const) {
      const optimizer = { ...(file.metadata.optimizer as object), lr };
      const bytes = await encodeModel({ ...file, metadata: { ...file.metadata, optimizer } });
      await expect(loadTrainer(bytes)).rejects.toThrow(message);
    }
    expect(() => scheduleFrom(deep)).toThrow('at most 16 deep');
  });

  test.each(rules)('the memory of %s has names', async (_, optimizer) => {
    const { metadata } = await decodeModel(await saveTrainer(await make({ optimizer })));
    expect((metadata.optimizer as { memory: string[] }).memory).toHaveLength(optimizer.initialMemory.length);
  });

  test('cells, losses and update rules of its own are named and handed in', async () => {
    const mine: Cell = { ...lstm, name: 'mine', initialBias: [0, 2] };
    const myLoss = { ...softmaxCrossEntropy, name: 'myLoss' };
    const mySgd: Optimizer = { ...sgd({ lr: 0.1 }), name: 'mySgd' };
    const trainer = await make({ optimizer: mySgd }, { cell: mine, loss: myLoss });
    await trainer.train(windows(3, 2));
    const bytes = await saveTrainer(trainer);
    const [cells, losses, optimizer] = [{ mine }, { myLoss }, mySgd];
    await expect(loadTrainer(bytes, { losses, optimizer })).rejects.toThrow('hand a cell of your own in `cells`');
    await expect(loadTrainer(bytes, { cells, optimizer })).rejects.toThrow('hand a loss of your own in `losses`');
    await expect(loadTrainer(bytes, { cells, losses })).rejects.toThrow(
      "the file's optimizer mySgd is code of its own, which is not saved: hand it in, loadTrainer(bytes, { optimizer: mySgd(…) })",
    );
    const { trainer: loaded } = await loadTrainer(bytes, { cells, losses, optimizer });
    expect(loaded.spec.cell).toBe(mine);
    await expectSame(trainer, loaded);
  });

  test('a name of a bundled cell, loss or rule is not taken for the bundled one', async () => {
    const cell: Cell = { ...lstm, initialBias: [0, 2] };
    await expect(saveTrainer(await make({}, { cell }))).rejects.toThrow('own has the name of the bundled lstm');
    const loss = { ...softmaxCrossEntropy };
    await expect(saveTrainer(await make({}, { loss }))).rejects.toThrow('the name of the bundled softmaxCrossEntropy');
    const rule: Optimizer = { ...sgd({ lr: 0.1 }), options: { special: true } };
    await expect(loadTrainer(await saveTrainer(await make({ optimizer: rule })))).rejects.toThrow(
      'optimizer sgd is code',
    );
  });

  test('the engine that it ran on is kept unless another is named', async () => {
    const bytes = await saveTrainer(await make({ engine: 'ts' }));
    const { metadata } = await decodeModel(bytes);
    expect(metadata.options).toMatchObject({ engine: 'ts', steps: 6, batch: 3 });
    expect((await loadTrainer(bytes)).trainer.engine).toBe('ts');
    expect((await loadTrainer(bytes, { dtype: 'float64' })).trainer.dtype).toBe('float64');
    await expect(loadTrainer(bytes, { engine: 'abacus' as never })).rejects.toThrow("engine is 'abacus'");
    await expect(loadTrainer(bytes, { batchSize: 3 } as never)).rejects.toThrow(
      'loadTrainer: unknown option batchSize',
    );
  });

  test('the activation of outputs and of an Elman cell come back', async () => {
    const change = { cell: 'elman', nonlinearity: 'relu', loss: 'squaredError', outputActivation: 'sigmoid' } as const;
    const trainer = await make({}, change);
    const { trainer: loaded } = await loadTrainer(await saveTrainer(trainer));
    expect(loaded.spec).toEqual(trainer.spec);
    expect(loaded.spec.cell).toBe(trainer.spec.cell);
    expect(loaded.spec.loss).toBe(trainer.spec.loss);
  });
});

describe('a model', () => {
  const input = { inputs: Int32Array.of(0, 3, 1), batch: 1 };

  test('of a trainer, of an inference model and of a trainer file predicts the same', async () => {
    const trainer = await make();
    await trainer.train(windows(5, 2));
    const want = await trainer.predict({ ...input, steps: 3 });
    const first = await loadModel(await saveModel(trainer, { metadata: { a: 1 } }), { engine: 'ts' });
    expect(first.metadata).toEqual({ a: 1 });
    const second = await loadModel(await saveModel(first.model), { engine: 'ts' });
    const third = await loadModel(await saveTrainer(trainer), { engine: 'ts' });
    const plain = await createModel(spec, await trainer.parameters(), { engine: 'ts' });
    for (const { model } of [first, second, third, { model: plain }]) expect(await model.predict(input)).toEqual(want);
    expect((await loadModel(await saveModel(trainer), { dtype: 'float64' })).model.dtype).toBe('float64');
  });

  test('in half of the room: rounded to the nearest, halves to even, and float32 again', async () => {
    const trainer = await make();
    const parameters = await trainer.parameters();
    parameters.bias_ho.set([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 2 ** -25]);
    const whole = (await saveModel({ spec, parameters })).length;
    for (const [dtype, want, format] of [
      ['F16', [1, 1 + 2 ** -9, 65504, 0], F16],
      ['BF16', [1, 1, 65536, 2 ** -25], BF16],
    ] as const) {
      const file = await saveModel({ spec, parameters }, { dtype });
      expect(file.length).toBeLessThan(whole - 1.9 * parameterCount(resolveSpec(spec)));
      const { tensors } = await decodeModel(file);
      expect(tensors.bias_ho.values).toEqual(Float32Array.from(want));
      const nearest = parameters.weight_hh_l1.map((v) => numberOfHalf(halfOfNumber(v, format), format));
      expect(tensors.weight_hh_l1.values).toEqual(nearest);
      expect((await loadModel(file, { engine: 'ts' })).model.dtype).toBe('float32');
    }
    parameters.bias_ho[2] = 65520;
    await expect(saveModel({ spec, parameters }, { dtype: 'F16' })).rejects.toThrow(
      RangeError('saveModel: bias_ho[2] is 65520, which is no F16'),
    );
    await expect(saveModel({ spec, parameters }, { dtype: 'f16' as never })).rejects.toThrow(
      "dtype is 'f16', expected",
    );
  });

  test('is read as safetensors under the names of PyTorch', async () => {
    const trainer = await make();
    const { tensors } = await decodeModel(await saveModel(trainer));
    const parameters = await trainer.parameters();
    expect(Object.keys(tensors)).toEqual(Object.keys(parameters));
    expect(tensors.weight_ih_l1).toEqual({ shape: [20, 5], values: parameters.weight_ih_l1 });
  });

  test('weights that do not fit are refused', async () => {
    const trainer = await make();
    const { bias_ho, ...rest } = await trainer.parameters();
    await expect(saveModel({ spec, parameters: rest })).rejects.toThrow('saveModel: bias_ho is missing');
    await expect(saveModel({ spec, parameters: { ...rest, bias_ho, x: bias_ho } })).rejects.toThrow(
      'x is no parameter',
    );
    await expect(saveModel({ spec, parameters: { ...rest, bias_ho: bias_ho.subarray(1) } })).rejects.toThrow(
      'bias_ho has 3',
    );
  });
});

test('what is no trainer or model is named', async () => {
  const { model } = await loadModel(await saveModel(await make()));
  const trainerWanted = 'expected a trainer; saveModel saves weights alone';
  await expect(saveTrainer(model as never)).rejects.toThrow(`saveTrainer: trainer is InferenceModel, ${trainerWanted}`);
  await expect(saveTrainer(undefined as never)).rejects.toThrow(`trainer is undefined, ${trainerWanted}`);
  for (const [given, told] of [
    [undefined, 'undefined'],
    [{ spec }, '{ spec }'],
  ]) {
    await expect(saveModel(given as never)).rejects.toThrow(
      `saveModel: model is ${told}, expected a trainer, a model or { spec, parameters }`,
    );
  }
});

describe('wrong files', () => {
  test('are told from each other', async () => {
    const trainer = await make();
    const model = await saveModel(trainer);
    await expect(loadTrainer(model)).rejects.toThrow(
      "loadTrainer: the file holds 'bptt model', expected bptt trainer: it has weights and no state of training; loadModel",
    );
    const other = await encodeModel({ tensors: {}, metadata: { kind: 'something' } });
    await expect(loadModel(other)).rejects.toThrow(
      "loadModel: the file holds 'something', expected bptt model or bptt trainer",
    );
    const none = await encodeModel({ tensors: {}, metadata: {} });
    await expect(loadTrainer(none)).rejects.toThrow('loadTrainer: the file holds undefined, expected bptt trainer');
    const next = await encodeModel({ tensors: {}, metadata: { kind: 'bptt trainer', version: 2 } });
    await expect(loadTrainer(next)).rejects.toThrow('loadTrainer: the file has version 2, expected 1');
    await expect(loadTrainer('model.bin' as never)).rejects.toThrow(
      "loadTrainer: bytes is 'model.bin', expected a Uint8Array",
    );
    await expect(loadModel(new TextEncoder().encode('{"a":1}'))).rejects.toThrow('not a whole model file');
    const bytes = await saveTrainer(trainer);
    await expect(loadTrainer(bytes.subarray(0, bytes.length - 4))).rejects.toThrow('truncated');
    const altered = bytes.slice();
    altered[altered.length - 1] ^= 1;
    await expect(loadTrainer(altered)).rejects.toThrow('altered');
  });

  test('a file whose tensors do not fit its spec is refused', async () => {
    const { tensors, metadata } = await decodeModel(await saveTrainer(await make()));
    const { 'state.h_l0': state, ...rest } = tensors;
    const broken = await encodeModel({ tensors: rest, metadata });
    await expect(loadTrainer(broken)).rejects.toThrow('states lacks h_l0');
    expect(state.shape).toEqual([3, 5]);
  });
});
