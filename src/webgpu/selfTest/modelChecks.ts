import { sizingEngine, tsEngine } from '../../bptt/engine.ts';
import { SequenceModel } from '../../bptt/model.ts';
import { type ModelSpec, outputWidth, resolveSpec } from '../../bptt/spec.ts';
import { type Cell, formulaCell, tanhSlope } from '../../layers/cell.ts';
import { RandomState } from '../../tensor/random.ts';
import { DeviceBuffer, type FloatBuffer, type IntBuffer } from '../device/buffers.ts';
import type { Device } from '../device/device.ts';
import {
  type EngineCall,
  roomFor,
  type WebgpuEngine,
  type WebgpuEngineOptions,
  webgpuEngine,
} from '../training/engine.ts';
import { bitsOf, type KernelFailure, type Sizes, U } from './check.ts';
import { normal } from './checkNumbers.ts';

/** How the stages of a pass are shown to be right: a small model, forward and back, against the same passes in float64. */
export interface ModelCheck {
  /** The model, and how its passes are computed. */
  readonly name: string;
  readonly spec: Omit<ModelSpec, 'inputSize' | 'hiddenSize' | 'outputSize'>;
  readonly way: Pick<WebgpuEngineOptions, 'stages' | 'persistent'>;
}

const WAYS = {
  'kernel by kernel': { stages: 'default' },
  'a dispatch a step': { persistent: false },
  'all steps in a dispatch': {},
  'all steps in a dispatch, weights in registers': {
    persistent: { rows: 1, outputsPerThread: 4, weightsInRegisters: 16, kSplits: 1 },
  },
  'all steps in a dispatch, weights read': {
    persistent: { rows: 4, outputsPerThread: 8, weightsInRegisters: 0, kSplits: 3 },
  },
} as const satisfies Record<string, ModelCheck['way']>;

type Way = keyof typeof WAYS;
const ALL = Object.keys(WAYS) as Way[];

/** h_t = a ⊙ h_{t−1} + tanh(x), with a parameter a and no product with h. */
const leaky: Cell = formulaCell({
  name: 'leaky',
  gates: 1,
  states: ['h'],
  savedBlocks: 1,
  recurrentProduct: false,
  extra: { weight_leak: { blocks: 1 } },
  formula: {
    forward(m, { x: [x], previous: [prev], extra: [a] }) {
      const y = m.tanh(x);
      return { states: [m.add(m.mul(a, prev), y)], saved: [y] };
    },
    backward: (m, { dstates: [d], saved: [y], previous: [prev], extra: [a] }) => ({
      ...{ dx: [tanhSlope(m, d, y)], dprevious: [m.mul(d, a)], dextra: [m.mul(d, prev)] },
    }),
  },
});

const symbols = { loss: 'softmaxCrossEntropy', bias: 'both', initialState: 'learned' } as const;
/** Columns put together and taken apart: both directions, a loss at the last step. */
const both = { input: 'dense', bidirectional: true, lossAt: 'last' } as const;

/**
 * The models, and the ways in which each is tried. The statements of a cell are the same in all ways, so that the ways
 * themselves are tried by one cell of each kind: one gate, another gradient for the product, two states, extra parameters.
 */
const NETS: readonly { name: string; spec: ModelCheck['spec']; ways: readonly Way[] }[] = [
  // The second layer reads vectors.
  { name: 'elman tanh', spec: { ...symbols, cell: 'elman', layers: 2 }, ways: ALL },
  { name: 'elman relu', spec: { ...symbols, cell: 'elman', nonlinearity: 'relu' }, ways: ALL.slice(0, 1) },
  {
    name: 'elman sigmoid',
    spec: { ...both, cell: 'elman', nonlinearity: 'sigmoid', loss: 'squaredError', outputActivation: 'sigmoid' },
    ways: ALL.slice(0, 1),
  },
  {
    name: 'elman identity',
    spec: { ...both, cell: 'elman', nonlinearity: 'identity', loss: 'squaredError' },
    ways: ALL.slice(0, 1),
  },
  { name: 'gru', spec: { ...symbols, cell: 'gru' }, ways: ALL },
  {
    name: 'gruResetBefore',
    spec: { ...symbols, cell: 'gruResetBefore', loss: 'sigmoidCrossEntropy' },
    ways: ALL.slice(0, 1),
  },
  { name: 'lstm', spec: { ...symbols, cell: 'lstm' }, ways: ALL },
  { name: 'lstm with peepholes', spec: { ...symbols, cell: 'lstmPeephole' }, ways: ALL.slice(0, 2) },
  {
    name: 'layers around the recurrence',
    spec: {
      ...{ ...symbols, cell: 'gru', layers: 2, layerNorm: true, residual: true, embedding: { size: 6, tied: true } },
      ...{ inputDense: { size: 5, activation: 'tanh' }, outputDense: { size: 6, activation: 'sigmoid' } },
    },
    ways: [ALL[0], ALL[2]],
  },
  {
    name: 'the last outputs of normalised layers',
    spec: { ...both, cell: 'elman', layerNorm: true, inputDense: { size: 3 }, loss: 'squaredError' },
    ways: ALL.slice(0, 1),
  },
  { name: 'a cell without product', spec: { ...symbols, cell: leaky }, ways: [ALL[0], ALL[2]] },
];

/** Every cell, in every way in which its passes are computed. */
export const modelChecks: readonly ModelCheck[] = NETS.flatMap(({ name, spec, ways }) =>
  ways.map((way) => ({ name: `model of ${name}, ${way}`, spec, way: WAYS[way] })),
);

/** Sizes of a case; batches that all ask for the same kernels, tiles of four sequences. */
export function modelSizes(random: RandomState): Sizes {
  return {
    ...{ T: random.randint(1, 6), B: random.randint(4, 8) },
    ...{ H: random.randint(1, 10), V: random.randint(2, 8) },
  };
}

/**
 * Runs the passes twice over the same numbers: loss, outputs, states and gradients must come near those of float64, the
 * bits must be the same both times, and nothing else may change. A failure names the stage that causes it.
 */
export async function runModelCheck(
  device: Device,
  check: ModelCheck,
  sizes: Sizes,
  seed: number,
): Promise<KernelFailure | null> {
  const passes = new Passes(device, check, sizes, new RandomState(seed));
  try {
    const message = await passes.fault();
    return message === null ? null : { name: check.name, sizes, message };
  } finally {
    passes.dispose();
  }
}

/** What a check calls, in order. */
export function modelCalls(device: Device, check: ModelCheck, sizes: Sizes): readonly EngineCall[] {
  const passes = new Passes(device, check, sizes, new RandomState(0));
  passes.dispose();
  return passes.calls;
}

/** Numbers that the passes are for. */
interface Result {
  readonly name: string;
  readonly view: FloatBuffer;
}

/** The passes of a small model forward and back, as the calls of kernels and stages that compute them on the device. */
class Passes {
  readonly calls: readonly EngineCall[];
  private readonly engine: WebgpuEngine;
  private readonly model: SequenceModel<FloatBuffer, IntBuffer>;
  private readonly results: readonly Result[];
  /** All floats and all ids of the model, each in one piece. */
  private readonly floats: FloatBuffer;
  private readonly ids: IntBuffer;
  /** How far float32 may be from float64, for each unit of the largest number of its kind, if that is above 1. */
  private readonly relative: number;

  constructor(device: Device, { spec: given, way }: ModelCheck, { T, B, H, V }: Sizes, random: RandomState) {
    const spec = { ...given, inputSize: V, hiddenSize: H, outputSize: V };
    const options = { steps: T, batch: B };
    const sizing = sizingEngine();
    new SequenceModel(sizing, spec, options);
    const room = roomFor(sizing.lengths);
    this.engine = webgpuEngine(device, { ...way, room: { floats: room, ints: room } });
    const { engine } = this;
    this.model = new SequenceModel(engine, spec, options);
    const { stack, gradients, parameters } = this.model;
    const whole = <D extends 'float32' | 'int32'>({ storage, dtype }: DeviceBuffer<D>): DeviceBuffer<D> =>
      new DeviceBuffer(device, dtype, storage, 0, storage.bytes / 4);
    this.floats = whole(parameters.flat);
    this.ids = whole(stack.ids);

    engine.write(parameters.flat, random.uniform(-0.7, 0.7, parameters.flat.length));
    // Gradients are added to what is there.
    engine.write(gradients.flat, random.uniform(-1, 1, gradients.flat.length));
    this.model.eachState((_, layer, direction, index) => {
      engine.write(stack.initial(layer, direction)[index], random.uniform(-1, 1, B * H));
      engine.write(stack.dfinal(layer, direction)[index], random.uniform(-1, 1, B * H));
    });
    this.load({ T, B, V }, random);
    const backSteps = random.randint(2) === 0 ? random.randint(1, T + 1) : Number.POSITIVE_INFINITY;
    this.calls = engine.calls(() => {
      this.model.forwardBackward(backSteps);
      // The same outputs again, without targets.
      if (way.stages === 'default') this.model.predict();
    });

    const results: Result[] = [
      { name: 'the top states', view: stack.output(this.model.window) },
      { name: 'the logits', view: this.model.logits() },
      { name: 'the outputs', view: this.model.outputs() },
      { name: 'the loss', view: this.model.loss },
      { name: 'the gradient of the logits', view: this.model.logitGradients() },
    ];
    for (const { name } of gradients.layout) {
      results.push({ name: `the gradient of ${name}`, view: gradients.get(name)! });
    }
    this.model.eachState((name, layer, direction, index) => {
      results.push({ name: `the gradient of ${name}`, view: stack.dinitial(layer, direction)![index] });
    });
    this.results = results;
    // From any number to the loss and back there are at most 2·T·layers steps, each with a sum of products and a few
    // functions of some units each.
    this.relative = 2 * T * (spec.layers ?? 1) * (2 * H + 2 * V + 40) * U;
  }

  /** What is wrong, and the stage that does it; null where nothing is. */
  async fault(): Promise<string | null> {
    const before = await this.floats.read();
    const ids = await this.ids.read();
    const want = Float64Array.from(before);
    runOnHost(this.calls, want, ids);
    const got = await this.after(this.calls, before);
    const message = this.difference(got, want, before);
    if (message === null) {
      const again = await this.after(this.calls, before);
      const at = bitsOf(got).findIndex((bits, e) => bits !== bitsOf(again)[e]);
      return at < 0 ? null : `gives ${got[at]} and then ${again[at]} for the same numbers`;
    }
    // The device does one call more each time, beginning with none, and the host does the rest.
    const names = ['the stages, in float64', ...this.calls.map(({ name }) => name)];
    for (const [done, name] of names.entries()) {
      const mixed = Float64Array.from(await this.after(this.calls.slice(0, done), before));
      runOnHost(this.calls.slice(done), mixed, ids);
      const own = this.difference(mixed, want, before);
      if (own !== null) return `${name}: ${own}`;
    }
    return message;
  }

  dispose(): void {
    this.engine.dispose();
  }

  /** A window of the case's sizes; half of the time sequences end early. */
  private load({ T, B, V }: Sizes, random: RandomState): void {
    const { spec } = this.model;
    const R = spec.lossAt === 'every' ? T * B : B;
    const lengths = [T, ...random.randint(0, T + 1, B - 1)];
    this.model.load(
      {
        ...{ steps: T, batch: B },
        inputs: spec.input === 'ids' ? Int32Array.from(random.randint(0, V, T * B)) : normal(random, T * B * V),
        targets:
          spec.loss.targets === 'classes'
            ? Int32Array.from(random.randint(0, V, R))
            : Float32Array.from(random.rand(R * outputWidth(resolveSpec(spec)))),
        ...(random.randint(2) === 0 ? { lengths } : {}),
      },
      Array.from(random.randint(0, 2, B)),
    );
  }

  /** The device's memory after these calls, from what it held before. */
  private after(calls: readonly EngineCall[], before: Float32Array): Promise<Float32Array> {
    this.floats.write(before);
    for (const { run } of calls) run();
    return this.floats.read();
  }

  /** How much larger the layer normalisations of a pass make an error: by 1/sqrt(var + eps) of a row each. */
  private enlarged(want: Float64Array): number {
    const inverses = this.calls
      .filter(({ kernel }) => kernel === 'layerNorm')
      .map(({ args }) => args[2] as FloatBuffer);
    return inverses.reduce((factor, { start, length }) => {
      return factor * Math.max(1, ...want.subarray(start, start + length));
    }, 1);
  }

  /** Where the memory is too far from what it should be; null where nothing is. */
  private difference(got: Float32Array | Float64Array, want: Float64Array, before: Float32Array): string | null {
    const isNear = (e: number, far: number): boolean => Math.abs(got[e] - want[e]) <= far;
    const relative = this.relative * this.enlarged(want);
    for (const { name, view } of this.results) {
      const { start, length } = view;
      const far = relative * want.subarray(start, start + length).reduce((a, v) => Math.max(a, Math.abs(v)), 1);
      for (let i = 0; i < length; i++) {
        const e = start + i;
        if (!isNear(e, far)) return `${name}[${i}] is ${got[e]}, expected ${want[e]} ± ${far.toExponential(2)}`;
      }
    }
    const touched = before.findIndex((value, e) => want[e] === value && !isNear(e, relative));
    return touched < 0 ? null : `writes ${got[touched]} where ${before[touched]} was to stay`;
  }
}

const host = tsEngine('float64');

/** Runs calls by the default stages of float64: `memory` and `ids` are what the device's two buffers hold. */
function runOnHost(calls: readonly EngineCall[], memory: Float64Array, ids: Int32Array): void {
  /** An argument with its buffers as views of the host's memory; cells and losses stay what they are. */
  const mirrored = (value: unknown): unknown => {
    if (value instanceof DeviceBuffer) {
      const { dtype, start, length } = value as DeviceBuffer;
      return (dtype === 'int32' ? ids : memory).subarray(start, start + length);
    }
    if (typeof value === 'function') return (...args: unknown[]) => mirrored(value(...args));
    if (Array.isArray(value)) return value.map(mirrored);
    if (typeof value !== 'object' || value === null) return value;
    if (typeof (value as { forward?: unknown }).forward === 'function') return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, mirrored(member)]));
  };
  const functions = { ...host, ...host.kernels } as unknown as Record<string, (...args: unknown[]) => void>;
  for (const { kernel, args } of calls) functions[kernel](...args.map(mirrored));
}
