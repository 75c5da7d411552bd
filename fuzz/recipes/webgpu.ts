import { initialParameters, type ModelSpec } from 'bptt';
import { RandomState } from 'bptt/tensor';
import { type Device, type DeviceBuffer, openDevice, webgpuSampler } from 'bptt/webgpu';
import { gpuOrSoftware } from '../../scripts/softwareGpu.ts';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';
import { LAYER_SIGNATURES } from './layers.ts';
import { argumentsOf, SIGNATURES, sizesOf } from './tensor.ts';

/** One device for all calls: none of them is to do it harm. */
let opened: Promise<Device> | undefined;
const device = (): Promise<Device> => {
  opened ??= gpuOrSoftware().then((gpu) => openDevice({ gpu }));
  return opened;
};

type Values = Float32Array | Float64Array | Int32Array;

const onDevice =
  (own: Device) =>
  (values: Values): DeviceBuffer =>
    values instanceof Int32Array ? own.ints(values) : own.floats(values);

const isBuffer = (value: unknown): value is DeviceBuffer =>
  typeof value === 'object' && value !== null && 'storage' in value;

/** A kernel that has the arguments of the function of that name on arrays. */
const kernel = (signature: string): Recipe => ({
  async args(r) {
    const place = onDevice(await device());
    return argumentsOf(r, signature, sizesOf(r), (values) => place(values)).filter((arg) => typeof arg !== 'boolean');
  },
  weight: 0.2,
  loose: /\[\d\] = null/,
  // a backward is two products, or a gather: they check what they are given
  subject: /^(matmul\w+|gather\w+|multiply|startState\w+)\b/,
  free: (args) => {
    for (const arg of args) if (isBuffer(arg)) arg.destroy();
  },
});

const kernels: Recipes = Object.fromEntries(
  [...SIGNATURES, ...LAYER_SIGNATURES].map((line) => [line.split(' ')[0], kernel(line)]),
);

const onBuffer = (args: (r: Random) => unknown[]): Recipe => ({
  args: async (r) => [(await device()).floats([1, 2, 3, 4]), ...args(r)],
  fixed: [0],
  subject: /^(slice|write|read|floats)\b/,
  free: ([buffer]) => (buffer as DeviceBuffer).destroy(),
});

const maker = (): Recipe => ({
  args: async (r) => [await device(), r.pick<unknown>([3, [1, 2, 3]])],
  fixed: [0],
  subject: /^(floats|ints|uints)\b/,
  // a length, or the numbers
  loose: /^\[0\]/,
  free: (_, buffer) => isBuffer(buffer) && buffer.destroy(),
});

const INSIDE: Recipe = { leftOut: 'kernels and engines call it, on what they have checked' };
const TRAINED: Recipe = { leftOut: 'a trainer on that engine is called: see models.ts' };

const SPEC: ModelSpec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };
type WebgpuSampler = Awaited<ReturnType<typeof webgpuSampler>>;
/** One for all calls; put back to the beginning before each. */
let sampling: Promise<WebgpuSampler> | undefined;

const sampler: Recipe = {
  async args(r) {
    const parameters = initialParameters(SPEC, 'float32', 'orthogonal', new RandomState(1));
    sampling ??= device().then((own) => webgpuSampler(SPEC, parameters, { device: own }));
    const it = await sampling;
    it.reset();
    const options = { temperature: 0.8, topK: 2, topP: 0.9, greedy: r.chance(0.2) };
    return [
      it,
      ...r.pick<unknown[]>([
        ['read', r.whole(0, 3)],
        ['setState', { h_l0: Float32Array.of(0.5, 0, -0.5) }],
        ['sample', [1, 2], 4, new RandomState(1), options, 2],
      ]),
    ];
  },
  call: (it: WebgpuSampler, method: 'read', ...args: [number]) => it[method](...args),
  fixed: [0, 1],
  subject: /^(Sampler|sampleFrom|batch)\b/,
  weight: 0.5,
};

const inside = (name: string, methods: string): Recipes =>
  Object.fromEntries(['constructor', ...methods.split(' ')].map((method) => [`${name}.${method}`, INSIDE]));

export const webgpu: Recipes = {
  ...kernels,
  placeColumns: INSIDE,
  takeColumns: INSIDE,
  fill: {
    args: async (r) => [(await device()).floats(3), r.between(-1, 1)],
    weight: 0.2,
  },
  copy: {
    args: async () => [(await device()).floats(3), (await device()).floats(3)],
    weight: 0.2,
  },
  clipByValue: { args: async () => [(await device()).floats(3), 1], weight: 0.2, subject: /^clip\b/ },
  clipByNorm: { args: async () => [(await device()).floats(1), (await device()).floats(3), 1], weight: 0.2 },
  sumOfSquares: { args: async () => [(await device()).floats(1), (await device()).floats(3)], weight: 0.2 },
  ...inside('CommandList', 'mustWait waits submit destroy'),
  ...inside('Commands', 'add addTransfer mustWait waits bind slotBytes assertAlive submit'),
  ...inside('Memory', 'make destroy destroyAll'),
  ...inside('Pipelines', 'get compile layout'),
  ...inside('Storage', ''),
  ...inside(
    'Device',
    'makeStorage destroyStorage dispatch scratch transfer bindGroup repeatSlots record list submit done afterwards noteSent write read takeStaging inOrder mustWait rethrow slotsOf orLost fail dispose assertUsable assertAlive assertNoValidationError release',
  ),
  'Device.floats': maker(),
  'Device.ints': maker(),
  'Device.uints': maker(),
  'DeviceBuffer.constructor': INSIDE,
  'DeviceBuffer.slice': onBuffer(() => [1, 3]),
  'DeviceBuffer.write': onBuffer(() => [Float32Array.of(1, 2)]),
  'DeviceBuffer.read': onBuffer(() => []),
  'DeviceBuffer.destroy': onBuffer(() => []),
  matmul: INSIDE,
  planMatmul: INSIDE,
  messageOf: INSIDE,
  openDevice: TRAINED,
  webgpuEngine: TRAINED,
  webgpuPredictor: TRAINED,
  webgpuSampler: sampler,
  webgpuTrainer: TRAINED,
  selfTest: TRAINED,
};
