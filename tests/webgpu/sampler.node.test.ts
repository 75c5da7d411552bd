import { afterAll, beforeAll, expect, it } from 'vitest';
import { gpuOrSoftware } from '../../scripts/softwareGpu.ts';
import { createSampler, type EngineName, initialParameters } from '../../src/bptt/createTrainer.ts';
import { Sampler } from '../../src/bptt/sample.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { type Device, openDevice } from '../../src/webgpu/device/device.ts';
import { WebgpuError } from '../../src/webgpu/device/errors.ts';
import { webgpuSampler } from '../../src/webgpu/training/sampler.ts';
import { EFFORT } from '../effort.ts';
import { openTestDevice } from './device.ts';

const spec: ModelSpec = {
  ...{ cell: 'gru', inputSize: 7, hiddenSize: 6, layers: 2, outputSize: 7, initialState: 'learned' },
  loss: 'softmaxCrossEntropy',
};
const parameters = initialParameters(spec, 'float64', 'torch', new RandomState(4));
for (const name of Object.keys(parameters)) parameters[name] = parameters[name].map((v) => Math.fround(3 * v));

const LONG = { timeout: 180_000 * EFFORT };
/** Devices that are destroyed while they draw. */
const PLANTS = 2 * EFFORT;

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.dispose());

it('draws what is drawn in float64 from the same numbers, and uses as many of them', async () => {
  const here = new Sampler(spec, parameters);
  const there = await webgpuSampler(spec, parameters, { device });
  for (const [options, stop] of [[{}], [{ temperature: 0.5 }], [{ greedy: true }], [{ topK: 3 }], [{}, 2]] as const) {
    here.reset();
    there.reset();
    const [a, b] = [new RandomState(1), new RandomState(1)];
    const want = here.sample([1, 2, 3], 40, a, options, stop);
    expect(await there.sample([1, 2, 3], 40, b, options, stop)).toEqual(want);
    expect(b.getState()).toEqual(a.getState());
    expect(await there.sample([1], 9, b, options)).toEqual(here.sample([1], 9, a, options)); // goes on
    here.reset();
    there.reset();
    expect(await there.sample([4], 9, b, options)).toEqual(here.sample([4], 9, a, options)); // begins
  }
  there.dispose();
});

it('draws so, too, with an embedding, dense layers, normalised outputs and residual connections', async () => {
  const around: ModelSpec = {
    ...{ ...spec, embedding: { size: 5, tied: true }, inputDense: { size: 6, activation: 'tanh' } },
    ...{ layerNorm: true, residual: 'all', outputDense: { size: 5 }, dropout: { input: 0.5, output: 0.5 } },
  };
  const own = initialParameters(around, 'float64', 'torch', new RandomState(4));
  for (const name of Object.keys(own)) own[name] = own[name].map((v) => Math.fround(v));
  const here = new Sampler(around, own);
  const there = await webgpuSampler(around, own, { device });
  const [a, b] = [new RandomState(1), new RandomState(1)];
  expect(await there.sample([1, 2, 3], 40, b)).toEqual(here.sample([1, 2, 3], 40, a));
  there.dispose();
});

it('is made as on any engine, and draws the text of the others in float32', async () => {
  const single = Object.fromEntries(Object.entries(parameters).map(([name, v]) => [name, Float32Array.from(v)]));
  const texts: number[][] = [];
  for (const engine of ['ts', 'webgpu'] as EngineName[]) {
    const sampler = await createSampler(spec, single, { engine, webgpu: { device } });
    expect(sampler.description).toBe(engine === 'webgpu' ? device.description : engine);
    const rng = new RandomState(7);
    const begun = await sampler.sample([1, 2], 100, rng, { temperature: 0.8 });
    texts.push([...begun, ...(await sampler.sample([begun[99]], 30, rng, { topP: 0.9 }))]);
    sampler.dispose();
  }
  expect(texts[1]).toEqual(texts[0]);
  await expect(createSampler(spec, parameters, { engine: 'webgpu', webgpu: { device } })).rejects.toThrow(
    'createSampler: engine webgpu computes in float32, the parameters are float64',
  );
  const gone = await createSampler(spec, single, { engine: 'webgpu', webgpu: { device } });
  gone.dispose();
  await expect(gone.sample([1], 2, new RandomState(1))).rejects.toMatchObject({ kind: 'disposed' });
});

it('does calls that are not waited for one after another', async () => {
  const here = new Sampler(spec, parameters);
  const there = await webgpuSampler(spec, parameters, { device });
  const [a, b] = [new RandomState(3), new RandomState(3)];
  const states = Object.fromEntries(['h_l0', 'h_l1'].map((name) => [name, new RandomState(2).uniform(-1, 1, 6)]));
  const first = there.sample([1], 20, b);
  there.reset();
  const second = there.sample([2], 20, b);
  there.setState(states);
  for (const values of Object.values(states)) values.fill(0); // it has its own copy by now
  const third = there.sample([3], 20, b);
  expect(await first).toEqual(here.sample([1], 20, a));
  here.reset();
  expect(await second).toEqual(here.sample([2], 20, a));
  here.setState(Object.fromEntries(Object.keys(states).map((name) => [name, new RandomState(2).uniform(-1, 1, 6)])));
  expect(await third).toEqual(here.sample([3], 20, a));
  there.dispose();
});

it('reads symbol after symbol, from a state or from the start', async () => {
  const here = new Sampler(spec, parameters);
  const there = await webgpuSampler(spec, parameters, { device });
  const states = Object.fromEntries(['h_l0', 'h_l1'].map((name) => [name, new RandomState(2).uniform(-1, 1, 6)]));
  for (const begin of [
    () => {},
    () => [here, there].map((s) => s.reset()),
    () => [here, there].map((s) => s.setState(states)),
  ]) {
    begin();
    for (const id of [3, 0, 6]) {
      const want = here.read(id);
      const got = await there.read(id);
      // Two layers of sums of at most 13 products and a few functions of some ulps.
      want.forEach((z, v) => {
        expect(Math.abs(got[v] - z)).toBeLessThan(2 * 60 * 2 ** -23 * Math.max(1, Math.abs(z)) * 3);
      });
    }
  }
  there.dispose();
});

it('many symbols are few submits and one readback', async () => {
  const there = await webgpuSampler(spec, parameters, { device });
  await there.sample([0], 2, new RandomState(1));
  const { submits, readbacks } = { ...device.counters };
  await there.sample([0], 100, new RandomState(1));
  // One that keeps the states, should the call fail, one of the symbols, and the readback's.
  expect(device.counters.submits - submits).toBeLessThanOrEqual(3);
  expect(device.counters.readbacks - readbacks).toBe(1);
  there.dispose();
});

it('refuses what cannot be sampled', async () => {
  await expect(webgpuSampler({ ...spec, bidirectional: true }, parameters, { device })).rejects.toThrow(RangeError);
  const { weight_ho: _, ...rest } = parameters;
  await expect(webgpuSampler(spec, rest, { device })).rejects.toThrow('Sampler: weight_ho is missing');
  const surplus = { ...parameters, extra: new Float64Array(1) };
  await expect(webgpuSampler(spec, surplus, { device })).rejects.toThrow('Sampler: extra is no parameter');
  const there = await webgpuSampler(spec, parameters, { device });
  await expect(there.read(7)).rejects.toThrow('Sampler: symbol is 7, expected 0 … 6');
  await expect(there.sample([], 1, new RandomState(1))).rejects.toThrow('prime is empty');
  await expect(there.sample([-1], 1, new RandomState(1))).rejects.toThrow('symbol is -1');
  await expect(there.sample([1], 1, new RandomState(1), { temperature: 0 })).rejects.toThrow('temperature is 0');
  expect(() => there.setState({})).toThrow('Sampler.setState: h_l0 is missing');
  const bad = { ...parameters, bias_ho: parameters.bias_ho.map(() => Number.NaN) };
  const broken = await webgpuSampler(spec, bad, { device });
  await expect(broken.sample([1], 3, new RandomState(1))).rejects.toThrow('hold a NaN or infinity');
  there.dispose();
  broken.dispose();
});

it('a call that fails on its way has changed neither state nor stream', async () => {
  // Whoever reads symbol 3 knows nothing any more.
  const spoilt = { ...parameters, weight_ih_l0: parameters.weight_ih_l0.slice() };
  spoilt.weight_ih_l0.forEach((_, i) => {
    if (i % 7 === 3) spoilt.weight_ih_l0[i] = Number.NaN;
  });
  const sampler = await webgpuSampler(spec, spoilt, { device });
  for (const read of [[], [1, 2]]) {
    for (const [options, stop] of [[{}], [{ topK: 5 }], [{ temperature: 5 }, 99]] as const) {
      const begin = async (): Promise<void> => {
        sampler.reset();
        for (const symbol of read) await sampler.read(symbol);
      };
      await begin();
      const want = [...(await sampler.read(0))];
      await begin();
      const rng = new RandomState(5);
      const before = rng.getState();
      await expect(sampler.sample([0, 1], 600, rng, options, stop)).rejects.toThrow(RangeError);
      await expect(sampler.sample([3], 1, rng, options)).rejects.toThrow(RangeError);
      await expect(sampler.sample([0, 1, 9], 1, rng, options)).rejects.toThrow('Sampler: symbol is 9');
      expect(rng.getState()).toEqual(before);
      expect([...(await sampler.read(0))]).toEqual(want);
    }
  }
  sampler.dispose();
});

it('says that its device is lost, wherever it happens, and leaves the stream where it was', LONG, async () => {
  const gpu = await gpuOrSoftware();
  const undisturbed = await webgpuSampler(spec, parameters, { device });
  const length = 1500;
  await undisturbed.sample([1], 1, new RandomState(1)); // compiles
  undisturbed.reset();
  const start = performance.now();
  const want = await undisturbed.sample([1, 2], length, new RandomState(1));
  const took = performance.now() - start;
  undisturbed.dispose();
  const rng = new RandomState(20261129);
  for (let plant = 0; plant < PLANTS; plant++) {
    const own = await openDevice({ gpu });
    const sampler = await webgpuSampler(spec, parameters, { device: own });
    const stream = new RandomState(1);
    const before = stream.getState();
    const going = sampler.sample([1, 2], length, stream).catch((error) => error);
    await new Promise((resolve) => setTimeout(resolve, rng.randomSample() * took));
    own.gpu.destroy();
    const outcome = await going;
    if (Array.isArray(outcome)) expect(outcome).toEqual(want);
    else {
      expect(outcome).toBeInstanceOf(WebgpuError);
      expect(outcome.kind).toBe('lost');
      expect(stream.getState()).toEqual(before);
    }
    await expect(sampler.sample([1], 1, stream)).rejects.toMatchObject({ kind: 'lost' });
    await expect(sampler.read(1)).rejects.toMatchObject({ kind: 'lost' });
    sampler.dispose();
  }
});
