import {
  type Batch,
  CELL_NAMES,
  CpuTrainer,
  type ModelSpec,
  NONLINEARITIES,
  type Params,
  SequenceModel,
  tsEngine,
} from 'bptt';
import { sigmoidCrossEntropy } from 'bptt/layers';
import { sgd } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';
import { type Check, defineCase, type GradcheckCase, repeatingIds } from './gradcheckCase.ts';

type Model = SequenceModel<Float64Array, Int32Array>;
type Sizes = Record<'T' | 'B' | 'D' | 'H' | 'V', number>;

/** What a case of a whole sequence adds to the plain one: dense inputs, squared error at every step, sum. */
interface Variant {
  spec?: Partial<ModelSpec> | ((sizes: Sizes) => Partial<ModelSpec>);
  /** Sequences of different lengths: `end` pads at the end, `anywhere` has gaps, and one sequence without a step. */
  padding?: 'end' | 'anywhere';
  /** Random loss weights. */
  weighted?: boolean;
  /** Which sequences go on from a given state, whose gradient is then checked too. */
  carry?: 'all' | 'some';
}

/** A model with everything that its loss depends on beside its parameters. */
interface Setup {
  model: Model;
  batch: Batch;
  carry: boolean | Float64Array;
  /** Parameters, dense inputs `x` and given states under one roof. */
  params: Params;
}

function specOf(sizes: Sizes, given: Variant['spec'] = {}): ModelSpec {
  const spec = typeof given === 'function' ? given(sizes) : given;
  return {
    cell: 'elman',
    input: 'dense',
    loss: 'squaredError',
    ...spec,
    inputSize: spec.inputSize ?? sizes.D,
    hiddenSize: sizes.H,
    outputSize: spec.outputSize ?? sizes.V,
  };
}

function makeModel(spec: ModelSpec, steps: number, batch: number): Model {
  return new SequenceModel(tsEngine('float64'), spec, { steps, batch, inputGradient: true }) as unknown as Model;
}

/** The targets of a loss: classes, numbers between 0 and 1, or any numbers. */
function drawTargets(model: Model, rows: number, random: RandomState): Int32Array | Float64Array {
  const { spec } = model;
  const V = spec.outputSize || (spec.outputDense?.size ?? spec.hiddenSize * (spec.bidirectional ? 2 : 1));
  if (spec.loss.targets === 'classes') return repeatingIds(random, rows, V);
  return spec.loss === sigmoidCrossEntropy ? random.uniform(0, 1, rows * V) : random.randn(rows * V);
}

/** [T,B], every sequence but the first with gaps, the last without any step where there are more than two. */
function drawMask(random: RandomState, T: number, B: number): Float64Array {
  return Float64Array.from({ length: T * B }, (_, at) => {
    const b = at % B;
    if (b === 0) return 1;
    return b === B - 1 && B > 2 ? 0 : random.randint(2);
  });
}

function setUp(sizes: Sizes, random: RandomState, { spec, padding, weighted, carry }: Variant): Setup {
  const { T, B } = sizes;
  const model = makeModel(specOf(sizes, spec), T, B);
  const { inputSize: D } = model.spec;
  const rows = model.spec.lossAt === 'every' ? T * B : B;
  const dense = model.spec.input === 'dense';
  const batch: Batch = {
    inputs: dense ? random.randn(T * B * D) : repeatingIds(random, T * B, D),
    targets: drawTargets(model, rows, random),
  };
  if (padding === 'end') batch.lengths = Array.from({ length: B }, (_, b) => Math.max(T - b, 0));
  if (padding === 'anywhere') batch.mask = drawMask(random, T, B);
  if (weighted) batch.lossWeights = random.uniform(0.5, 1.5, rows);
  const params: Params = {};
  for (const { name, length } of model.parameters.layout) params[name] = random.randn(length).map((v) => 0.7 * v);
  if (dense) Object.assign(params, { x: batch.inputs });
  if (carry) model.eachState((name) => Object.assign(params, { [name]: random.randn(B * sizes.H) }));
  // Every other sequence goes on; with one sequence alone, that one does.
  const some = Float64Array.from({ length: B }, (_, b) => (b % 2 === 0 ? 1 : 0));
  return { model, batch, carry: carry === 'some' ? some : carry === 'all', params };
}

/** Copies parameters, inputs and given states into the model. */
function load({ model, batch, carry }: Setup, params: Params, rng?: RandomState): void {
  for (const { name } of model.parameters.layout) model.parameters.get(name)!.set(params[name]);
  const { x: inputs = batch.inputs } = params;
  model.load({ ...batch, inputs }, carry, rng);
  model.eachState((name, layer, d, which) => {
    const initial = model.stack.initial(layer, d)[which];
    initial.set(params[name] ?? new Float64Array(initial.length));
  });
}

/**
 * The gradients of all that {@link load} takes. The pass runs twice, for a workspace is used again and again, and every
 * gradient that it overwrites comes with garbage.
 */
function backward({ model, params }: Setup, run: () => void): Params {
  run();
  model.gradients.flat.fill(0);
  model.stack.dx.fill(Number.NaN);
  model.eachState((_, layer, d, which) => {
    model.stack.dinitial(layer, d)![which].fill(Number.NaN);
  });
  run();
  const gradients: Params = {};
  for (const { name } of model.parameters.layout) gradients[name] = model.gradients.get(name)!.slice();
  if ('x' in params) Object.assign(gradients, { x: model.stack.dx.slice() });
  model.eachState((name, layer, d, which) => {
    if (name in params) gradients[name] = model.stack.dinitial(layer, d)![which].slice();
  });
  return gradients;
}

/** Every parameter, input and given state of a model through its whole walk over time. */
function sequence(name: string, variant: Variant = {}): GradcheckCase {
  return defineCase(`sequence: ${name}`, { T: 1, B: 1, D: 1, H: 1, V: 2 }, (sizes, random): Check => {
    const setup = setUp(sizes, random, variant);
    const { model, params } = setup;
    const seed = random.randint(1000);
    // The same dropout masks at every call.
    const forward = (p: Params) => {
      load(setup, p, new RandomState(seed));
      model.forward();
    };
    return {
      params,
      fn: {
        loss(p) {
          forward(p);
          return model.loss[0];
        },
        gradients(p) {
          return backward(setup, () => {
            forward(p);
            model.backward();
          });
        },
      },
    };
  });
}

/**
 * A gradient cut every `backSteps` steps is the true gradient of another loss: that of windows of `backSteps` steps, each of
 * which starts from the state it had, as if that were a constant.
 */
function truncated(cell: (typeof CELL_NAMES)[number]): GradcheckCase {
  const name = `sequence: ${cell}, truncated inside the window`;
  return defineCase(name, { T: 2, B: 1, D: 1, H: 1, V: 2, backSteps: 1 }, (sizes, random): Check => {
    const { T, B, D, V } = sizes;
    const backSteps = Math.min(sizes.backSteps, T - 1);
    const setup = setUp(sizes, random, { spec: { cell }, carry: 'all' });
    const { model, params, batch } = setup;
    load(setup, params);
    model.forward();
    const starts = Array.from({ length: T + 1 }, (_, t) => {
      return model.stack.stateAfter(t, 0).map((values) => values.slice());
    });
    const names: string[] = [];
    model.eachState((name) => names.push(name));
    const window = makeModel(model.spec, backSteps, B);
    return {
      params,
      fn: {
        loss(p) {
          const { x } = p;
          let sum = 0;
          for (let t = 0; t < T; t += backSteps) {
            const part = (values: ArrayLike<number>, n: number) =>
              Float64Array.from(values).subarray(t * B * n, Math.min(t + backSteps, T) * B * n);
            window.parameters.flat.set(model.parameters.layout.flatMap(({ name }) => Array.from(p[name])));
            window.load({ inputs: part(x, D), targets: part(batch.targets, V), batch: B }, true);
            for (const [i, initial] of window.stack.initial(0).entries()) {
              initial.set(t === 0 ? p[names[i]] : starts[t][i]);
            }
            window.forward();
            sum += window.loss[0];
          }
          return sum;
        },
        gradients(p) {
          return backward(setup, () => {
            load(setup, p);
            model.forward();
            model.backward(backSteps);
          });
        },
      },
    };
  });
}

/** The gradient that a trainer hands to its optimizer before clipping, L2 included. */
const trainer = defineCase('trainer, L2', { T: 1, B: 1, D: 1, H: 1, V: 2 }, (sizes, random): Check => {
  const { T, B } = sizes;
  const spec = specOf(sizes, { input: 'ids', loss: 'softmaxCrossEntropy' });
  const trainer = new CpuTrainer(tsEngine('float64'), spec, {
    steps: T,
    batch: B,
    optimizer: sgd({ lr: 1 }),
    l2: 0.05,
  });
  const model = trainer.model as unknown as Model;
  const batch = {
    inputs: repeatingIds(random, T * B, sizes.D),
    targets: drawTargets(model, T * B, random),
  };
  const params: Params = {};
  for (const { name, length } of model.parameters.layout) params[name] = random.randn(length);
  const loss = (p: Params) => {
    for (const { name } of model.parameters.layout) model.parameters.get(name)!.set(p[name]);
    return trainer.lossAndGradients(batch);
  };
  return {
    params,
    fn: {
      loss,
      gradients(p) {
        loss(p);
        return Object.fromEntries(
          model.parameters.layout.map(({ name }) => [name, model.gradients.get(name)!.slice()]),
        );
      },
    },
  };
});

const cells = CELL_NAMES;

const symbols = { input: 'ids', loss: 'softmaxCrossEntropy' } as const;

/** The layers around the recurrence, one by one and together. */
const around: GradcheckCase[] = [
  sequence('embedding', { spec: { ...symbols, embedding: { size: 2 } } }),
  sequence('embedding, two layers, dropout of its vectors and between', {
    spec: { ...symbols, cell: 'gru', layers: 2, embedding: { size: 3 }, dropout: { input: 0.3, between: 0.4 } },
    padding: 'end',
  }),
  sequence('tied embedding', {
    spec: ({ D, H }) => ({ ...symbols, cell: 'lstm', outputSize: D, embedding: { size: H, tied: true } }),
  }),
  sequence('tied embedding, dense layers, mean, padding', {
    spec: ({ D }) => ({
      ...{ ...symbols, outputSize: D, embedding: { size: 2, tied: true }, reduction: 'mean' },
      ...{ inputDense: { size: 3, activation: 'tanh' }, outputDense: { size: 2, activation: 'sigmoid' } },
    }),
    padding: 'anywhere',
  }),
  ...NONLINEARITIES.map((activation) =>
    sequence(`dense layers, ${activation}`, {
      spec: { cell: 'gru', inputDense: { size: 2, activation }, outputDense: { size: 3, activation } },
      padding: 'end',
    }),
  ),
  sequence('dense layer of ids', { spec: { ...symbols, inputDense: { size: 2, activation: 'tanh' } } }),
  sequence('dense layer, no output layer, dropout of inputs and outputs', {
    spec: { outputSize: 0, outputDense: { size: 2, activation: 'tanh' }, dropout: { input: 0.3, output: 0.4 } },
  }),
  ...cells.map((cell) =>
    sequence(`${cell}, normalised outputs, residual, both directions, gaps`, {
      spec: { cell, layers: 3, bidirectional: true, layerNorm: true, residual: true, dropout: 0.3 },
      padding: 'anywhere',
      carry: 'some',
    }),
  ),
  sequence('normalised outputs, loss at the last step, both directions, padding', {
    spec: { cell: 'gru', layerNorm: true, bidirectional: true, lossAt: 'last' },
    padding: 'end',
  }),
  sequence('residual from the input on, loss at the last step, gaps', {
    spec: ({ H }) => ({ cell: 'lstm', inputSize: H, layers: 2, residual: 'all', lossAt: 'last' }),
    padding: 'anywhere',
  }),
  sequence('every layer around the recurrence', {
    spec: ({ D, H }) => ({
      ...{ ...symbols, cell: 'gru', layers: 2, outputSize: D, embedding: { size: 3, tied: true }, layerNorm: true },
      ...{ inputDense: { size: H, activation: 'tanh' }, outputDense: { size: 3 }, residual: 'all' },
      dropout: { input: 0.2, between: 0.3, output: 0.4 },
    }),
    padding: 'end',
    weighted: true,
    carry: 'some',
  }),
];

/** The whole walk through time of `bptt`: every cell, and every option with the cells that it touches. */
export const sequenceCases: GradcheckCase[] = [
  ...cells.map((cell) => sequence(cell, { spec: { cell } })),
  ...(['sigmoid', 'relu', 'identity'] as const).map((nonlinearity) =>
    sequence(`elman, ${nonlinearity}`, { spec: { nonlinearity } }),
  ),
  ...cells.map((cell) => sequence(`${cell}, padding`, { spec: { cell }, padding: 'end', carry: 'some' })),
  ...cells.map((cell) =>
    sequence(`${cell}, two layers, both directions, gaps, learned state`, {
      spec: { cell, layers: 2, bidirectional: true, initialState: 'learned' },
      padding: 'anywhere',
      carry: 'some',
    }),
  ),
  ...cells.map((cell) =>
    sequence(`${cell}, loss at the last step, padding`, { spec: { cell, lossAt: 'last' }, padding: 'end' }),
  ),
  ...(['input', 'none'] as const).map((bias) => sequence(`lstm, bias ${bias}`, { spec: { cell: 'lstm', bias } })),
  sequence('gru, bias input', { spec: { cell: 'gru', bias: 'input' } }),
  sequence('ids, softmax cross-entropy', { spec: { input: 'ids', loss: 'softmaxCrossEntropy' } }),
  sequence('ids, two layers, mean', {
    spec: { cell: 'gru', input: 'ids', layers: 2, loss: 'softmaxCrossEntropy', reduction: 'mean' },
    padding: 'anywhere',
    weighted: true,
  }),
  sequence('sigmoid cross-entropy, mean', { spec: { loss: 'sigmoidCrossEntropy', reduction: 'mean' } }),
  sequence('reduction by a factor', { spec: { cell: 'gru', reduction: 0.5 } }),
  sequence('squared error of a sigmoid, no output bias', { spec: { outputActivation: 'sigmoid', outputBias: false } }),
  sequence('no output layer', { spec: { outputSize: 0, bidirectional: true } }),
  sequence('three layers, dropout', { spec: { cell: 'lstm', layers: 3, dropout: 0.4, bidirectional: true } }),
  sequence('learned state, carried in some', { spec: { cell: 'lstm', initialState: 'learned' }, carry: 'some' }),
  sequence('both directions, loss at the last step', { spec: { bidirectional: true, lossAt: 'last' }, padding: 'end' }),
  ...around,
  ...cells.map(truncated),
  trainer,
];
