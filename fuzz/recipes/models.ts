import {
  CELL_NAMES,
  createModel,
  createSampler,
  createTrainer,
  type FitOptions,
  gradcheck,
  type InferenceModel,
  type InferenceSession,
  Inspector,
  initialParameters,
  type ModelSpec,
  type NamedTensors,
  ParameterBlock,
  parameterLayout,
  type RecurrentStack,
  resolveSpec,
  type Sampler,
  SequenceModel,
  Stepper,
  type Trainer,
  fit as train,
  tsEngine,
} from 'bptt';
import { gru } from 'bptt/layers';
import { adam, sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

type Engine = 'ts' | 'wasm' | 'webgpu';

/** Trainers and models that are tried are on these. */
const engines: Engine[] = ['ts', 'wasm'];
let gpu: GPU | undefined;

/** Tries trainers and models on a device as well. */
export function tryOn(device: GPU): void {
  gpu = device;
  engines.push('webgpu');
}

const on = (engine: Engine) => ({ engine, ...(engine === 'webgpu' && { webgpu: { deviceOptions: { gpu: gpu! } } }) });

/** Settings of a rule, kept for who reads them: the numbers of a step come from a function. */
const LOOSE = /\.optimizer\.(name|options|initialMemory)/;

const BEGINNINGS = /^(spec|batch|batches|cell|loss|optimizer|trainer|createTrainer|learningRateAt|RandomState)\b/;

/** A small net of any kind. */
function specOf(r: Random, fixed: Partial<ModelSpec> = {}): ModelSpec {
  const layers = r.whole(1, 2);
  return {
    cell: r.pick(CELL_NAMES),
    inputSize: 4,
    hiddenSize: r.whole(1, 4),
    outputSize: 4,
    loss: r.pick(['softmaxCrossEntropy', 'sigmoidCrossEntropy', 'squaredError']),
    input: r.pick(['ids', 'dense']),
    layers,
    bidirectional: r.chance(0.2),
    bias: r.pick(['both', 'input', 'none']),
    initialState: r.pick(['zero', 'learned']),
    dropout: layers > 1 && r.chance(0.3) ? 0.2 : 0,
    outputBias: r.chance(0.7),
    lossAt: r.pick(['every', 'every', 'last']),
    reduction: r.pick(['sum', 'mean', 0.5]),
    ...fixed,
  };
}

const TOLD: Partial<ModelSpec> = { loss: 'softmaxCrossEntropy', input: 'ids', bidirectional: false, lossAt: 'every' };

const T = 3;
const B = 2;

function batchOf(r: Random, spec: ModelSpec, B = 2): Record<string, unknown> {
  const floats = (length: number): Float32Array => Float32Array.from({ length }, () => r.between(-1, 1));
  const ids = (length: number): Int32Array => Int32Array.from({ length }, () => r.whole(0, 3));
  const rows = spec.lossAt === 'last' ? B : T * B;
  return {
    inputs: spec.input === 'dense' ? floats(T * B * 4) : ids(T * B),
    targets: spec.loss === 'softmaxCrossEntropy' ? ids(rows) : floats(rows * 4).map(Math.abs),
    ...(r.chance(0.3) ? { lengths: [T, r.whole(1, T)].slice(0, B) } : {}),
    ...(r.chance(0.3) ? { lossWeights: new Float32Array(rows).fill(1) } : {}),
    ...(r.chance(0.3) ? { carry: false } : {}),
  };
}

function optionsOf(r: Random, engine: Engine = r.pick(['ts', 'wasm'])): Record<string, unknown> {
  return {
    steps: T,
    batch: B,
    optimizer: r.pick([sgd({ lr: 0.1, momentum: 0.5 }), adam({ lr: 0.01 })]),
    engine,
    ...(r.chance(0.5) ? { clip: r.pick([{ norm: 1 }, { value: 1 }]) } : {}),
    ...(r.chance(0.3) ? { l2: 0.01, seed: 3, dtype: 'float32', init: 'torch' } : {}),
    ...(r.chance(0.3) ? { backSteps: 2, stride: 2, accumulate: 2 } : {}),
    ...(r.chance(0.1) && engine === 'wasm' ? { fma: false, threads: 1 } : {}),
  };
}

/** Trainers are made once for each kind of net and engine, and put back where they began before each call. */
const made = new Map<string, { trainer: Trainer; begun: Awaited<ReturnType<Trainer['state']>> }>();

async function trainerOf(r: Random, engine: Engine = r.pick(engines)): Promise<{ trainer: Trainer; spec: ModelSpec }> {
  const kind = r.whole(0, 7);
  // The same net for the same number.
  const spec = specOf(new Random(kind));
  const key = `${engine} ${kind}`;
  let known = made.get(key);
  if (!known) {
    const trainer = await createTrainer(spec, {
      ...{ steps: T, batch: B, optimizer: adam({ lr: 0.01 }), seed: kind, ...on(engine) },
    });
    known = { trainer, begun: await trainer.state() };
    made.set(key, known);
  }
  const { trainer, begun } = known;
  await trainer.setState(begun);
  return { trainer, spec };
}

const onTrainer = (args: (r: Random, spec: ModelSpec, trainer: Trainer) => unknown, engine?: Engine): Recipe => ({
  async args(r) {
    const { trainer, spec } = await trainerOf(r, engine);
    return [trainer, ...((await args(r, spec, trainer)) as unknown[])];
  },
  fixed: [0],
  state: ([trainer]) => (trainer as Trainer).state(),
  subject: BEGINNINGS,
});

function parametersOf(spec: ModelSpec, dtype: 'float32' | 'float64' = 'float32'): NamedTensors {
  return initialParameters(spec, dtype, 'orthogonal', new RandomState(1));
}

async function modelOf(r: Random, fixed: Partial<ModelSpec> = {}): Promise<{ model: InferenceModel; spec: ModelSpec }> {
  const spec = specOf(r, { dropout: 0, ...fixed });
  // Each is made anew, which takes a device its time.
  const engine = r.chance(0.05) ? r.pick(engines) : r.pick(['ts', 'wasm'] as const);
  const weights = engine === 'webgpu' ? 'float32' : r.pick(['float32', 'bf16'] as const);
  return { model: await createModel(spec, parametersOf(spec), { ...on(engine), weights }), spec };
}

const onModel = (
  args: (r: Random, spec: ModelSpec, model: InferenceModel) => unknown[],
  fixed: Partial<ModelSpec> = {},
  also: Partial<Recipe> = {},
): Recipe => ({
  async args(r) {
    const { model, spec } = await modelOf(r, fixed);
    return [model, ...args(r, spec, model)];
  },
  fixed: [0],
  subject: /^(model\.|batch\b|session\b|createModel)/,
  free: ([model]) => (model as InferenceModel).dispose(),
  ...also,
});

const ONE_WAY: Partial<ModelSpec> = { bidirectional: false };

const inputOf = (r: Random, spec: ModelSpec): unknown =>
  spec.input === 'dense' ? new Float32Array(4).fill(0.5) : r.whole(0, 3);

const onSession = (args: (r: Random, spec: ModelSpec, session: InferenceSession) => unknown[]): Recipe => ({
  async args(r) {
    const { model, spec } = await modelOf(r, ONE_WAY);
    const session = model.session();
    session.read(inputOf(r, spec) as number);
    return [session, ...args(r, spec, session)];
  },
  fixed: [0],
  state: ([session]) => (session as InferenceSession).state(),
  subject: /^(session|model\.|InferenceSession)/,
  // a list of one id is one, too
  loose: /^\[0\] = (Float64Array\(1\)|\[1\])/,
});

const onSampler = (args: (r: Random) => unknown[]): Recipe => ({
  async args(r) {
    const spec = specOf(r, { ...TOLD, dropout: 0 });
    const sampler = await createSampler(spec, parametersOf(spec), { engine: r.pick(['ts', 'wasm']) });
    return [sampler, ...args(r)];
  },
  fixed: [0],
  subject: /^(Sampler|Stepper|sampleFrom|batch)\b/,
  free: ([sampler]) => (sampler as Sampler).dispose(),
  endless: /^\[1\] = (\d{4}|1\.7)/,
});

function stepperOf(r: Random): Stepper {
  const spec = specOf(r, { ...TOLD, dropout: 0 });
  return new Stepper(tsEngine('float32'), spec, parametersOf(spec));
}

const onStepper = (args: (r: Random, stepper: Stepper) => unknown[]): Recipe => ({
  args(r) {
    const stepper = stepperOf(r);
    stepper.read(Int32Array.of(1));
    return [stepper, ...args(r, stepper)];
  },
  fixed: [0],
  state: ([stepper]) => (stepper as Stepper).getState(),
  subject: /^(Stepper|batch)\b/,
});

/** A model of windows, with a batch loaded. */
const onWindows = (
  args: (r: Random, spec: ModelSpec, model: SequenceModel<Float32Array, Int32Array>) => unknown[],
): Recipe => ({
  args(r) {
    const spec = specOf(r, { dropout: 0 });
    const model = new SequenceModel(tsEngine('float32'), spec, { steps: T, batch: B });
    for (const [name, values] of Object.entries(parametersOf(spec))) model.parameters.get(name)!.set(values);
    model.load(batchOf(r, spec) as never);
    model.forwardBackward();
    return [model, ...args(r, spec, model as never)];
  },
  fixed: [0],
  subject: /^(SequenceModel|model\b|batch\b|backward|forward)/,
  // belongs to trainers, which hand it on
  loose: /\.carry/,
});

const INSIDE: Recipe = { leftOut: 'the library calls it, on what it has checked' };

/** What only the library itself calls, on buffers that it has made. */
const inside = (args: () => unknown[], more: Partial<Recipe> = {}): Recipe => ({
  args,
  fixed: [0, 1, 2, 3, 4, 5, 6, 7],
  ...more,
});

const SPEC: ModelSpec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };

function stackOf(): RecurrentStack<unknown, unknown> {
  const model = new SequenceModel(tsEngine('float32'), SPEC, { steps: T, batch: B });
  model.load({ inputs: new Int32Array(T * B), targets: new Int32Array(T * B) });
  model.forwardBackward();
  return model.stack as unknown as RecurrentStack<unknown, unknown>;
}

const WINDOW = { steps: T, masked: false, dropping: false };
const onStack = (args: unknown[], call?: Recipe['call']): Recipe => inside(() => [stackOf(), ...args], { call });

const onInspector = (args: (spec: ModelSpec, r: Random) => unknown[]): Recipe => ({
  loose: /\.carry/,
  args(r) {
    const spec = specOf(r, { dropout: 0 });
    return [new Inspector(spec, parametersOf(spec), T), ...args(spec, r)];
  },
  fixed: [0],
  subject: /^(Inspector|batch)\b/,
});

const squares = {
  loss: ({ x }: { x: Float64Array }) => x.reduce((sum, v) => sum + v * v, 0),
  gradients: ({ x }: { x: Float64Array }) => ({ x: x.map((v) => 2 * v) }),
};
const checking: Recipe = {
  args: () => [{ ...squares }, { x: Float64Array.of(0.5, -1) }, { samples: 4, seed: 1, tolerance: 1e-6, mode: 'full' }],
  subject: /^gradcheck\b/,
};

const FIT = { epochs: 1, shuffle: true, seed: 1 };

export const models: Recipes = {
  createTrainer: {
    args(r) {
      const spec = specOf(r);
      const options = optionsOf(r);
      if (spec.bidirectional) delete options.stride;
      return [spec, options];
    },
    subject: BEGINNINGS,
    free: (_, trainer) => (trainer as Trainer | undefined)?.dispose(),
    loose: LOOSE,
  },
  createModel: {
    args(r) {
      const spec = specOf(r);
      const weights = r.pick(['float32', 'bf16']);
      return [spec, parametersOf(spec), { engine: r.pick(['auto', 'ts', 'wasm']), dtype: 'float32', weights }];
    },
    subject: BEGINNINGS,
    free: (_, model) => (model as InferenceModel | undefined)?.dispose(),
  },
  createSampler: {
    args(r) {
      const spec = specOf(r, { ...TOLD, dropout: 0 });
      const weights = r.pick(['float32', 'bf16']);
      return [spec, parametersOf(spec), { engine: r.pick(['auto', 'ts', 'wasm']), weights }];
    },
    subject: /^(spec|cell|loss|Sampler|Stepper|createSampler)\b/,
    free: (_, sampler) => (sampler as Sampler | undefined)?.dispose(),
    // a sampler holds what it has not yet computed
    unbounded: true,
  },
  initialParameters: {
    args: (r) => [specOf(r), 'float32', r.pick(['orthogonal', 'torch', 'minCharRnn']), new RandomState(2)],
    subject: BEGINNINGS,
    state: (args) => (args[3] as RandomState).getState(),
  },
  'Trainer.constructor': INSIDE,
  'CpuTrainer.constructor': INSIDE,
  ...both(
    'train',
    onTrainer((r, spec) => [r.pick([[batchOf(r, spec)], [batchOf(r, spec), batchOf(r, spec)]])]),
  ),
  ...both(
    'evaluate',
    onTrainer((r, spec) => [r.pick([[batchOf(r, spec)], [batchOf(r, spec), batchOf(r, spec)]])]),
  ),
  ...both(
    'predict',
    onTrainer((r, spec) => {
      const { inputs, lengths } = batchOf(r, spec);
      return [lengths === undefined ? { inputs } : { inputs, lengths }];
    }),
  ),
  ...both(
    'parameters',
    onTrainer(() => []),
  ),
  ...both(
    'setParameters',
    onTrainer(async (_r, _spec, trainer) => [{ ...(await trainer.parameters()) }]),
  ),
  ...both(
    'state',
    onTrainer(() => []),
  ),
  ...both(
    'setState',
    onTrainer(async (_r, _spec, trainer) => [{ ...(await trainer.state()) }]),
  ),
  ...both('dispose', INSIDE),
  'CpuTrainer.update': onTrainer((r, spec) => [batchOf(r, spec)], 'ts'),
  'CpuTrainer.lossAndGradients': onTrainer((r, spec) => [batchOf(r, spec)], 'ts'),
  'CpuTrainer.lossOf': onTrainer((r, spec) => [batchOf(r, spec)], 'ts'),
  'InferenceModel.constructor': INSIDE,
  'InferenceModel.predict': onModel((r, spec) => {
    const { inputs } = batchOf(r, spec);
    return [{ inputs, batch: B }];
  }),
  'InferenceModel.session': onModel(() => [], ONE_WAY),
  'InferenceModel.readAll': onModel(
    (r, spec, model) => [
      [model.session(), model.session()],
      [inputOf(r, spec), inputOf(r, spec)],
    ],
    ONE_WAY,
    // a list of ids
    { loose: /\[1\]\[\d\] = (Float64Array\(1\)|\[1\])/ },
  ),
  'InferenceModel.dispose': onModel(() => []),
  'InferenceSession.constructor': INSIDE,
  'InferenceSession.read': onSession((r, spec) => [inputOf(r, spec)]),
  'InferenceSession.state': onSession(() => []),
  'InferenceSession.setState': onSession((_r, _spec, session) => [session.state()]),
  'InferenceSession.reset': onSession(() => []),
  'InferenceSession.fork': onSession(() => []),
  'Sampler.constructor': {
    args(r) {
      const spec = specOf(r, { ...TOLD, dropout: 0 });
      return [spec, parametersOf(spec)];
    },
    subject: /^(spec|cell|loss|Stepper)\b/,
  },
  'Sampler.reset': onSampler(() => []),
  'Sampler.setState': INSIDE,
  'Sampler.read': onSampler((r) => [r.whole(0, 3)]),
  'Sampler.sample': onSampler((r) => [
    [1, 2],
    4,
    new RandomState(1),
    { temperature: 0.8, topK: 2, topP: 0.9, greedy: r.chance(0.2) },
    2,
  ]),
  'Sampler.dispose': onSampler(() => []),
  'Stepper.constructor': {
    args(r) {
      const spec = specOf(r, { ...TOLD, dropout: 0 });
      return [tsEngine('float32'), spec, parametersOf(spec)];
    },
    fixed: [0],
    subject: /^(spec|cell|loss)\b/,
  },
  'Stepper.reset': onStepper(() => []),
  'Stepper.setState': onStepper((_r, stepper) => [stepper.getState()]),
  'Stepper.getState': onStepper(() => []),
  'Stepper.copyState': onStepper((_r, stepper) => [stepper.getState()]),
  'Stepper.orUndone': onStepper(() => [() => 1]),
  'Stepper.read': onStepper((r) => [Int32Array.of(r.whole(0, 3))]),
  'SequenceModel.constructor': {
    args: (r) => [tsEngine('float32'), specOf(r), { steps: T, batch: B }],
    fixed: [0],
    subject: BEGINNINGS,
  },
  'SequenceModel.load': onWindows((r, spec) => [batchOf(r, spec), false]),
  'SequenceModel.loadInputs': onWindows((r, spec) => [{ inputs: batchOf(r, spec).inputs }, false]),
  ...Object.fromEntries(
    ['predict', 'predictLogits', 'forward', 'outputs', 'logits', 'losses', 'logitGradients'].map((name) => [
      `SequenceModel.${name}`,
      onWindows(() => []),
    ]),
  ),
  'SequenceModel.sumLosses': onWindows(() => []),
  'SequenceModel.backward': onWindows(() => [2]),
  'SequenceModel.forwardBackward': onWindows(() => [2]),
  'SequenceModel.eachState': onWindows(() => [() => undefined]),
  'SequenceModel.loadChecked': INSIDE,
  'ParameterBlock.constructor': INSIDE,
  'ParameterBlock.get': {
    args: () => [new ParameterBlock(tsEngine('float32'), parameterLayout(resolveSpec(SPEC))), 'weight_ih_l0'],
    fixed: [0],
    takesAll: true,
  },
  'RecurrentStack.constructor': INSIDE,
  'RecurrentStack.output': onStack([WINDOW]),
  'RecurrentStack.doutput': onStack([WINDOW]),
  'RecurrentStack.recurrence': onStack([WINDOW, 0]),
  'RecurrentStack.stateAfter': onStack([1, 0]),
  'RecurrentStack.initial': onStack([0]),
  'RecurrentStack.dinitial': onStack([0]),
  'RecurrentStack.dfinal': onStack([0]),
  'RecurrentStack.forward': onStack([WINDOW]),
  'RecurrentStack.backward': onStack([WINDOW, 2]),
  'RecurrentStack.weightGradients': INSIDE,
  'Inspector.constructor': {
    args(r) {
      const spec = specOf(r);
      return [spec, parametersOf(spec), T];
    },
    subject: /^(spec|cell|loss|SequenceModel)\b/,
  },
  'Inspector.setParameters': onInspector((spec) => [parametersOf(spec)]),
  'Inspector.inspect': onInspector((spec, r) => [
    { ...batchOf(r, spec, 1) },
    spec.lossAt === 'last' ? {} : { step: 0 },
  ]),
  'Inspector.dispose': onInspector(() => []),
  addWeightGradients: INSIDE,
  linearGradients: INSIDE,
  allocationPlan: {
    args: (r) => [specOf(r), { steps: T, batch: B, optimizer: adam() }],
    subject: BEGINNINGS,
    loose: LOOSE,
  },
  inspectorAllocationPlan: { args: (r) => [specOf(r), T], subject: /^(spec|cell|loss|SequenceModel|Inspector)\b/ },
  stepperAllocationPlan: {
    args: (r) => [specOf(r, { dropout: 0 }), r.pick(['float32', 'bf16'])],
    subject: /^(spec|cell|loss|sizingEngine: weights)\b/,
    loose: /lossAt/,
  },
  defaultStages: { args: () => [tsEngine('float32').kernels], fixed: [0], takesAll: true },
  sizingEngine: { args: () => [] },
  tsEngine: { args: (r) => [r.pick(['float32', 'float64'])] },
  parameterCount: { args: (r) => [resolveSpec(specOf(r))], subject: /^spec\b/, fixed: [0] },
  parameterLayout: { args: (r) => [resolveSpec(specOf(r))], subject: /^spec\b/, fixed: [0] },
  resolveSpec: { args: (r) => [specOf(r)], subject: BEGINNINGS },
  specToJson: { args: (r) => [specOf(r)], subject: BEGINNINGS },
  specFromJson: {
    args: (r) => [{ ...specOf(r) }, { cells: { mine: { ...gru, name: 'mine' } }, losses: {} }],
    subject: BEGINNINGS,
  },
  summary: {
    args: (r) => [specOf(r), { steps: T, batch: B, optimizer: adam() }],
    subject: /^(spec|cell|loss|SequenceModel)\b/,
    loose: LOOSE,
  },
  fit: {
    async args(r) {
      const { trainer, spec } = await trainerOf(r);
      const batch = batchOf(r, spec);
      delete batch.carry;
      return [trainer, { batches: [batch] }, { ...FIT }];
    },
    // as many epochs as are asked for are done: a milliard of them is no hang
    call: (trainer: Trainer, data: never, options: FitOptions) =>
      train(
        trainer,
        data,
        typeof options?.epochs === 'number' && options.epochs > 50 && Number.isInteger(options.epochs)
          ? { ...options, epochs: 50 }
          : options,
      ),
    fixed: [0],
    subject: BEGINNINGS,
    weight: 0.5,
  },
  forecast: {
    async args(r) {
      const { model } = await modelOf(r, { ...ONE_WAY, input: 'dense', loss: 'squaredError', lossAt: 'every' });
      const session = model.session();
      session.read(new Float32Array(4));
      return [session, r.whole(1, 4), {}];
    },
    fixed: [0],
    subject: /^(session|model)\b/,
  },
  beamSearch: {
    args: (r) => [stepperOf(r), [1, 2], { width: 3, length: 4, stop: 0, lengthPenalty: 0.5 }],
    fixed: [0],
    endless: /(width|length) = \d{4}|\{length\}/,
  },
  sampleFrom: {
    args: (r) => [
      Float64Array.from({ length: 5 }, () => r.between(-2, 2)),
      new RandomState(1),
      { temperature: 0.7, topK: 3, topP: 0.9, greedy: false },
    ],
    state: (args) => (args[1] as RandomState).getState(),
  },
  gradcheck: checking,
  assertGradcheck: checking,
  formatGradcheck: {
    // only what it prints is looked at
    loose: /^\[0\]\./,
    subject: /./,
    args: () => [gradcheck(squares as never, { x: Float64Array.of(0.5, -1) }, {})],
  },
  saveTrainer: {
    async args(r) {
      return [(await trainerOf(r)).trainer, { metadata: { text: 'x', n: [1, 2, { a: null }] } }];
    },
    fixed: [0],
    unbounded: true,
    loose: /metadata/,
  },
  saveModel: {
    args(r) {
      const spec = specOf(r);
      return [{ spec, parameters: parametersOf(spec) }, { metadata: { text: 'x' } }];
    },
    subject: BEGINNINGS,
    unbounded: true,
    loose: /metadata/,
  },
};

function both(name: string, recipe: Recipe): Recipes {
  return { [`Trainer.${name}`]: recipe, [`CpuTrainer.${name}`]: recipe };
}
