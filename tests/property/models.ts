/**
 * fast-check arbitraries for whole sequence models, a runner that shows everything a pass computes, and a plain
 * reference to compare it with.
 *
 * A {@link SequenceCase} says what a model is and how its batch is laid out; it shrinks to the smallest failing
 * combination. The numbers themselves ({@link SequenceData}) come from its seed, so that a case transformed (one
 * sequence of a batch, a window, another padding) can be given the same numbers in another place.
 *
 * @module
 */
import fc from 'fast-check';
import type { Batch } from '../../src/bptt/batch.ts';
import { type CpuEngine, tsEngine } from '../../src/bptt/engine.ts';
import type { Params } from '../../src/bptt/gradcheck.ts';
import type { DenseSpec } from '../../src/bptt/layerSpecs.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import {
  directionsOf,
  type LossName,
  type ModelSpec,
  outputWidth,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
  stateWidth,
  suffixOf,
} from '../../src/bptt/spec.ts';
import { NONLINEARITIES } from '../../src/layers/elman.ts';
import { squaredError } from '../../src/layers/loss.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { Dtype, FloatArray } from '../../src/tensor/shape.ts';

/** A model, the layout of a batch for it, and how the gradient is cut. */
export interface SequenceCase {
  spec: ModelSpec;
  /** Steps of the window, and how many the model has room for. */
  T: number;
  room: number;
  B: number;
  lengths?: readonly number[];
  mask?: readonly number[];
  lossWeights?: readonly number[];
  /** [B], 1 where a sequence goes on from its given state. */
  carry: readonly number[];
  /** Gradients are cut every `backSteps` steps; Infinity for no cut. */
  backSteps: number;
  /** Whether final states enter the loss too, with random weights. */
  finals: boolean;
  /** Seed of every number. */
  seed: number;
}

/** Every number of a case. */
export interface SequenceData {
  /** The parameters, the given states (`h_l0`, `c_l1_reverse`, …) and, where the input is vectors, `x`. */
  variables: Params;
  ids: Int32Array;
  targets: Int32Array | Float64Array;
  /** The weight of each final state in the loss. */
  finals: Params;
  /** For each of {@link masksOf}, [room·B·width] or [B·width]: what it is drawn from. */
  uniforms: Float64Array[];
}

/** A dropout mask of a model: [steps,B,width], or [B,width] at the last step; in the order in which they are drawn. */
interface MaskShape {
  rate: number;
  width: number;
  everyStep: boolean;
}

function masksOf(spec: ResolvedSpec): MaskShape[] {
  const { dropout, embedding, inputSize, lossAt, layers } = spec;
  const W = stateWidth(spec);
  const input = { rate: dropout.input, width: embedding?.size ?? inputSize, everyStep: true };
  const between = Array.from({ length: layers - 1 }, () => ({ rate: dropout.between, width: W, everyStep: true }));
  const output = { rate: dropout.output, width: W, everyStep: lossAt === 'every' };
  return [input, ...between, output].filter(({ rate }) => rate > 0);
}

/** The cells, and the Elman cell with each of its nonlinearities. */
export const kinds = [
  { cell: 'elman', nonlinearity: 'tanh' },
  { cell: 'elman', nonlinearity: 'sigmoid' },
  { cell: 'elman', nonlinearity: 'relu' },
  { cell: 'elman', nonlinearity: 'identity' },
  { cell: 'gru' },
  { cell: 'gruResetBefore' },
  { cell: 'lstm' },
  { cell: 'lstmPeephole' },
  { cell: 'minGru' },
] as const satisfies Partial<ModelSpec>[];

export type Kind = (typeof kinds)[number];

export type LossChoice = LossName | 'squaredErrorOfSigmoid';

/** Every loss, and the squared error of outputs that went through a sigmoid. */
export const losses: readonly LossChoice[] = [
  'squaredError',
  'softmaxCrossEntropy',
  'sigmoidCrossEntropy',
  'squaredErrorOfSigmoid',
];

/** The choices that make a case; each may be narrowed by {@link arbitraryModel}'s caller. */
function choices() {
  return {
    kind: fc.constantFrom<Kind[]>(...kinds),
    layers: fc.integer({ min: 1, max: 3 }),
    bidirectional: fc.boolean(),
    bias: fc.constantFrom('both' as const, 'input' as const, 'none' as const),
    input: fc.constantFrom('dense' as const, 'ids' as const),
    initialState: fc.constantFrom('zero' as const, 'learned' as const),
    outputSize: fc.constantFrom<number[]>(0, 2, 3),
    outputBias: fc.boolean(),
    loss: fc.constantFrom<LossChoice[]>(...losses),
    lossAt: fc.constantFrom('every' as const, 'last' as const),
    reduction: fc.constantFrom('sum' as const, 'mean' as const, 0.7),
    dropout: fc.constantFrom<number[]>(0, 0, 0.4),
    inputDropout: fc.constantFrom<number[]>(0, 0, 0.3),
    outputDropout: fc.constantFrom<number[]>(0, 0, 0.2),
    embedding: fc.constantFrom<('none' | 'own' | 'tied')[]>('none', 'own', 'tied'),
    embeddingSize: fc.integer({ min: 1, max: 3 }),
    inputDense: arbitraryDense(),
    outputDense: arbitraryDense(),
    layerNorm: fc.boolean(),
    residual: fc.constantFrom<(boolean | 'all')[]>(false, true, 'all'),
    inputSize: fc.integer({ min: 1, max: 3 }),
    hiddenSize: fc.integer({ min: 1, max: 3 }),
    T: fc.integer({ min: 1, max: 6 }),
    spare: fc.integer({ min: 0, max: 2 }),
    B: fc.integer({ min: 1, max: 3 }),
    padding: fc.constantFrom('none' as const, 'lengths' as const, 'mask' as const),
    lengths: fc.array(fc.nat({ max: 6 }), { minLength: 3, maxLength: 3 }),
    mask: fc.array(fc.constantFrom(1, 0), { minLength: 18, maxLength: 18 }),
    weighted: fc.boolean(),
    lossWeights: fc.array(fc.constantFrom(1, 0.5, 0, 2), { minLength: 18, maxLength: 18 }),
    carry: fc.array(fc.constantFrom(0, 1), { minLength: 3, maxLength: 3 }),
    backSteps: fc.constant(Number.POSITIVE_INFINITY) as fc.Arbitrary<number>,
    finals: fc.boolean(),
    seed: fc.nat({ max: 2 ** 31 }),
  };
}

/** No dense layer half of the time. */
function arbitraryDense(): fc.Arbitrary<DenseSpec | null> {
  const dense = fc.record({ size: fc.integer({ min: 1, max: 3 }), activation: fc.constantFrom(...NONLINEARITIES) });
  return fc.option(dense, { freq: 1 });
}

type Choices = ReturnType<typeof choices>;

/** The nearest legal layers around the recurrence, and the sizes that these ask for. */
function legalLayers(
  c: {
    [K in keyof Choices]: Choices[K] extends fc.Arbitrary<infer V> ? V : never;
  },
): Partial<ModelSpec> & Pick<ModelSpec, 'inputSize' | 'outputSize'> {
  const { layers, input, hiddenSize } = c;
  const W = hiddenSize * (c.bidirectional ? 2 : 1);
  const residual = c.residual === true && layers === 1 ? 'all' : c.residual;
  let { inputSize, outputSize, inputDense, outputDense } = c;
  let embedding =
    input === 'ids' && c.embedding !== 'none' ? { size: c.embeddingSize, tied: c.embedding === 'tied' } : null;
  if (residual === 'all') {
    if (inputDense) inputDense = { ...inputDense, size: W };
    else if (embedding) embedding = { ...embedding, size: W };
    else if (input === 'dense') inputSize = W;
    else inputDense = { size: W, activation: 'tanh' };
  }
  if (embedding?.tied) {
    outputSize = inputSize;
    if (outputDense) outputDense = { ...outputDense, size: embedding.size };
    else if (embedding.size !== W) outputDense = { size: embedding.size, activation: 'identity' };
  }
  const dropout = {
    input: input === 'dense' || embedding ? c.inputDropout : 0,
    between: layers > 1 ? c.dropout : 0, // it works between layers
    output: c.outputDropout,
  };
  return { inputSize, outputSize, embedding, inputDense, outputDense, residual, dropout, layerNorm: c.layerNorm };
}

/** How a case may be narrowed: any of its choices replaced by another arbitrary. */
export type Narrowed = Partial<Choices>;

/**
 * A legal model with a legal batch. Combinations that would be refused are turned into their nearest legal neighbour.
 *
 * @example fc.property(arbitraryModel({ bidirectional: fc.constant(false) }), (c) => { … })
 */
export function arbitraryModel(narrowed: Narrowed = {}): fc.Arbitrary<SequenceCase> {
  return fc.record({ ...choices(), ...narrowed } as Choices).map((c) => {
    const { kind, T, B, padding } = c;
    const { layers, bidirectional, bias, input, initialState, outputBias, lossAt, reduction, hiddenSize } = c;
    const ofSigmoid = c.loss === 'squaredErrorOfSigmoid';
    const loss = c.loss === 'squaredErrorOfSigmoid' ? ('squaredError' as const) : c.loss;
    const spec: ModelSpec = {
      ...kind,
      ...{ layers, bidirectional, bias, input, initialState, hiddenSize, outputBias },
      ...legalLayers(c),
      ...{ loss, lossAt, reduction, outputActivation: ofSigmoid ? 'sigmoid' : 'identity' },
    };
    // At least one step of one sequence is there and counts.
    const lengths = c.lengths.slice(0, B).map((length, b) => Math.max(b === 0 ? 1 : 0, Math.min(length, T)));
    const mask = c.mask.slice(0, T * B).map((m, i) => (i === 0 ? 1 : m));
    const lossWeights = c.lossWeights.slice(0, lossAt === 'every' ? T * B : B).map((w, i) => (i === 0 ? 1 : w));
    return {
      ...{
        spec,
        T,
        B,
        room: T + c.spare,
        carry: c.carry.slice(0, B),
        backSteps: c.backSteps,
        finals: c.finals,
        seed: c.seed,
      },
      ...(padding === 'lengths' ? { lengths } : padding === 'mask' ? { mask } : {}),
      ...(c.weighted ? { lossWeights } : {}),
    };
  });
}

/** 1 where sequence b has step t. */
export function isPresent(c: SequenceCase, t: number, b: number): boolean {
  if (c.mask) return c.mask[t * c.B + b] === 1;
  return c.lengths ? t < c.lengths[b] : true;
}

/** The rows of targets and loss weights: T·B, or B where the loss is at the last step. */
export function lossRows(c: SequenceCase): number {
  return c.spec.lossAt === 'last' ? c.B : c.T * c.B;
}

/** The names of the states of a case, in the model's order. */
export function stateNames(spec: ResolvedSpec): { name: string; layer: number; direction: number; index: number }[] {
  const names: ReturnType<typeof stateNames> = [];
  for (let layer = 0; layer < spec.layers; layer++) {
    for (let direction = 0; direction < directionsOf(spec); direction++) {
      for (const [index, state] of spec.cell.states.entries()) {
        names.push({ name: `${state}${suffixOf(layer, direction === 1)}`, layer, direction, index });
      }
    }
  }
  return names;
}

/** Draws every number of a case. */
export function drawData(c: SequenceCase): SequenceData {
  const spec = resolveSpec(c.spec);
  const rng = new RandomState(c.seed);
  const rows = c.T * c.B;
  const variables: Params = {};
  for (const { name, length } of parameterLayout(spec)) variables[name] = rng.normal(0, 0.7, length);
  for (const { name } of stateNames(spec)) variables[name] = rng.uniform(-1, 1, c.B * spec.hiddenSize);
  if (spec.input === 'dense') variables.x = rng.randn(rows * spec.inputSize);
  const V = outputWidth(spec);
  const R = lossRows(c);
  const ids = spec.input === 'ids' ? Int32Array.from(rng.randint(0, spec.inputSize, rows)) : new Int32Array(0);
  const targets =
    spec.loss.targets === 'classes'
      ? Int32Array.from(rng.randint(0, V, R))
      : spec.loss === squaredError
        ? rng.randn(R * V)
        : rng.uniform(0, 1, R * V);
  const finals: Params = {};
  for (const { name, layer, index } of stateNames(spec)) {
    // With the loss at the last step the model itself sends something to the top layer's final states.
    const taken = spec.lossAt === 'last' && layer === spec.layers - 1 && index === 0;
    if (c.finals && !taken) finals[name] = rng.randn(c.B * spec.hiddenSize);
  }
  const uniforms = masksOf(spec).map(({ width, everyStep }) =>
    rng.randomSample((everyStep ? c.room : 1) * c.B * width),
  );
  return { variables, ids, targets, finals, uniforms };
}

/** A stream that gives these numbers, one after another. */
class GivenStream extends RandomState {
  private readonly numbers: readonly number[];
  private drawn = 0;

  constructor(numbers: readonly number[]) {
    super(0);
    this.numbers = numbers;
  }

  override randomSample(): number;
  override randomSample(n: number): Float64Array<ArrayBuffer>;
  override randomSample(n?: number): number | Float64Array<ArrayBuffer> {
    const next = (): number => this.numbers[this.drawn++];
    return n === undefined ? next() : Float64Array.from({ length: n }, next);
  }
}

/** A model with the numbers of a case, ready to run. */
export class Runner {
  readonly model: SequenceModel<FloatArray, Int32Array>;
  /** What the next pass runs: may be changed for another case of the same model, B and room. */
  c: SequenceCase;
  data: SequenceData;
  readonly dtype: Dtype;

  constructor(
    c: SequenceCase,
    data: SequenceData = drawData(c),
    dtype: Dtype = 'float64',
    engine: CpuEngine = tsEngine(dtype),
  ) {
    this.c = c;
    this.data = data;
    this.dtype = dtype;
    this.model = new SequenceModel(engine, c.spec, { steps: c.room, batch: c.B, inputGradient: true });
  }

  /** Loads everything and runs forward: the loss, with the weighted final states where the case has them. */
  forward(): number {
    const { model, c, data } = this;
    const { stack, spec } = model;
    // The masks are drawn for the steps of the window, the uniforms for all that there is room for.
    const masks = masksOf(spec);
    const stream = data.uniforms.flatMap((u, i) =>
      Array.from(u.subarray(0, (masks[i].everyStep ? c.T : 1) * c.B * masks[i].width)),
    );
    this.load(new GivenStream(stream));
    model.forward();
    let loss = model.loss[0];
    for (const { name, layer, direction, index } of stateNames(spec)) {
      if (!data.finals[name]) continue;
      const final = stack.recurrence(model.window, layer, direction).final[index];
      for (let i = 0; i < final.length; i++) loss += data.finals[name][i] * final[i];
    }
    return loss;
  }

  /** Loads everything, with dropout masks from this stream. */
  load(rng: RandomState): void {
    const { model, c, data } = this;
    const { stack, spec } = model;
    const { variables, ids, targets, finals } = data;
    const own = (values: FloatArray) => (this.dtype === 'float64' ? values : Float32Array.from(values));
    const batch: Batch = {
      ...{ steps: c.T, batch: c.B },
      inputs: spec.input === 'ids' ? ids : own(variables.x),
      targets: targets instanceof Int32Array ? targets : own(targets),
      ...(c.lengths ? { lengths: c.lengths } : {}),
      ...(c.mask ? { mask: c.mask } : {}),
      ...(c.lossWeights ? { lossWeights: c.lossWeights } : {}),
    };
    for (const { name } of model.parameters.layout) model.parameters.get(name)!.set(variables[name]);
    for (const { name, layer, direction, index } of stateNames(spec)) {
      stack.initial(layer, direction)[index].set(variables[name]);
      stack.dfinal(layer, direction)[index].fill(0);
      if (finals[name]) stack.dfinal(layer, direction)[index].set(finals[name]);
    }
    model.load(batch, c.carry, rng);
  }

  /** Forward and backward: the gradient of every variable. */
  gradients(): Params {
    const { model, c } = this;
    const { stack, spec } = model;
    this.forward();
    model.gradients.flat.fill(0);
    model.backward(c.backSteps);
    const gradients: Params = {};
    const copy = (values: FloatArray) => Float64Array.from(values);
    for (const { name } of model.parameters.layout) gradients[name] = copy(model.gradients.get(name)!);
    for (const { name, layer, direction, index } of stateNames(spec)) {
      gradients[name] = copy(stack.dinitial(layer, direction)![index]);
    }
    if (spec.input === 'dense') gradients.x = copy(stack.dx.subarray(0, c.T * c.B * spec.inputSize));
    return gradients;
  }

  /** The final states by name. */
  finalStates(): Params {
    const { model } = this;
    return Object.fromEntries(
      stateNames(model.spec).map(({ name, layer, direction, index }) => [
        name,
        Float64Array.from(model.stack.recurrence(model.window, layer, direction).final[index]),
      ]),
    );
  }
}

/** The states that a reference run held constant where the gradient is cut. */
export type Frozen = Map<string, number[]>;

/** What the reference computes. */
export interface Reference {
  loss: number;
  /** [R][V], undefined where there is no step. */
  outputs: (number[] | undefined)[];
  finals: Record<string, number[][]>;
}

const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const FUNCTIONS = {
  tanh: Math.tanh,
  sigmoid: logistic,
  relu: (z: number) => Math.max(z, 0),
  identity: (z: number) => z,
};
const logSumExp = (z: number[]) => {
  const max = Math.max(...z);
  return max + Math.log(z.reduce((sum, value) => sum + Math.exp(value - max), 0));
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/**
 * The same model written for reading, one sequence after another, without padding, batches, buffers or backward.
 *
 * @param frozen where the case has a backSteps: an empty map is filled with the states at the cuts; a filled one supplies
 *   them, so that the loss then is the function whose gradient truncated BPTT computes
 */
export function reference(c: SequenceCase, data: SequenceData, frozen: Frozen = new Map()): Reference {
  const spec = resolveSpec(c.spec);
  const { variables: v, finals: finalWeights } = data;
  const { T, B } = c;
  const { hiddenSize: H, layers } = spec;
  const directions = directionsOf(spec);
  const finals: Reference['finals'] = {};
  const tops: number[][][] = []; // [B][T] of the top layer's outputs, at the steps that are there
  const record = frozen.size === 0;
  const masks = masksOf(spec);
  const firstBetween = spec.dropout.input > 0 ? 1 : 0;

  for (let b = 0; b < B; b++) {
    const steps = range(T).filter((t) => isPresent(c, t, b));
    let below: number[][] = range(T).map((t) => readInput(t, b));
    for (let layer = 0; layer < layers; layer++) {
      const x = below.map((row, t) =>
        layer > 0 ? dropped(spec.dropout.between, firstBetween + layer - 1, row, t, b) : row,
      );
      const above: number[][] = range(T).map(() => []);
      for (let d = 0; d < directions; d++) {
        const suffix = suffixOf(layer, d === 1);
        let { h, cell } = startState(suffix, b);
        for (const t of d === 1 ? steps.toReversed() : steps) {
          const number = d === 1 ? T - 1 - t : t;
          if (number > 0 && number % c.backSteps === 0) {
            const key = `${b}${suffix}@${t}`;
            if (record) frozen.set(key, [...h, ...cell]);
            const held = frozen.get(key)!;
            h = held.slice(0, H);
            cell = held.slice(H);
          }
          ({ h, cell } = step(suffix, x[t], h, cell));
          above[t].push(...h);
        }
        finals[`h${suffix}`] = [...(finals[`h${suffix}`] ?? []), h];
        finals[`c${suffix}`] = [...(finals[`c${suffix}`] ?? []), cell];
      }
      const residual = spec.residual === 'all' || (spec.residual && layer > 0);
      below = above.map((row, t) => {
        const normed = spec.layerNorm ? normalised(layer, row) : row;
        return residual ? normed.map((value, j) => value + below[t][j]) : normed;
      });
    }
    tops.push(below);
  }

  const R = lossRows(c);
  const scores: Reference['outputs'] = [];
  const weights: number[] = [];
  for (let r = 0; r < R; r++) {
    const b = r % B;
    const steps = range(T).filter((t) => isPresent(c, t, b));
    const last = spec.lossAt === 'last';
    const there = last ? steps.length > 0 : isPresent(c, (r - b) / B, b);
    // Forward in time the last step, backward in time the first one.
    const h = () =>
      last ? [...tops[b][steps.at(-1)!].slice(0, H), ...tops[b][steps[0]].slice(H)] : tops[b][(r - b) / B];
    scores.push(there ? logits(h(), r) : undefined);
    weights.push(there ? (c.lossWeights?.[r] ?? 1) : 0);
  }
  const total = weights.reduce((a, w) => a + w, 0);
  const perStep = c.spec.loss === 'softmaxCrossEntropy' ? 1 : outputWidth(spec);
  const factor = spec.reduction === 'mean' ? 1 / (total * perStep) : spec.reduction === 'sum' ? 1 : spec.reduction;
  let loss = 0;
  for (const [r, z] of scores.entries()) if (z) loss += factor * weights[r] * lossOf(z, r);
  for (const [name, w] of Object.entries(finalWeights)) {
    loss += finals[name].flat().reduce((sum, value, i) => sum + w[i] * value, 0);
  }
  return { loss, outputs: scores.map((z) => z && output(z)), finals };

  function readInput(t: number, b: number): number[] {
    const { inputSize: D, embedding, inputDense } = spec;
    const own =
      spec.input === 'dense'
        ? range(D).map((j) => v.x[(t * B + b) * D + j])
        : range(D).map((j) => (data.ids[t * B + b] === j ? 1 : 0));
    const vector = embedding
      ? range(embedding.size).map((j) =>
          own.reduce((sum, one, id) => sum + one * v['embedding.weight'][id * embedding.size + j], 0),
        )
      : own;
    const kept = dropped(spec.dropout.input, 0, vector, t, b);
    return inputDense ? dense('input_dense', inputDense, kept) : kept;
  }

  /** A row of mask number `mask`, where there is one. */
  function dropped(rate: number, mask: number, row: number[], t: number, b: number): number[] {
    return rate === 0 ? row : row.map((value, j) => value * kept(mask, t * B + b, j));
  }

  /** Element j of a row of a mask. */
  function kept(mask: number, row: number, j: number): number {
    const { rate, width } = masks[mask];
    return data.uniforms[mask][row * width + j] < rate ? 0 : 1 / (1 - rate);
  }

  function dense(name: string, { size, activation = 'identity' }: DenseSpec, x: number[]): number[] {
    return range(size).map((i) => FUNCTIONS[activation](times(v[`${name}.weight`], i, x) + v[`${name}.bias`][i]));
  }

  function normalised(layer: number, x: number[]): number[] {
    const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
    const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
    const [gain, bias] = [v[`norm_l${layer}.weight`], v[`norm_l${layer}.bias`]];
    return x.map((value, j) => (gain[j] * (value - mean)) / Math.sqrt(variance + 1e-5) + bias[j]);
  }

  function startState(suffix: string, b: number): { h: number[]; cell: number[] } {
    const start = (which: 'h' | 'c') =>
      range(H).map((j) => (c.carry[b] ? v[`${which}${suffix}`][b * H + j] : (v[`${which}0${suffix}`]?.[j] ?? 0)));
    return { h: start('h'), cell: spec.cell.states.length > 1 ? start('c') : [] };
  }

  function times(matrix: Float64Array, row: number, x: number[]): number {
    return x.reduce((sum, value, j) => sum + matrix[row * x.length + j] * value, 0);
  }

  function step(suffix: string, x: number[], h: number[], cell: number[]): { h: number[]; cell: number[] } {
    const Wih = v[`weight_ih${suffix}`];
    const Whh = v[`weight_hh${suffix}`];
    const p = v[`weight_peephole${suffix}`];
    const input = (gate: number, j: number) =>
      times(Wih, gate * H + j, x) + (v[`bias_ih${suffix}`]?.[gate * H + j] ?? 0);
    const own = (gate: number, j: number, state = h) =>
      times(Whh, gate * H + j, state) + (v[`bias_hh${suffix}`]?.[gate * H + j] ?? 0);
    const sum = (gate: number, j: number) => input(gate, j) + own(gate, j);
    if (c.spec.cell === 'elman') {
      const f = FUNCTIONS[spec.nonlinearity];
      return { h: range(H).map((j) => f(sum(0, j))), cell };
    }
    if (c.spec.cell === 'minGru') {
      const z = range(H).map((j) => logistic(input(0, j)));
      return { h: range(H).map((j) => (1 - z[j]) * h[j] + z[j] * input(1, j)), cell };
    }
    if (c.spec.cell === 'gru' || c.spec.cell === 'gruResetBefore') {
      const r = range(H).map((j) => logistic(sum(0, j)));
      const z = range(H).map((j) => logistic(sum(1, j)));
      const rh = h.map((value, j) => r[j] * value);
      const n = range(H).map((j) =>
        Math.tanh(input(2, j) + (c.spec.cell === 'gru' ? r[j] * own(2, j) : own(2, j, rh))),
      );
      return { h: range(H).map((j) => (1 - z[j]) * n[j] + z[j] * h[j]), cell };
    }
    const next = range(H).map((j) => {
      const i = logistic(sum(0, j) + (p ? p[j] * cell[j] : 0));
      const f = logistic(sum(1, j) + (p ? p[H + j] * cell[j] : 0));
      return f * cell[j] + i * Math.tanh(sum(2, j));
    });
    const o = range(H).map((j) => logistic(sum(3, j) + (p ? p[2 * H + j] * next[j] : 0)));
    return { h: range(H).map((j) => o[j] * Math.tanh(next[j])), cell: next };
  }

  function logits(h: number[], r: number): number[] {
    const { outputDense, outputSize, dropout, embedding } = spec;
    const u = dropout.output > 0 ? h.map((value, j) => value * kept(masks.length - 1, r, j)) : h;
    const z = outputDense ? dense('output_dense', outputDense, u) : u;
    const Who = embedding?.tied ? v['embedding.weight'] : v.weight_ho;
    return outputSize === 0 ? z : range(outputSize).map((k) => times(Who, k, z) + (v.bias_ho?.[k] ?? 0));
  }

  function output(z: number[]): number[] {
    if (c.spec.loss === 'sigmoidCrossEntropy' || spec.outputActivation === 'sigmoid') return z.map(logistic);
    if (c.spec.loss === 'squaredError') return z;
    return z.map((_, k) => Math.exp(z[k] - logSumExp(z)));
  }

  function lossOf(z: number[], r: number): number {
    const y = data.targets;
    if (c.spec.loss === 'softmaxCrossEntropy') return logSumExp(z) - z[y[r]];
    const terms = z.map((value, k) => {
      const target = y[r * z.length + k];
      if (c.spec.loss === 'squaredError') return (output(z)[k] - target) ** 2;
      if (c.spec.loss === 'sigmoidCrossEntropy') {
        return target * logSumExp([0, -value]) + (1 - target) * logSumExp([0, value]);
      }
      const others = z.filter((_, i) => i !== k);
      return logSumExp(z) - target * value - (1 - target) * logSumExp(others);
    });
    return terms.reduce((a, term) => a + term, 0);
  }
}

/** Where another case finds its numbers: sequence `b` there is `sequence(b)` here, its step `t` is `step(b, t)` here. */
export interface Places {
  sequence(b: number): number;
  /** null where there is nothing: zeros are put there. */
  step(b: number, t: number): number | null;
}

/** The numbers of a case in other places, for a case of other sizes or padding. */
export function rearrange(
  c: SequenceCase,
  data: SequenceData,
  to: Pick<SequenceCase, 'T' | 'B' | 'room'>,
  places: Places,
): SequenceData {
  const spec = resolveSpec(c.spec);
  const masks = masksOf(spec);
  const H = spec.hiddenSize;
  const perSequence = (values: Float64Array, n: number): Float64Array => {
    const moved = new Float64Array(to.B * n);
    for (let b = 0; b < to.B; b++) moved.set(values.subarray(places.sequence(b) * n).subarray(0, n), b * n);
    return moved;
  };
  const perStep = <A extends Int32Array | Float64Array>(values: A, n: number, steps = to.T): A => {
    const moved = new (values.constructor as new (length: number) => A)(steps * to.B * n);
    for (let t = 0; t < to.T; t++) {
      for (let b = 0; b < to.B; b++) {
        const step = places.step(b, t);
        if (step === null) continue;
        const from = (step * c.B + places.sequence(b)) * n;
        moved.set(values.subarray(from, from + n), (t * to.B + b) * n);
      }
    }
    return moved;
  };
  const perRow = data.targets.length / lossRows(c);
  const variables = { ...data.variables };
  for (const { name } of stateNames(spec)) variables[name] = perSequence(variables[name], H);
  if (variables.x) variables.x = perStep(variables.x, spec.inputSize);
  const targets =
    spec.lossAt === 'every'
      ? perStep(data.targets, perRow)
      : data.targets instanceof Int32Array
        ? Int32Array.from({ length: to.B }, (_, b) => data.targets[places.sequence(b)])
        : perSequence(data.targets, perRow);
  return {
    variables,
    targets,
    ids: spec.input === 'ids' ? perStep(data.ids, 1) : data.ids,
    finals: Object.fromEntries(Object.entries(data.finals).map(([name, w]) => [name, perSequence(w, H)])),
    uniforms: data.uniforms.map((u, i) =>
      masks[i].everyStep ? perStep(u, masks[i].width, to.room) : perSequence(u, masks[i].width),
    ),
  };
}

/** A batch's loss weights in other places, and the reduction as the factor that it was for the whole batch. */
export function rearrangeWeights(
  c: SequenceCase,
  to: Pick<SequenceCase, 'T' | 'B'>,
  places: Places,
): { lossWeights: number[]; reduction: number } {
  const spec = resolveSpec(c.spec);
  const there = (r: number) => {
    const b = r % c.B;
    if (spec.lossAt === 'every') return isPresent(c, (r - b) / c.B, b);
    return range(c.T).some((t) => isPresent(c, t, b));
  };
  const weights = range(lossRows(c)).map((r) => (there(r) ? (c.lossWeights?.[r] ?? 1) : 0));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const perStep = c.spec.loss === 'softmaxCrossEntropy' ? 1 : outputWidth(spec);
  const rows = spec.lossAt === 'every' ? to.T * to.B : to.B;
  return {
    lossWeights: range(rows).map((r) => {
      const b = r % to.B;
      if (spec.lossAt === 'last') return weights[places.sequence(b)];
      const step = places.step(b, (r - b) / to.B);
      return step === null ? 0 : weights[step * c.B + places.sequence(b)];
    }),
    reduction: spec.reduction === 'mean' ? 1 / (total * perStep) : spec.reduction === 'sum' ? 1 : spec.reduction,
  };
}
