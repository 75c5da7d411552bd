import { learningRateAt, type Optimizer } from '../optim/optimizer.ts';
import { RandomState, type RandomStateSnapshot } from '../tensor/random.ts';
import { dtypeOf, type FloatArray, zeros } from '../tensor/shape.ts';
import type { Batch, Keep } from './batch.ts';
import { countingEngine, type Engine, type LocalEngine, type OptimKernels } from './engine.ts';
import type { SequenceModel } from './model.ts';
import type { RecurrentStack } from './recurrent.ts';
import { dealOut, type Shard, ShardedModel } from './shards.ts';
import type { FullSpec, ModelSpec, NamedTensors } from './spec.ts';
import {
  expectCarry,
  expectParameters,
  expectTrainerOptions,
  expectTrainerState,
  type NonFiniteError,
  type TrainerShape,
  whereNotFinite,
} from './trainerChecks.ts';

/** How gradients are kept from exploding. */
export type Clip = { value: number } | { norm: number };

export interface TrainerOptions {
  /** T, the most steps of a window, and B, the sequences of a batch. */
  steps: number;
  batch: number;
  optimizer: Optimizer;
  /** Applied to the gradient of loss and L2 together, before the update. */
  clip?: Clip;
  /** λ of λ·Σw² over the weight matrices (not biases, not initial states), part of the loss. Default 0. */
  l2?: number;
  /** Truncated BPTT inside a window: gradients are cut every `span` steps. Default: the window is the span. */
  span?: number;
  /**
   * k1, for windows that overlap: the state that the next window goes on from is the one after this many steps, not the
   * last. Default: all of them.
   */
  advance?: number;
  /** Names of parameters that do not learn: their gradients are zero, L2's share included, and they stay as they are. */
  frozen?: readonly string[];
  /** Seeds the dropout masks. Default 0. */
  seed?: number;
}

/** A batch for a trainer: with the word whether its sequences go on from where the last batch ended. */
export interface TrainingBatch extends Batch {
  /** True (for all, or [B] ones and zeros): go on from the carried state. Default false: begin anew. */
  carry?: Keep;
}

/** Everything a trainer needs to go on where it stopped. */
export interface TrainerState {
  /** The number of updates done. */
  step: number;
  parameters: NamedTensors;
  /** The optimizer's memory, one flat block each. */
  slots: FloatArray[];
  /** The carried states [B,H] by name. */
  states: NamedTensors;
  /** The stream that dropout draws from. */
  random: RandomStateSnapshot;
}

/**
 * What trains a model: one interface for every engine, whether its numbers live here or on a device. Calls that need
 * the numbers are asynchronous, since a device hands them over later.
 */
export interface Trainer {
  /** The engine's name. */
  readonly engine: string;
  /** The engine in words: why this one, and on what it runs. */
  readonly choice: string;
  readonly spec: FullSpec;
  /** Does one update for each batch, in order; gives the loss of each before its update. */
  train(batches: readonly TrainingBatch[]): Promise<Float64Array>;
  /**
   * The loss of each batch, in order, without learning, dropout or L2. A batch that carries goes on from where the one
   * before it ended, the first one from where training stands; that state is left as it was.
   */
  evaluate(batches: readonly TrainingBatch[]): Promise<Float64Array>;
  /** Copies of the parameters by name. */
  parameters(): Promise<NamedTensors>;
  /** @throws {RangeError | TypeError} on a missing, surplus or misshapen parameter, or one that holds a NaN or infinity. */
  setParameters(parameters: NamedTensors): Promise<void>;
  state(): Promise<TrainerState>;
  setState(state: TrainerState): Promise<void>;
  /** Frees what the engine holds. */
  dispose(): void;
}

/** A trainer on an engine whose buffers are this machine's memory; its steps can also be taken one by one, at once. */
export class LocalTrainer implements Trainer {
  readonly engine: string;
  readonly choice: string;
  readonly model: SequenceModel<FloatArray, Int32Array>;
  readonly optimizer: Optimizer;

  private readonly options: TrainerOptions;
  private readonly engines: readonly LocalEngine[];
  private readonly optim: OptimKernels;
  private readonly sharded: ShardedModel;
  private readonly slots: FloatArray[];
  private readonly rng: RandomState;
  /** The state that the next batch goes on from, [B,H] each; apart from the model's own, which every pass overwrites. */
  private readonly carried: CarriedState<FloatArray>[];
  private readonly weightMatrices: { w: FloatArray; dw: FloatArray }[] = [];
  private readonly frozen: FrozenParameter<FloatArray>[];
  private updates = 0;

  /**
   * @param engines one, or several that work at the same time on shares of each batch
   * @param choice the engine in words
   * @throws {RangeError | TypeError} where spec or options make no sense.
   */
  constructor(
    engines: LocalEngine | readonly LocalEngine[],
    spec: ModelSpec,
    options: TrainerOptions,
    choice: string = 'as given',
  ) {
    this.engines = Array.isArray(engines) ? engines : [engines];
    const [engine] = this.engines;
    this.engine = this.engines.length === 1 ? engine.name : `${engine.name} ×${this.engines.length}`;
    this.choice = choice;
    this.options = options;
    this.optimizer = options.optimizer;
    this.sharded = new ShardedModel(this.engines, spec, options);
    this.model = this.sharded.shards[0].model;
    expectTrainerOptions(options);
    this.optim = engine.optim;
    this.rng = new RandomState(options.seed ?? 0);
    const { parameters, gradients } = this.model;
    const { slots, carried, frozen } = trainerBuffers(engine, this.sharded.shards, options);
    this.slots = slots;
    this.carried = carried;
    this.frozen = frozen;
    for (const { name } of parameters.places) {
      if (name.startsWith('weight')) this.weightMatrices.push({ w: parameters.get(name)!, dw: gradients.get(name)! });
    }
  }

  get spec(): FullSpec {
    return this.model.spec;
  }

  /** The number of updates done. */
  get step(): number {
    return this.updates;
  }

  /**
   * One update: forward, backward, L2, clip, optimizer, and the state carried on.
   *
   * @returns the loss before the update, L2 included
   * @throws {RangeError | TypeError} on a batch that does not fit, {NonFiniteError} on a NaN or infinity; either leaves
   *   parameters, optimizer and carried state as they were.
   */
  update(batch: TrainingBatch): number {
    const { model, options, optimizer, optim } = this;
    const gradients = model.gradients.flat;
    const loss = this.lossAndGradients(batch);
    const { clip } = options;
    if (clip && 'value' in clip) optim.clip(gradients, gradients, -clip.value, clip.value);
    if (clip && 'norm' in clip) optim.clipByNorm(gradients, clip.norm);
    const lr = learningRateAt(optimizer.lr, this.updates);
    // A gradient of zero is not enough: an optimizer's own weight decay or momentum moves a parameter without one.
    for (const { values, before } of this.frozen) before.set(values);
    optimizer.update(model.parameters.flat, gradients, this.slots, this.updates, lr, optim);
    for (const { values, before } of this.frozen) values.set(before);
    this.updates++;
    this.carryOn();
    return loss;
  }

  /**
   * The loss of a batch and, in `model.gradients`, its gradient with L2, not clipped; nothing is updated or carried on.
   *
   * @throws as {@link update}
   */
  lossAndGradients(batch: TrainingBatch): number {
    const { model, options, sharded } = this;
    const gradients = model.gradients.flat;
    this.begin(batch);
    sharded.forward(this.rng);
    const loss = sharded.loss() + this.l2Loss();
    if (!Number.isFinite(loss)) throw this.whereNotFinite('the loss', loss);
    sharded.gradients(true, options.span);
    if (options.l2) for (const { w, dw } of this.weightMatrices) this.optim.l2Backward(dw, w, options.l2);
    for (const { gradient } of this.frozen) gradient.fill(0);
    // The sum is quick, but the squares of finite numbers may be too large for it.
    if (!Number.isFinite(this.optim.sumOfSquares(gradients))) {
      const bad = gradients.find((g) => !Number.isFinite(g));
      if (bad !== undefined) throw this.whereNotFinite('the gradient', bad);
    }
    return loss;
  }

  /** The loss of a batch without dropout or L2, from the carried state where the batch says so; nothing is carried on. */
  lossOf(batch: TrainingBatch): number {
    this.begin(batch);
    return this.plainLoss();
  }

  async train(batches: readonly TrainingBatch[]): Promise<Float64Array> {
    return Float64Array.from(batches, (batch) => this.update(batch));
  }

  async evaluate(batches: readonly TrainingBatch[]): Promise<Float64Array> {
    const before = this.carried.map(({ values }) => values.slice());
    try {
      return Float64Array.from(batches, (batch) => {
        this.begin(batch);
        const loss = this.plainLoss();
        this.carryOn();
        return loss;
      });
    } finally {
      for (let i = 0; i < before.length; i++) this.carried[i].values.set(before[i]);
    }
  }

  async parameters(): Promise<NamedTensors> {
    return copyOf(this.model.parameters.places.map(({ name }) => [name, this.model.parameters.get(name)!]));
  }

  async setParameters(parameters: NamedTensors): Promise<void> {
    expectParameters(this.shape, parameters);
    this.writeParameters(parameters);
  }

  async state(): Promise<TrainerState> {
    return {
      step: this.updates,
      parameters: await this.parameters(),
      slots: this.slots.map((slot) => slot.slice()),
      states: copyOf(this.carried.map(({ name, values }) => [name, values])),
      random: this.rng.getState(),
    };
  }

  /**
   * @throws as {@link setParameters}, and where optimizer memory, a carried state or the random stream is missing or
   *   misshapen; everything is then as it was.
   */
  async setState(state: TrainerState): Promise<void> {
    expectTrainerState(this.shape, state);
    this.rng.setState(state.random); // leaves the stream as it was where it throws; nothing after it can
    this.writeParameters(state.parameters);
    for (let i = 0; i < this.slots.length; i++) this.slots[i].set(state.slots[i]);
    for (const { name, values } of this.carried) values.set(state.states[name]);
    this.updates = state.step;
  }

  dispose(): void {
    for (const engine of this.engines) engine.dispose();
  }

  /** Loads a batch and the state it goes on from. */
  private begin(batch: TrainingBatch): void {
    const { carry = false } = batch;
    expectCarry(this.spec, carry);
    this.sharded.load(batch, carry);
    for (const { shares } of this.carried) for (const { given, values } of shares) given.set(values);
  }

  /** The loss of the loaded batch, without dropout or L2. */
  private plainLoss(): number {
    this.sharded.forward();
    const loss = this.sharded.loss();
    if (!Number.isFinite(loss)) throw this.whereNotFinite('the loss', loss);
    return loss;
  }

  /** Keeps the state that the next batch goes on from, out of the window just read. */
  private carryOn(): void {
    const { steps } = this.model;
    const slot = Math.min(this.options.advance ?? steps, steps);
    for (const { layer, which, shares } of this.carried) {
      for (const { stack, values } of shares) values.set(stack.stateAfter(slot, layer)[which]);
    }
  }

  private l2Loss(): number {
    const { l2 } = this.options;
    let sum = 0;
    if (l2) for (const { w } of this.weightMatrices) sum += this.optim.l2Forward(w, l2);
    return sum;
  }

  /** Looks for the first tensor with a NaN or infinity: parameters, then what was computed from them. */
  private whereNotFinite(found: 'the loss' | 'the gradient', value: number): NonFiniteError {
    const { parameters, gradients, steps } = this.model;
    return whereNotFinite(found, value, this.updates, {
      places: parameters.places,
      parameter: (name) => parameters.get(name)!,
      gradient: (name) => gradients.get(name)!,
      steps,
      states: this.carried.map(({ name }) => name),
      stateAfter: (t, wanted) => {
        const { layer, which, shares } = this.carried.find(({ name }) => name === wanted)!;
        return shares.map(({ stack }) => stack.stateAfter(t, layer)[which]).reduce(joined);
      },
    });
  }

  private writeParameters(parameters: NamedTensors): void {
    for (const { name } of this.model.parameters.places) this.model.parameters.get(name)!.set(parameters[name]);
  }

  private get shape(): TrainerShape {
    const { model, optimizer, slots, carried, options } = this;
    return {
      ...{ dtype: model.engine.dtype, places: model.parameters.places, optimizer: optimizer.name },
      ...{ slots: slots.length, slotLength: model.parameters.flat.length },
      ...{ states: carried.map(({ name }) => name), B: options.batch, H: model.spec.hiddenSize },
    };
  }
}

interface FrozenParameter<F> {
  values: F;
  gradient: F;
  before: F;
}

interface CarriedState<F> {
  name: string;
  layer: number;
  which: 'h' | 'c';
  /** [B,H], and of each shard its rows, with the state its model goes on from. */
  values: F;
  shares: { values: F; given: F; stack: Pick<RecurrentStack<F, unknown>, 'stateAfter'> }[];
}

interface TrainerBuffers<F> {
  slots: F[];
  carried: CarriedState<F>[];
  frozen: FrozenParameter<F>[];
}

/** What a trainer needs beside its model's buffers. */
function trainerBuffers<F, I>(
  engine: Engine<F, I>,
  shards: readonly Shard<F, I>[],
  { optimizer, batch: B, frozen = [] }: TrainerOptions,
): TrainerBuffers<F> {
  const { model } = shards[0];
  const { parameters, gradients, spec } = model;
  const slots = optimizer.initialSlots.map((value) => {
    const slot = engine.floats(engine.lengthOf(parameters.flat));
    engine.fill(slot, value);
    return slot;
  });
  const carried: CarriedState<F>[] = [];
  model.eachState((name, layer, d, which) => {
    if (d !== 0) return;
    const H = spec.hiddenSize;
    const values = engine.floats(B * H);
    const shares = shards.map(({ model: { stack }, from, to }) => ({
      values: engine.slice(values, from * H, to * H),
      given: stack.given(layer, d)[which],
      stack,
    }));
    carried.push({ name, layer, which, values, shares });
  });
  return {
    slots,
    carried,
    frozen: frozen.map((name) => {
      const values = parameters.get(name);
      if (!values) throw new RangeError(`trainer: frozen names ${name}, which is no parameter of this model`);
      return { values, gradient: gradients.get(name)!, before: engine.floats(engine.lengthOf(values)) };
    }),
  };
}

/**
 * The length of every buffer that a {@link LocalTrainer} of that spec asks its engine for.
 *
 * @throws {RangeError | TypeError} where spec or options make no sense.
 */
export function bufferLengths(spec: ModelSpec, options: TrainerOptions): readonly number[] {
  return bufferLengthsOfThreads(spec, options, 1)[0];
}

/** The same for each engine of a trainer that has several. */
export function bufferLengthsOfThreads(
  spec: ModelSpec,
  options: TrainerOptions,
  threads: number,
): readonly (readonly number[])[] {
  const engines = Array.from({ length: threads }, () => countingEngine());
  trainerBuffers(engines[0], dealOut(engines, spec, options), options);
  return engines.map(({ lengths }) => lengths);
}

function joined(a: FloatArray, b: FloatArray): FloatArray {
  const both = zeros(dtypeOf(a), a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function copyOf(tensors: [string, FloatArray][]): NamedTensors {
  return Object.fromEntries(tensors.map(([name, values]) => [name, values.slice()]));
}
