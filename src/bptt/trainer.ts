import { describe } from '../check/describe.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { RandomState, type RandomStateSnapshot } from '../tensor/random.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { type Batch, BatchReader, type Carry, type InputBatch } from './batch.ts';
import { CpuSession, type CpuStep } from './cpuSession.ts';
import type { CpuEngine } from './engine.ts';
import type { SequenceModel } from './model.ts';
import { type ParameterGroup, stepNumbersOf } from './parameterGroups.ts';
import type { FailedStep, Mode, Session, Snapshot, StepResult } from './session.ts';
import { drops, type ModelSpec, type NamedTensors, outputWidth, type ResolvedSpec } from './spec.ts';
import {
  assertCarry,
  assertParameters,
  assertTrainerOptions,
  assertTrainerState,
  type NonFiniteError,
  nonFiniteError,
  type TrainerShape,
} from './trainerChecks.ts';

/** How gradients are kept from exploding. */
export type Clip = { value: number } | { norm: number };

/** What every trainer is made with, whatever its engine. */
export interface TrainerOptions {
  /** T, the most steps of a window, and B, the most sequences of a batch. */
  steps: number;
  batch: number;
  /** S, the most labels of a sequence, where the loss's targets are labels. Default: as many as steps. */
  labels?: number;
  optimizer: Optimizer;
  /**
   * Parameters that the optimizer moves with options of their own, as `[{ parameters: 'bias_*', weightDecay: 0 }]`; all others,
   * and what a group does not say, are as `optimizer` has it. A parameter may be in one group.
   */
  groups?: readonly ParameterGroup[];
  /** Applied to the gradient of loss and L2 together, before the update. */
  clip?: Clip;
  /** λ of λ·Σw² over the weight matrices (not biases, not initial states), part of the loss. Default 0. */
  l2?: number;
  /** k2, truncated BPTT inside a window: gradients are cut every so many steps. Default: not cut. */
  backSteps?: number;
  /**
   * k1, for windows that overlap: the state that the next window goes on from is the one after this many steps, not the
   * last. Default: all of them.
   */
  stride?: number;
  /**
   * Names of parameters that do not learn: their gradients are zero, L2's share included, and they and the optimizer's memory
   * of them stay as they are.
   */
  frozen?: readonly string[];
  /**
   * Batches that share an update: their gradients are summed (with reduction `mean`: a sum of means), L2 counts once. A call
   * of `train` makes an update of every so many of its batches, the last one of what is left; where one of
   * them fails, none of them has changed anything. Engines of the CPU only. Default 1.
   */
  accumulate?: number;
  /** Seeds the dropout masks. Default 0. */
  seed?: number;
}

/** A batch for a trainer: with the flag whether its sequences go on from where the last batch ended. */
export interface TrainingBatch extends Batch {
  /** True (for all, or [batch] ones and zeros): go on from the carried state. Default false: begin anew. */
  carry?: Carry;
}

/** Inputs for {@link Trainer.predict}. */
export interface PredictionBatch extends InputBatch {
  /** As of a {@link TrainingBatch}. */
  carry?: Carry;
}

/** Everything a trainer needs to go on where it stopped. */
export interface TrainerState {
  /** The number of updates done. */
  updates: number;
  parameters: NamedTensors;
  /** The name of the update rule, and its memory, [P] each. */
  optimizer: string;
  optimizerMemory: FloatArray[];
  /** The carried states [B,H] by name. */
  states: NamedTensors;
  /** The stream that dropout draws from. */
  random: RandomStateSnapshot;
}

/**
 * Trains a model on any engine. A call reads its arguments when it is made; what an engine computes on a device comes back
 * later, so that all calls give promises.
 */
export class Trainer<S = unknown> {
  readonly spec: ResolvedSpec;
  /** As they were given. */
  readonly options: TrainerOptions;
  protected readonly session: Session<S>;
  protected readonly reader: BatchReader;
  protected readonly rng: RandomState;
  protected updates = 0;
  /** Updates that calls have staged and that are not done yet. */
  private pending = 0;
  /** Counts failures: what was staged before one is not carried out. */
  private failures = 0;
  /** The last call: each waits for the one before. */
  private last: Promise<unknown> = Promise.resolve();
  private disposed = false;

  /** Made by {@link createTrainer}. */
  constructor(session: Session<S>, options: TrainerOptions) {
    assertTrainerOptions(options);
    if (!session.synchronous && (options.accumulate ?? 1) > 1) {
      throw new RangeError(`trainer: accumulate is ${options.accumulate}, engine ${session.engine} has none of it`);
    }
    this.session = session;
    this.spec = session.spec;
    this.options = options;
    const { steps, batch, labels = steps } = options;
    this.reader = new BatchReader(this.spec, steps, batch, labels, session.dtype);
    this.rng = new RandomState(options.seed ?? 0);
  }

  /** The engine's name. */
  get engine(): string {
    return this.session.engine;
  }

  get dtype(): Dtype {
    return this.session.dtype;
  }

  /** The engine in words: why this one, and on what it runs. */
  get description(): string {
    return this.session.description;
  }

  /** The number of updates done. */
  get step(): number {
    return this.updates;
  }

  /**
   * Does one update for each batch, in order; or for every `accumulate` of them.
   *
   * @returns the loss of each batch before its update, L2 included
   * @throws {RangeError | TypeError} on a batch that does not fit, wherever it stands in the list: nothing has changed then.
   *   {NonFiniteError} on a NaN or infinity, and what a schedule's rate throws: the updates of the batches before it are
   *   done; that batch has changed nothing.
   */
  train(batches: readonly TrainingBatch[]): Promise<Float64Array> {
    return this.losses('train', batches);
  }

  /**
   * The loss of each batch, in order, without learning, dropout or L2. A batch that carries goes on from where the one
   * before it ended, the first one from where training stands; that state is left as it was.
   */
  evaluate(batches: readonly TrainingBatch[]): Promise<Float64Array> {
    return this.losses('evaluate', batches);
  }

  /**
   * The outputs [steps,batch,V] ([batch,V] where the loss is at the last step) of a batch without targets: probabilities or
   * values, without dropout. The carried state is left as it was.
   */
  predict(batch: PredictionBatch): Promise<FloatArray> {
    return this.call('predict', () => {
      const { reader, spec, options } = this;
      const { carry = false } = batch ?? {};
      assertCarry(spec, carry);
      reader.readForPrediction(batch, carry);
      const { sequences } = reader;
      const staged = this.session.stage(reader, 'predict', this.rng, null);
      return () => {
        const read = ([{ outputs }]: readonly StepResult[]): FloatArray =>
          firstColumns(outputs!, options.batch, sequences, outputWidth(spec));
        const results = this.session.run([staged]);
        return 'then' in results ? results.then(read) : read(results);
      };
    });
  }

  /** Copies of the parameters by name. */
  parameters(): Promise<NamedTensors> {
    return this.call('parameters', () => async () => this.named((await this.session.snapshot()).parameters));
  }

  /** @throws {RangeError | TypeError} on a missing, surplus or misshapen parameter, or one that holds a NaN or infinity. */
  setParameters(parameters: NamedTensors): Promise<void> {
    return this.call('setParameters', () => {
      assertParameters(this.shape, parameters);
      const flat = this.flat(parameters);
      const restore = (snapshot: Snapshot): void => this.session.restore({ ...snapshot, parameters: flat });
      return () => {
        const snapshot = this.session.snapshot();
        return 'then' in snapshot ? snapshot.then(restore) : restore(snapshot);
      };
    });
  }

  state(): Promise<TrainerState> {
    return this.call('state', () => async () => {
      const { updates } = this;
      const random = this.rng.getState();
      const { parameters, memory, states } = await this.session.snapshot();
      return {
        updates,
        parameters: this.named(parameters),
        optimizer: this.options.optimizer.name,
        optimizerMemory: [...memory],
        states: Object.fromEntries(this.session.states.map((name, i) => [name, states[i]])),
        random,
      };
    });
  }

  /**
   * @throws as {@link setParameters}, and where the state is of another optimizer, or its memory, a carried state or the
   *   random stream is missing or misshapen; everything is then as it was.
   */
  setState(state: TrainerState): Promise<void> {
    return this.call('setState', () => {
      assertTrainerState(this.shape, state);
      const random = new RandomState(0);
      random.setState(state.random); // throws where it is no stream
      const copyOf = (values: FloatArray): FloatArray => {
        const copy = zeros(this.session.dtype, values.length);
        copy.set(values);
        return copy;
      };
      const snapshot = {
        parameters: this.flat(state.parameters),
        memory: state.optimizerMemory.map(copyOf),
        states: this.session.states.map((name) => copyOf(state.states[name])),
      };
      const { updates } = state;
      return () => {
        this.session.restore(snapshot);
        this.rng.setState(random.getState());
        this.updates = updates;
      };
    });
  }

  /**
   * Frees what the engine holds. Every call after it fails. A call that has not come to its end yet finishes on engines `ts`
   * and `wasm`, and is rejected on `webgpu`, whose buffers are gone.
   */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.session.dispose();
  }

  /** Runs batches in order, if all of them fit. */
  private losses(mode: Mode, batches: readonly TrainingBatch[]): Promise<Float64Array> {
    const fn = mode === 'train' ? 'train' : 'evaluate';
    return this.call(fn, () => {
      if (!Array.isArray(batches)) {
        const got = typeof batches === 'object' && batches !== null ? 'an object' : describe(batches);
        throw new TypeError(`trainer.${fn}: batches is ${got}, expected a list of batches: ${fn}([batch])`);
      }
      if (batches.length > 1) for (const batch of batches) this.read(batch);
      return this.session.synchronous ? this.runNow(mode, batches) : this.runLater(mode, batches);
    });
  }

  /** A session that is done when it returns: a batch is read when it is its turn. */
  private runNow(mode: Mode, batches: readonly TrainingBatch[]): () => Float64Array {
    const losses = new Float64Array(batches.length);
    if (mode === 'evaluate') this.session.saveStates();
    try {
      const size = mode === 'train' ? (this.options.accumulate ?? 1) : 1;
      for (let i = 0; i < batches.length; i += size) {
        this.runGroup(mode, batches.slice(i, i + size), losses.subarray(i, i + size));
        if (mode === 'train') this.updates++;
      }
    } finally {
      if (mode === 'evaluate') this.session.restoreStates();
    }
    return () => losses;
  }

  /** The batches of one update; where one fails, everything is as before the first. */
  private runGroup(mode: Mode, batches: readonly TrainingBatch[], losses: Float64Array): void {
    const before = this.streamBefore(mode);
    if (batches.length > 1) this.session.saveStates();
    try {
      for (const [i, batch] of batches.entries()) {
        const staged = this.stage(batch, i < batches.length - 1 ? 'accumulate' : mode, this.updates);
        const [result] = this.session.run([staged]) as readonly StepResult[];
        losses[i] = result.loss;
        if (result.failed !== null) {
          const step = this.session.failedStep(staged) as Awaited<ReturnType<Session<S>['failedStep']>>;
          throw this.nonFinite(result, step, this.updates);
        }
      }
    } catch (error) {
      if (before) this.rng.setState(before);
      if (batches.length > 1) this.session.restoreStates();
      throw error;
    }
  }

  /** A session that works on a device: every batch is read at once, and run when the calls before it are done. */
  private runLater(mode: Mode, batches: readonly TrainingBatch[]): () => Promise<Float64Array> {
    const staged: S[] = [];
    const streams: (RandomStateSnapshot | null)[] = [];
    let refused: { error: unknown } | null = null;
    for (const batch of batches) {
      const before = this.streamBefore(mode);
      try {
        staged.push(this.stage(batch, mode, this.updates + this.pending));
      } catch (error) {
        refused = { error };
        break;
      }
      streams.push(before);
      if (mode === 'train') this.pending++;
    }
    const { failures } = this;
    return async () => {
      const done = (count: number): void => {
        if (mode !== 'train') return;
        this.pending -= staged.length;
        this.updates += count;
      };
      if (failures !== this.failures) {
        throw new Error(`trainer.${mode}: a call before this one failed, so that it was not carried out`);
      }
      if (mode === 'evaluate') this.session.saveStates();
      try {
        const results = await this.session.run(staged);
        const failed = results.findIndex((result) => result.failed !== null);
        if (failed >= 0) {
          const before = streams[failed];
          if (before) this.rng.setState(before);
          const step = await this.session.failedStep(staged[failed]);
          const error = this.nonFinite(results[failed], step, this.updates + failed);
          done(failed);
          throw error;
        }
        done(staged.length);
        if (refused) throw refused.error;
        return Float64Array.from(results, ({ loss }) => loss);
      } catch (error) {
        if (mode === 'train' && error !== refused?.error) {
          this.failures++;
          this.pending = 0;
        }
        throw error;
      } finally {
        if (mode === 'evaluate') this.session.restoreStates();
      }
    };
  }

  /** The dropout stream before a step that draws from it. */
  protected streamBefore(mode: Mode): RandomStateSnapshot | null {
    return mode === 'train' && drops(this.spec) ? this.rng.getState() : null;
  }

  /** Reads a batch and makes its step ready. */
  protected stage(batch: TrainingBatch, mode: Mode, update: number): S {
    // What a schedule may refuse comes before anything is drawn.
    const learns = mode === 'train' || mode === 'accumulate';
    const numbers = learns ? stepNumbersOf(this.session.partition, update) : null;
    this.read(batch);
    return this.session.stage(this.reader, mode, this.rng, numbers);
  }

  /** Checks a batch, which the reader then describes. */
  private read(batch: TrainingBatch): void {
    const { carry = false } = batch ?? {};
    assertCarry(this.spec, carry);
    this.reader.read(batch, carry);
  }

  /**
   * A call: `read` checks and copies its arguments at once; what it returns does the work when the calls before are done.
   * A session that is done when it returns does the work at once, too.
   */
  private call<T>(fn: string, read: () => () => T | Promise<T>): Promise<T> {
    let work: () => T | Promise<T>;
    try {
      this.assertAlive(fn);
      work = read();
      if (this.session.synchronous) return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(error);
    }
    const turn = this.last.then(() => {
      this.assertAlive(fn);
      return work();
    });
    this.last = turn.catch(() => {});
    return turn;
  }

  protected nonFinite(result: StepResult, step: FailedStep, updates: number): NonFiniteError {
    return nonFiniteError(result, step, updates, this.session, this.options.optimizer.name);
  }

  protected assertAlive(fn: string): void {
    if (this.disposed) throw new Error(`trainer.${fn}: the trainer was disposed of`);
  }

  private get shape(): TrainerShape {
    const { dtype, layout, states, spec, partition } = this.session;
    const { optimizer, batch: B } = this.options;
    return { dtype, layout, optimizer: optimizer.name, blocks: partition.blocks, states, B, H: spec.hiddenSize };
  }

  private named(flat: FloatArray): NamedTensors {
    return Object.fromEntries(
      this.session.layout.map(({ name, offset, length }) => [name, flat.slice(offset, offset + length)]),
    );
  }

  private flat(parameters: NamedTensors): FloatArray {
    const { layout, dtype } = this.session;
    const last = layout[layout.length - 1];
    const values = zeros(dtype, last.offset + last.length);
    for (const { name, offset } of layout) values.set(parameters[name], offset);
    return values;
  }
}

/** The first `count` of B sequences of [rows,B,V]. */
function firstColumns(values: FloatArray, B: number, count: number, V: number): FloatArray {
  if (count === B) return values;
  const rows = values.length / (B * V);
  const first = values.slice(0, rows * count * V);
  for (let r = 0; r < rows; r++) first.set(values.subarray(r * B * V, (r * B + count) * V), r * count * V);
  return first;
}

/** A trainer on an engine whose buffers are this machine's memory; its steps can also be taken one by one, at once. */
export class CpuTrainer extends Trainer<CpuStep> {
  readonly model: SequenceModel<FloatArray, Int32Array>;
  private readonly cpu: CpuSession;

  /**
   * @param engines one, or several that work at the same time on shards of each batch
   * @param description the engine in words
   * @throws {RangeError | TypeError} where spec or options make no sense.
   */
  constructor(
    engines: CpuEngine | readonly CpuEngine[],
    spec: ModelSpec | ResolvedSpec,
    options: TrainerOptions,
    description = 'as given',
  ) {
    const list = Array.isArray(engines) ? engines : [engines as CpuEngine];
    assertTrainerOptions(options);
    const session = new CpuSession(list, spec, options, description);
    super(session, options);
    this.cpu = session;
    this.model = session.model;
  }

  /** One update, at once; as {@link train} of one batch. */
  update(batch: TrainingBatch): number {
    return this.now('train', batch, (step) => this.cpu.run([step])[0]);
  }

  /**
   * The loss of a batch and, in `model.gradients`, its gradient with L2, not clipped; nothing is updated or carried on.
   *
   * @throws as {@link train}
   */
  lossAndGradients(batch: TrainingBatch): number {
    return this.now('train', batch, (step) => this.cpu.lossAndGradients(step), false);
  }

  /** The loss of a batch without dropout or L2, from the carried state where the batch says so; nothing is carried on. */
  lossOf(batch: TrainingBatch): number {
    this.cpu.saveStates();
    try {
      return this.now('evaluate', batch, (step) => this.cpu.run([step])[0]);
    } finally {
      this.cpu.restoreStates();
    }
  }

  private now(mode: Mode, batch: TrainingBatch, run: (step: CpuStep) => StepResult, counts = true): number {
    this.assertAlive(mode);
    const before = this.streamBefore(mode);
    const result = run(this.stage(batch, mode, this.updates));
    if (result.failed !== null) {
      if (before) this.rng.setState(before);
      throw this.nonFinite(result, this.cpu.failedStep(), this.updates);
    }
    if (mode === 'train' && counts) this.updates++;
    return result.loss;
  }
}
