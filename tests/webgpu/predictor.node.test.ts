import { afterAll, beforeAll, expect, it } from 'vitest';
import { gpuOrSoftware } from '../../scripts/softwareGpu.ts';
import { createModel } from '../../src/bptt/createModel.ts';
import { initialParameters } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import { InferenceModel } from '../../src/bptt/inferenceModel.ts';
import { loadModel, saveModel } from '../../src/bptt/save.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { resolveSpec } from '../../src/bptt/spec.ts';
import { ctc } from '../../src/layers/ctcLoss.ts';
import { gru } from '../../src/layers/gru.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { type Device, openDevice } from '../../src/webgpu/device/device.ts';
import { WebgpuError } from '../../src/webgpu/device/errors.ts';
import { webgpuPredictor } from '../../src/webgpu/training/predictor.ts';
import { EFFORT } from '../effort.ts';
import { expectNear, from } from '../layers/support.ts';
import { openTestDevice } from './device.ts';

const symbols: ModelSpec = { cell: 'gru', inputSize: 5, hiddenSize: 4, outputSize: 5, loss: 'softmaxCrossEntropy' };
const vectors: ModelSpec = {
  ...{ cell: 'lstm', input: 'dense', inputSize: 2, hiddenSize: 4, outputSize: 2, layers: 2, loss: 'squaredError' },
  initialState: 'learned',
};

const LONG = { timeout: 180_000 * EFFORT };
/** Devices that are destroyed while they compute. */
const PLANTS = 2 * EFFORT;

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.dispose());

/** Weights that tell every part from every other. */
function weightsOf(spec: ModelSpec) {
  const rng = new RandomState(3);
  const weights = initialParameters(spec, 'float32', 'orthogonal', rng);
  for (const values of Object.values(weights)) for (let i = 0; i < values.length; i++) values[i] += 0.3 * rng.randn();
  return weights;
}

/** A window, some of whose sequences end early. */
function windowOf(spec: ModelSpec, steps: number, batch: number, seed = 8) {
  const rng = new RandomState(seed);
  const rows = steps * batch;
  const inputs =
    spec.input === 'dense' ? from('float32', rng.uniform(-1, 1, rows * 2)) : Int32Array.from(rng.randint(0, 5, rows));
  const lengths = steps % 2 ? { lengths: Int32Array.from(rng.randint(1, steps + 1, batch)) } : {};
  return { inputs, steps, batch, ...lengths };
}

/** T steps of 2 layers, up to 40 roundings each, weights of norm up to about 2. */
const roundings = (steps: number): number => steps * 2 * 40 * 4;

it('gives what engine ts gives, for batches of sizes that come and go; sessions read on the CPU', async () => {
  const specs: ModelSpec[] = [
    ...[vectors, symbols],
    { ...vectors, lossAt: 'last' },
    { ...symbols, bidirectional: true },
    { ...symbols, layers: 2, embedding: { size: 4, tied: true }, layerNorm: true, residual: 'all' },
    { ...vectors, lossAt: 'last', inputDense: { size: 4 }, residual: 'all', outputDense: { size: 3 } },
  ];
  for (const spec of specs) {
    const weights = weightsOf(spec);
    const [ts, net] = [
      await createModel(spec, weights, { engine: 'ts' }),
      await createModel(spec, weights, { engine: 'webgpu', webgpu: { device } }),
    ];
    expect(net.description).toBe(`${device.description}; sessions read on wasm: SIMD`);
    const sizes = [
      [3, 2],
      [70, 3],
      [3, 2],
      [2, 66],
      [1, 1],
    ];
    const windows = sizes.map(([steps, batch], i) => windowOf(spec, steps, batch, i));
    // Calls that nobody waits for, whose inputs change when they have been made.
    const calls = windows.map((window) => {
      const inputs = window.inputs.slice();
      const call = net.predict({ ...window, inputs });
      inputs.fill(0);
      return call;
    });
    for (const [i, window] of windows.entries()) {
      expectNear(await calls[i], await ts.predict(window), roundings(window.steps));
    }
    if (!spec.bidirectional) {
      const x = spec.input === 'dense' ? [0.5, -1] : 3;
      const [here, there] = [ts.session(), net.session()];
      expectNear(there.read(x), here.read(x), roundings(1));
      expectNear(net.readAll([there], [x])[0], ts.readAll([here], [x])[0], roundings(2));
    }
    net.dispose();
    await expect(net.predict(windows[0])).rejects.toThrow('model.predict: the model was disposed of');
  }
  expect(await device.floats([1]).read()).toEqual(Float32Array.of(1)); // the device is still its owner's
});

it('is loaded from a file', async () => {
  const { model } = await loadModel(await saveModel({ spec: symbols, parameters: weightsOf(symbols) }), {
    engine: 'webgpu',
    webgpu: { device },
  });
  const window = windowOf(symbols, 4, 2);
  const want = await (await createModel(symbols, weightsOf(symbols), { engine: 'ts' })).predict(window);
  expectNear(await model.predict(window), want, roundings(4));
  model.dispose();
});

it('refuses what has no WGSL, by name', async () => {
  const { formula: _, ...plain } = gru;
  const options = { engine: 'webgpu', webgpu: { device } } as const;
  const own = { ...symbols, cell: plain };
  await expect(createModel(own, weightsOf(symbols), options)).rejects.toThrow('gru');
  const perSequence = { ...symbols, loss: ctc({ blank: 0 }) };
  await expect(createModel(perSequence, weightsOf(symbols), options)).rejects.toThrow('spec.loss ctc has no wgsl');
  // A device that was opened for it is closed.
  const gpu = await gpuOrSoftware();
  await expect(
    createModel(perSequence, weightsOf(symbols), { ...options, webgpu: { deviceOptions: { gpu } } }),
  ).rejects.toThrow('spec.loss ctc has no wgsl');
});

it('survives the loss of its own device, wherever it happens, and computes on another', LONG, async () => {
  const gpu = await gpuOrSoftware();
  const spec = resolveSpec({ ...symbols, cell: 'elman' });
  const weights = weightsOf({ ...symbols, cell: 'elman' });
  const window = windowOf(symbols, 70, 3);
  const undisturbed = await createModel(spec, weights, { engine: 'webgpu', webgpu: { deviceOptions: { gpu } } });
  const start = performance.now();
  const want = await undisturbed.predict(window);
  const took = performance.now() - start;
  undisturbed.dispose();
  const rng = new RandomState(20261128);
  for (let plant = 0; plant < PLANTS; plant++) {
    const predictor = await webgpuPredictor(spec, weights, { deviceOptions: { gpu } });
    const net = new InferenceModel(spec, weights, 'float32', predictor, () => tsEngine());
    const lost = predictor.device;
    const going = net.predict(window);
    await new Promise((resolve) => setTimeout(resolve, rng.randomSample() * took));
    lost.gpu.destroy();
    expect(await going).toEqual(want);
    // Lost while nothing is computed: the next call finds out.
    predictor.device.gpu.destroy();
    expect(await net.predict(window)).toEqual(want);
    expect(predictor.device).not.toBe(lost);
    expect(net.description).toBe(predictor.device.description);
    net.dispose();
  }
});

it("says that another one's device is lost, and that a device was disposed of meanwhile", async () => {
  const gpu = await gpuOrSoftware();
  const own = await openDevice({ gpu });
  const net = await createModel(symbols, weightsOf(symbols), { engine: 'webgpu', webgpu: { device: own } });
  const window = windowOf(symbols, 4, 2);
  await net.predict(window);
  own.gpu.destroy();
  const error = await net.predict(window).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WebgpuError);
  expect(error).toMatchObject({ kind: 'lost' });
  net.dispose();
  const gone = await createModel(symbols, weightsOf(symbols), { engine: 'webgpu', webgpu: { deviceOptions: { gpu } } });
  const going = [gone.predict(window), gone.predict(window)].map((call) => call.catch((thrown: unknown) => thrown));
  gone.dispose();
  for (const call of going) expect(await call).toMatchObject({ kind: 'disposed' });
});

it('gives up where every device is lost', async () => {
  const gpu = await gpuOrSoftware();
  const adapter = (await gpu.requestAdapter())!;
  let opened = 0;
  const short = {
    requestAdapter: async () => ({
      info: adapter.info,
      limits: adapter.limits,
      features: adapter.features,
      requestDevice: async (descriptor: GPUDeviceDescriptor) => {
        opened++;
        const made = await (await gpu.requestAdapter())!.requestDevice(descriptor);
        setTimeout(() => made.destroy());
        return made;
      },
    }),
  } as unknown as GPU;
  const net = await createModel(symbols, weightsOf(symbols), {
    engine: 'webgpu',
    webgpu: { deviceOptions: { gpu: short } },
  });
  await expect(net.predict(windowOf(symbols, 4, 2))).rejects.toMatchObject({ kind: 'lost' });
  expect(opened).toBe(4);
  net.dispose();
});

it('closes the device that is being opened when it is disposed of', async () => {
  const gpu = await gpuOrSoftware();
  const opened: GPUDevice[] = [];
  let opening = (): void => {};
  const slow = {
    requestAdapter: async () => {
      const adapter = (await gpu.requestAdapter())!;
      return {
        ...{ info: adapter.info, limits: adapter.limits, features: adapter.features },
        requestDevice: async (descriptor: GPUDeviceDescriptor) => {
          opening();
          const made = await adapter.requestDevice(descriptor);
          opened.push(made);
          return made;
        },
      };
    },
  } as unknown as GPU;
  const spec = resolveSpec(symbols);
  const predictor = await webgpuPredictor(spec, weightsOf(symbols), { deviceOptions: { gpu: slow } });
  const net = new InferenceModel(spec, weightsOf(symbols), 'float32', predictor, () => tsEngine());
  opening = () => net.dispose();
  predictor.device.gpu.destroy();
  await expect(net.predict(windowOf(symbols, 4, 2))).rejects.toMatchObject({ kind: 'disposed' });
  expect(opened).toHaveLength(2);
  expect((await opened[1].lost).reason).toBe('destroyed');
});
