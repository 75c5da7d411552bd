import { createSampler, createTrainer, type EngineName, initialParameters, type ModelSpec } from 'bptt';
import { adagrad } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { hasFusedMultiplyAdd } from 'bptt/wasm';
import { expect, test } from 'vitest';

const spec: ModelSpec = { cell: 'lstm', inputSize: 5, hiddenSize: 3, outputSize: 5, loss: 'softmaxCrossEntropy' };
const options = { steps: 4, batch: 1, optimizer: adagrad() };
const ids = Int32Array.from([0, 1, 2, 3, 4, 3, 2, 1, 0, 2, 4, 1, 3]);
const window = (from: number, carry: boolean) => ({
  inputs: ids.slice(from, from + 4),
  targets: ids.slice(from + 1, from + 5),
  carry,
});

test('makes a trainer with fresh weights of the scheme, seed and dtype asked for', async () => {
  const trainer = await createTrainer(spec, { ...options, seed: 7, init: 'torch', dtype: 'float64' });
  expect(trainer.engine).toBe('ts');
  const parameters = await trainer.parameters();
  expect(parameters).toEqual(initialParameters(spec, 'float64', 'torch', new RandomState(7)));
  expect(parameters.weight_hh_l0).toBeInstanceOf(Float64Array);
  expect(await (await createTrainer(spec, options)).parameters()).toEqual(
    initialParameters(spec, 'float32', 'orthogonal', new RandomState(0)),
  );
});

test('refuses an engine that it does not know', async () => {
  const made = createTrainer(spec, { ...options, engine: 'abacus' as EngineName });
  await expect(made).rejects.toThrow("createTrainer: engine is 'abacus', expected auto, ts, wasm");
});

test('makes a sampler on the fastest engine of the parameters’ dtype, or on the one asked for', async () => {
  const of = (dtype: 'float32' | 'float64') => initialParameters(spec, dtype, 'torch', new RandomState(1));
  expect((await createSampler(spec, of('float32'))).description).toBe('wasm');
  expect((await createSampler(spec, of('float64'))).description).toBe('ts');
  expect((await createSampler(spec, of('float32'), { engine: 'ts' })).description).toBe('ts');
  for (const engine of ['wasm', 'webgpu'] as const) {
    await expect(createSampler(spec, of('float64'), { engine })).rejects.toThrow(
      `createSampler: engine ${engine} computes in float32, the parameters are float64`,
    );
  }
  await expect(createSampler(spec, {}, { engine: 'wasm' })).rejects.toThrow('weight_ih_l0 is missing');
  const unknown = 'abacus' as EngineName;
  await expect(createSampler(spec, of('float32'), { engine: unknown })).rejects.toThrow(
    "createSampler: engine is 'abacus', expected auto, ts, wasm, webgpu",
  );
});

test.each(['ts', 'wasm'] as const)(
  'evaluate carries the state from batch to batch, and leaves training’s: %s',
  async (engine) => {
    const trainer = await createTrainer(spec, { ...options, engine });
    await trainer.train([window(0, false)]);
    const before = await trainer.state();
    const [first, second] = await trainer.evaluate([window(4, true), window(8, true)]);
    expect(await trainer.state()).toEqual(before);
    expect((await trainer.evaluate([window(8, true)]))[0]).not.toBe(second);

    const whole = await createTrainer(spec, { ...options, engine, steps: 8 });
    await whole.setState(before);
    const [both] = await whole.evaluate([{ inputs: ids.slice(4, 12), targets: ids.slice(5, 13), carry: true }]);
    expect(first + second).toBeCloseTo(both, 5);

    const bad = { inputs: Int32Array.from([0, 1, 2, 9]), targets: ids.slice(0, 4), carry: true };
    await expect(trainer.evaluate([window(4, true), bad])).rejects.toThrow(RangeError);
    expect(await trainer.state()).toEqual(before);
  },
);

test('says where there is no fused multiply-add, and names what engine webgpu has no option for', async () => {
  const there = hasFusedMultiplyAdd() ? 'wasm+fma: SIMD' : 'wasm: SIMD, no fused multiply-add on this host';
  expect((await createTrainer(spec, { ...options, fma: true })).description).toBe(there);
  expect((await createTrainer(spec, { ...options, fma: true, dtype: 'float64' })).description).toBe(
    'ts: the only one that computes in float64, no fused multiply-add on engine ts',
  );
  const { fma } = { fma: 'yes' as unknown as boolean };
  await expect(createTrainer(spec, { ...options, fma })).rejects.toThrow("fma is 'yes', expected true or false");
  const webgpu = { device: 3, snapshotEvry: 2 } as object;
  await expect(createTrainer(spec, { ...options, engine: 'webgpu', webgpu })).rejects.toThrow(
    'createTrainer: webgpu: unknown option snapshotEvry, did you mean snapshotEvery?',
  );
  const device = { device: 3 } as object;
  await expect(createTrainer(spec, { ...options, engine: 'webgpu', webgpu: device })).rejects.toThrow(
    'trainer: device is 3, expected a device, as openDevice gives it',
  );
});
