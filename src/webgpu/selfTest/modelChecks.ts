import { countingEngine, typedArrays } from '../../bptt/engine.ts';
import * as kernels from '../../bptt/kernels.ts';
import { SequenceModel } from '../../bptt/model.ts';
import { fullSpec, type ModelSpec, outputWidth } from '../../bptt/spec.ts';
import { addRowBackward } from '../../tensor/add.ts';
import { matmulNN, matmulTN } from '../../tensor/matmul.ts';
import { RandomState } from '../../tensor/random.ts';
import type { FloatArray } from '../../tensor/shape.ts';
import { DeviceBuffer, type FloatBuffer, type IntBuffer } from '../device/buffers.ts';
import type { Call, CallName } from '../calls.ts';
import { bitsOf, type KernelFailure, type Sizes, U } from './check.ts';
import { normal } from './checkNumbers.ts';
import type { Device } from '../device/device.ts';
import { roomFor, type WebgpuEngine, type WebgpuEngineOptions, webgpuEngine } from '../training/engine.ts';
import type { Part, WalkStage } from '../fuse.ts';

/** How the kernels of a walk are shown to be right: a small net, forward and back, against the same walk in float64. */
export interface WalkCheck {
  /** The net, and how its walk is put together. */
  readonly name: string;
  readonly spec: Omit<ModelSpec, 'inputSize' | 'hiddenSize' | 'outputSize'>;
  readonly way: Pick<WebgpuEngineOptions, 'fused' | 'persistent'>;
}

const WAYS = {
  'call by call': { fused: false },
  'a dispatch a step': { persistent: false },
  'all steps in a dispatch': {},
  'all steps in a dispatch, weights kept by many': { persistent: { rows: 1, units: 4, held: 16, parts: 1 } },
  'all steps in a dispatch, weights read': { persistent: { rows: 4, units: 8, held: 0, parts: 3 } },
} as const satisfies Record<string, WalkCheck['way']>;

const symbols = { loss: 'softmaxCrossEntropy', bias: 'both', initialState: 'learned' } as const;
/** Columns put together and taken apart: both directions, a loss at the last step. */
const both = { input: 'dense', bidirectional: true, lossAt: 'last' } as const;

/**
 * The nets, and whether their recurrences are fused. What a cell computes stands in one text for all ways, so that the
 * ways themselves are tried by one cell of each kind: one gate, another gradient for the state's product, two states.
 */
const NETS: readonly { name: string; spec: WalkCheck['spec']; fused: boolean }[] = [
  // The second layer reads vectors.
  { name: 'elman tanh', spec: { ...symbols, cell: 'elman', layers: 2 }, fused: true },
  { name: 'elman relu', spec: { ...symbols, cell: 'elman', nonlinearity: 'relu' }, fused: false },
  {
    name: 'elman sigmoid',
    spec: { ...both, cell: 'elman', nonlinearity: 'sigmoid', loss: 'squaredError', outputActivation: 'sigmoid' },
    fused: false,
  },
  {
    name: 'elman identity',
    spec: { ...both, cell: 'elman', nonlinearity: 'identity', loss: 'binaryCrossEntropyOfSoftmax' },
    fused: false,
  },
  { name: 'gru', spec: { ...symbols, cell: 'gru' }, fused: true },
  { name: 'gruResetBefore', spec: { ...symbols, cell: 'gruResetBefore', loss: 'sigmoidCrossEntropy' }, fused: false },
  { name: 'lstm', spec: { ...symbols, cell: 'lstm' }, fused: true },
  { name: 'lstm with peepholes', spec: { ...symbols, cell: 'lstmPeephole' }, fused: false },
];

/** Every cell, in every way in which its walk is put together. */
export const walkChecks: readonly WalkCheck[] = NETS.flatMap(({ name, spec, fused }) =>
  Object.entries(WAYS)
    .slice(0, fused ? undefined : 1)
    .map(([way, options]) => ({ name: `walk of ${name}, ${way}`, spec, way: options })),
);

/** Sizes of a case; batches that all ask for the same kernels, tiles of four sequences. */
export function walkSizes(random: RandomState): Sizes {
  return {
    ...{ T: random.randint(1, 6), B: random.randint(4, 8) },
    ...{ H: random.randint(1, 10), V: random.randint(2, 8) },
  };
}

/**
 * Walks twice over the same numbers: loss, outputs, states and gradients must come near those of float64, the bits must be
 * the same both times, and nothing else may change. What is wrong is told with the stage that does it.
 */
export async function runWalkCheck(
  device: Device,
  check: WalkCheck,
  sizes: Sizes,
  seed: number,
): Promise<KernelFailure | null> {
  const walk = new Walk(device, check, sizes, new RandomState(seed));
  try {
    const message = await walk.fault();
    return message === null ? null : { name: check.name, sizes, message };
  } finally {
    walk.dispose();
  }
}

/** What a check calls, and the stages that do it. */
export function walkParts(
  device: Device,
  check: WalkCheck,
  sizes: Sizes,
): { calls: readonly CallName[]; stages: readonly string[] } {
  const walk = new Walk(device, check, sizes, new RandomState(0));
  walk.dispose();
  return { calls: walk.calls.map(({ kernel }) => kernel), stages: walk.stages.map(({ name }) => name) };
}

/** A number or some that the walk is for. */
interface Result {
  readonly name: string;
  readonly view: FloatBuffer;
}

/** The calls of a small net forward and back, and the stages that do them on the device. */
class Walk {
  readonly calls: readonly Call[];
  readonly stages: readonly WalkStage[];
  private readonly engine: WebgpuEngine;
  private readonly model: SequenceModel<FloatBuffer, IntBuffer>;
  private readonly results: readonly Result[];
  /** All floats and all ids of the model, each in one piece. */
  private readonly floats: FloatBuffer;
  private readonly ids: IntBuffer;
  /** How far float32 may be from float64, for each unit of the largest number of its kind, if that is above 1. */
  private readonly relative: number;

  constructor(device: Device, { spec: given, way }: WalkCheck, { T, B, H, V }: Sizes, random: RandomState) {
    const spec = { ...given, inputSize: V, hiddenSize: H, outputSize: V };
    const options = { steps: T, batch: B };
    const counting = countingEngine();
    new SequenceModel(counting, spec, options);
    const room = roomFor(counting.lengths);
    this.engine = webgpuEngine(device, { ...way, room: { floats: room, ints: room } });
    const { engine } = this;
    this.model = new SequenceModel(engine, spec, options);
    const { stack, gradients, parameters } = this.model;
    const whole = <D extends 'float32' | 'int32'>({ storage, dtype }: DeviceBuffer<D>): DeviceBuffer<D> =>
      new DeviceBuffer(device, dtype, storage, 0, storage.bytes / 4);
    this.floats = whole(parameters.flat);
    this.ids = whole(stack.ids);

    engine.write(parameters.flat, random.uniform(-0.7, 0.7, parameters.flat.length));
    // Whatever stands there is added to.
    engine.write(gradients.flat, random.uniform(-1, 1, gradients.flat.length));
    this.model.eachState((_, layer, direction, which) => {
      engine.write(stack.given(layer, direction)[which], random.uniform(-1, 1, B * H));
      engine.write(stack.dfinal(layer, direction)[which], random.uniform(-1, 1, B * H));
    });
    this.load({ T, B, V }, random);
    const span = random.randint(2) === 0 ? random.randint(1, T + 1) : Number.POSITIVE_INFINITY;
    this.calls = engine.record(() => {
      this.model.forward();
      this.model.backward(false, span);
    });
    this.stages = engine.stages(this.calls);

    const results: Result[] = [
      { name: 'the top states', view: stack.output(T) },
      { name: 'the logits', view: this.model.logits() },
      { name: 'the outputs', view: this.model.outputs() },
      { name: 'the loss', view: this.model.loss },
      { name: 'the gradient of the logits', view: this.model.logitGradients() },
    ];
    for (const { name } of gradients.places) {
      results.push({ name: `the gradient of ${name}`, view: gradients.get(name)! });
    }
    this.model.eachState((name, layer, direction, which) => {
      results.push({ name: `the gradient of ${name}`, view: stack.dgiven(layer, direction)[which] });
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
    run(this.calls, want, ids);
    const got = await this.after(this.stages, before);
    const message = this.difference(got, want, before);
    if (message === null) {
      const again = await this.after(this.stages, before);
      const at = bitsOf(got).findIndex((bits, e) => bits !== bitsOf(again)[e]);
      return at < 0 ? null : `gives ${got[at]} and then ${again[at]} for the same numbers`;
    }
    // The device does one stage more each time, beginning with none, and here is done what is left.
    const names = ['the stages, in float64', ...this.stages.map(({ name }) => name)];
    for (const [done, name] of names.entries()) {
      const both = Float64Array.from(await this.after(this.stages.slice(0, done), before));
      for (const { parts } of this.stages.slice(done)) run(parts, both, ids);
      const own = this.difference(both, want, before);
      if (own !== null) return `${name}: ${own}`;
    }
    return message;
  }

  dispose(): void {
    this.engine.dispose();
  }

  /** A window of the case's sizes; half of the time sequences begin anew or end early. */
  private load({ T, B, V }: Sizes, random: RandomState): void {
    const { spec } = this.model;
    const R = spec.lossAt === 'every' ? T * B : B;
    const classes = spec.loss === 'softmaxCrossEntropy';
    const lengths = [T, ...random.randint(0, T + 1, B - 1)];
    this.model.load(
      {
        inputs: spec.input === 'ids' ? Int32Array.from(random.randint(0, V, T * B)) : normal(random, T * B * V),
        targets: classes
          ? Int32Array.from(random.randint(0, V, R))
          : Float32Array.from(random.rand(R * outputWidth(fullSpec(spec)))),
        ...(random.randint(2) === 0 ? { lengths } : {}),
      },
      Array.from(random.randint(0, 2, B)),
    );
  }

  /** The device's memory after these stages, from what it held before. */
  private after(stages: readonly WalkStage[], before: Float32Array): Promise<Float32Array> {
    this.floats.write(before);
    for (const stage of stages) stage.run();
    return this.floats.read();
  }

  /** Where what stands in memory is too far from what should; null where nothing is. */
  private difference(got: Float32Array | Float64Array, want: Float64Array, before: Float32Array): string | null {
    const isNear = (e: number, far: number): boolean => Math.abs(got[e] - want[e]) <= far;
    for (const { name, view } of this.results) {
      const { start, length } = view;
      const far = this.relative * want.subarray(start, start + length).reduce((a, v) => Math.max(a, Math.abs(v)), 1);
      for (let i = 0; i < length; i++) {
        const e = start + i;
        if (!isNear(e, far)) return `${name}[${i}] is ${got[e]}, expected ${want[e]} ± ${far.toExponential(2)}`;
      }
    }
    const touched = before.findIndex((value, e) => want[e] === value && !isNear(e, this.relative));
    return touched < 0 ? null : `writes ${got[touched]} where ${before[touched]} was to stay`;
  }
}

/** The functions of a walk and of its parts, on this machine's memory. */
const functions = {
  ...kernels,
  ...{ copy: typedArrays.copy, fill: typedArrays.fill, matmulNN, matmulTN, addRowBackward },
  /** Of the weights' gradients only that of the peepholes [3H]. */
  peepholeBackward(dp: FloatArray, da: FloatArray, cPrev: FloatArray, c: FloatArray, R: number, H: number): void {
    kernels.lstmWeightBackward(new Float64Array(4 * H * H), null, dp, da, cPrev, cPrev, c, R, H);
  },
} as unknown as Record<Part['kernel'], (...args: unknown[]) => void>;

/** Runs calls here: `memory` and `ids` are what the device's two buffers hold. */
function run(calls: readonly Part[], memory: Float64Array, ids: Int32Array): void {
  const here = (arg: unknown): unknown => {
    if (!(arg instanceof DeviceBuffer)) return arg;
    const { dtype, start, length } = arg as DeviceBuffer;
    return (dtype === 'int32' ? ids : memory).subarray(start, start + length);
  };
  for (const { kernel, args } of calls) functions[kernel](...(args as readonly unknown[]).map(here));
}
