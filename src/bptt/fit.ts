import { describe } from '../check/describe.ts';
import { learningRateAt } from '../optim/optimizer.ts';
import { RandomState } from '../tensor/random.ts';
import { BatchReader } from './batch.ts';
import { EventLoopTurns } from './eventLoop.ts';
import { assertMetrics, type MetricName, MetricSums, type Metrics, needOutputs } from './metrics.ts';
import { assertOptions, FIT_OPTIONS } from './options.ts';
import { partsOf, type Sequence, SequenceBatches, sequencesOfWindows, type Windows } from './sequenceBatches.ts';
import type { NamedTensors } from './spec.ts';
import type { Trainer, TrainingBatch } from './trainer.ts';

/**
 * What {@link fit} trains on: sequences of different lengths, each by itself; windows of one length, as `seriesWindows` cuts
 * them; or whole batches. Batches may also be a function that gives those of an epoch, one after another: what it gives is
 * used before it is asked for more (with `accumulate: k`, before it is asked for another k).
 */
export type FitData =
  | { sequences: readonly Sequence[] }
  | { windows: Windows }
  | { batches: readonly TrainingBatch[] | ((epoch: number) => Iterable<TrainingBatch>) };

/** What {@link fit} takes beside trainer and data. */
export interface FitOptions {
  /** How many times all of the data is gone through. */
  epochs: number;
  /** Sequences or windows of a batch. Default: the trainer's. */
  batch?: number;
  /** Whether each epoch has an order of its own. Default true; of batches false, since they may carry. */
  shuffle?: boolean;
  /** Whether sequences of similar length share a batch, so that little is padding. Default true. */
  bucket?: boolean;
  /** Seeds the order, and the choice of what is for validation. Default 0. */
  seed?: number;
  /**
   * What is held out: data of its own, or a share of the data: of sequences a random one, of windows and batches the last.
   * Default: nothing.
   */
  validation?: FitData | number;
  /** Measured after each epoch: on what is held out, on the training data where nothing is. Default: none. */
  metrics?: readonly MetricName[];
  /** What tells the best epoch: the loss (of what is held out, else of training) or a metric. Default `loss`. */
  monitor?: 'loss' | Exclude<MetricName, 'confusion'>;
  /** Stop after so many epochs without a better one. Default: never. */
  patience?: number;
  /** By how much an epoch must be better to count. Default 0. */
  minDelta?: number;
  /** Whether the weights of the best epoch are put back at the end. Default: where there is `patience`. */
  restoreBest?: boolean;
  /** Called after each batch; false (or a promise of it) stops. */
  onBatch?: (progress: BatchProgress) => unknown;
  /** Called after each epoch; false (or a promise of it) stops. */
  onEpoch?: (record: EpochRecord) => unknown;
  /** An AbortSignal: stops at the next batch when it is aborted. */
  signal?: { readonly aborted: boolean };
}

/** A batch that was trained on. */
export interface BatchProgress {
  /** 1, 2, … */
  readonly epoch: number;
  /** Of this epoch: 1, 2, … */
  readonly batch: number;
  /** As {@link Trainer.train} gives it, before the update. */
  readonly loss: number;
  /** The updates that the trainer has done. */
  readonly updates: number;
}

/** An epoch, as plain data. */
export interface EpochRecord {
  /** 1, 2, … */
  readonly epoch: number;
  /** The updates that the trainer has done. */
  readonly updates: number;
  /** That of the next update. */
  readonly learningRate: number;
  /**
   * The mean loss of a row (a step of a sequence, or a sequence where there is a loss for each) while training, L2 and
   * dropout included; with reduction `mean`, of one output where outputs are compared one by one.
   */
  readonly loss: number;
  /** The same of what is held out, without L2 and dropout. */
  readonly validationLoss?: number;
  readonly metrics: Metrics;
}

/** What {@link fit} did, as plain data. */
export interface FitHistory {
  readonly epochs: readonly EpochRecord[];
  /** The number of the best epoch, whose weights the trainer has where `restoreBest` is on; null where none was finished. */
  readonly best: number | null;
  readonly stopped: 'epochs' | 'patience' | 'callback' | 'signal';
}

/**
 * Trains for some epochs: shuffles, puts sequences into padded batches, holds data out, measures, and stops early. The event
 * loop has a turn at least every 16 ms, where no batch takes longer by itself. The learning rate is the optimizer's, a
 * schedule counts updates.
 *
 * Validation batches that carry are evaluated in one piece with those they go on from, without a turn.
 *
 * @throws {RangeError | TypeError} on an unknown option or one that makes no sense, data that does not fit the trainer;
 *   {NonFiniteError} as {@link Trainer.train}; what a callback throws. The updates done so far stay.
 */
export async function fit(trainer: Trainer, data: FitData, options: FitOptions): Promise<FitHistory> {
  if (typeof (trainer as Partial<Trainer> | null | undefined)?.train !== 'function') {
    throw new TypeError(`fit: trainer is ${describe(trainer)}, expected a trainer, as createTrainer gives it`);
  }
  assertOptions('fit', options, FIT_OPTIONS);
  return new Fit(trainer, data, options).run();
}

/** Batches of an epoch. */
type Source = (epoch: number, rng?: RandomState) => Iterable<TrainingBatch>;

class Fit {
  private readonly trainer: Trainer;
  private readonly options: FitOptions;
  private readonly metrics: readonly MetricName[];
  private readonly training: Source;
  private readonly validation: Source | null;
  private readonly shuffle: boolean;
  /** Knows the rows that count and their targets, whatever the reduction. */
  private readonly reader: BatchReader;
  private readonly rng: RandomState;
  private readonly turns = new EventLoopTurns();
  private stopped: FitHistory['stopped'] | null = null;

  constructor(trainer: Trainer, data: FitData, options: FitOptions) {
    const fn = 'fit';
    this.trainer = trainer;
    this.options = options;
    const { spec, dtype } = trainer;
    const { steps, batch, labels = steps } = trainer.options;
    const { epochs, metrics = [], patience, minDelta = 0, validation, seed = 0 } = options;
    assertWhole('epochs', epochs);
    if (patience !== undefined) assertWhole('patience', patience);
    if (options.batch !== undefined) assertWhole('batch', options.batch, batch);
    if (!(minDelta >= 0)) throw new RangeError(`${fn}: minDelta is ${describe(minDelta)}, expected a number ≥ 0`);
    if (!Array.isArray(metrics))
      throw new TypeError(`${fn}: metrics is ${describe(metrics)}, expected a list of names`);
    assertMetrics(fn, spec, metrics);
    this.metrics = metrics;
    const { monitor = 'loss' } = options;
    if (monitor !== 'loss' && (!metrics.includes(monitor) || (monitor as string) === 'confusion')) {
      throw new RangeError(`${fn}: monitor is ${describe(monitor)}, expected loss or a number among metrics`);
    }
    this.rng = new RandomState(seed);
    this.reader = new BatchReader({ ...spec, reduction: 'sum' }, steps, batch, labels, dtype);
    if (typeof validation === 'number') {
      if (!(validation > 0 && validation < 1)) {
        throw new RangeError(`${fn}: validation is ${validation}, expected a share between 0 and 1, or data`);
      }
      [this.training, this.validation] = this.split(data, validation);
    } else {
      this.training = this.sourceOf(data);
      this.validation = validation === undefined ? null : this.sourceOf(validation);
    }
    const measured = typeof validation === 'object' ? validation : data;
    if (needOutputs(metrics) && 'batches' in measured && Array.isArray(measured.batches)) {
      for (const one of measured.batches) this.assertMeasurable(one);
    }
    const { shuffle = !('batches' in data) } = options;
    this.shuffle = shuffle;
  }

  async run(): Promise<FitHistory> {
    const { trainer, options } = this;
    const { epochs, patience = Number.POSITIVE_INFINITY, restoreBest = options.patience !== undefined } = options;
    const records: EpochRecord[] = [];
    let best: { readonly record: EpochRecord; readonly parameters: NamedTensors | null } | null = null;
    for (let epoch = 1; epoch <= epochs && this.stopped === null; epoch++) {
      const loss = await this.trainEpoch(epoch);
      if (loss === null) break;
      const record = await this.measure(epoch, loss);
      records.push(record);
      if (best === null || this.isBetter(record, best.record)) {
        best = { record, parameters: restoreBest ? await trainer.parameters() : null };
      }
      if (record.epoch - best.record.epoch >= patience) this.stopped = 'patience';
      if ((await options.onEpoch?.(record)) === false) this.stopped = 'callback';
    }
    if (best?.parameters) await trainer.setParameters(best.parameters);
    return { epochs: records, best: best?.record.epoch ?? null, stopped: this.stopped ?? 'epochs' };
  }

  /** The mean loss of a row; null where it was stopped before the end. */
  private async trainEpoch(epoch: number): Promise<number | null> {
    const { trainer, options } = this;
    const { accumulate = 1 } = trainer.options;
    const mean = new MeanLoss(trainer.spec.reduction);
    let done = 0;
    for (const group of groupsOf(this.training(epoch, this.shuffle ? this.rng : undefined), accumulate)) {
      if (options.signal?.aborted) this.stopped = 'signal';
      if (this.stopped !== null) return null;
      const losses = await trainer.train(group);
      for (const [i, batch] of group.entries()) {
        mean.add(losses[i], this.rowsOf(batch));
        const progress = { epoch, batch: ++done, loss: losses[i], updates: trainer.step };
        if ((await options.onBatch?.(progress)) === false) this.stopped = 'callback';
      }
      await this.turns.take();
    }
    if (done === 0) throw new RangeError(`fit: epoch ${epoch} has no batches`);
    return this.stopped === null ? mean.value : null;
  }

  private async measure(epoch: number, loss: number): Promise<EpochRecord> {
    const { trainer, metrics, validation } = this;
    const { spec } = trainer;
    let validationLoss: number | null = null;
    if (validation !== null) {
      const mean = new MeanLoss(spec.reduction);
      for (const chain of chainsOf(validation(epoch))) {
        const losses = await trainer.evaluate(chain);
        for (const [i, batch] of chain.entries()) mean.add(losses[i], this.rowsOf(batch));
        await this.turns.take();
      }
      validationLoss = mean.value;
    }
    const sums = new MetricSums(spec, metrics);
    if (needOutputs(metrics)) {
      for (const batch of (validation ?? this.training)(epoch)) {
        this.assertMeasurable(batch);
        const { targets, lossWeights, targetLengths, ...inputs } = batch;
        const outputs = await trainer.predict(inputs);
        this.reader.read(withoutCarry(batch));
        sums.add(outputs, this.reader, trainer.options.batch);
        await this.turns.take();
      }
    }
    const { step } = trainer;
    return {
      ...{ epoch, updates: step, learningRate: learningRateAt(trainer.options.optimizer.lr, step), loss },
      ...(validationLoss === null ? {} : { validationLoss }),
      metrics: sums.result(validationLoss ?? loss),
    };
  }

  private isBetter(record: EpochRecord, best: EpochRecord): boolean {
    const { monitor = 'loss', minDelta = 0 } = this.options;
    const measured = ({ loss, validationLoss = loss, metrics }: EpochRecord): number =>
      monitor === 'loss' ? validationLoss : metrics[monitor]!;
    const gain = measured(best) - measured(record);
    return (monitor === 'accuracy' ? -gain : gain) > minDelta;
  }

  /** The weights of a batch's rows, summed. */
  private rowsOf(batch: TrainingBatch): number {
    this.reader.read(withoutCarry(batch));
    let rows = 0;
    for (const weight of this.reader.weights) rows += weight;
    return rows;
  }

  private assertMeasurable(batch: TrainingBatch): void {
    if (!carries(batch)) return;
    throw new RangeError(`fit: metrics ${this.metrics.join(', ')} compare outputs, but a batch carries`);
  }

  private sourceOf(data: FitData): Source {
    if ('batches' in assertData(data)) {
      const { batches } = data as { batches: readonly TrainingBatch[] | ((epoch: number) => Iterable<TrainingBatch>) };
      if (typeof batches === 'function') return batches;
      if (!Array.isArray(batches)) {
        throw new TypeError(`fit: batches is ${describe(batches)}, expected a list or a function`);
      }
      return this.sourceOfBatches(batches);
    }
    const sequences = this.sequencesOf(data);
    return this.sourceOfSequences(
      sequences,
      sequences.lengths.map((_, i) => i),
    );
  }

  private split(data: FitData, share: number): [training: Source, validation: Source] {
    if ('batches' in assertData(data)) {
      const { batches } = data as { batches: readonly TrainingBatch[] };
      if (!Array.isArray(batches)) {
        throw new TypeError(
          'fit: validation is a share, expected batches as a list, or data for validation of its own',
        );
      }
      const cut = cutOf(batches.length, share);
      return [this.sourceOfBatches(batches.slice(0, cut)), this.sourceOfBatches(batches.slice(cut))];
    }
    const sequences = this.sequencesOf(data);
    const N = sequences.lengths.length;
    // Windows of a series overlap: a random one has been seen.
    const order = 'windows' in data ? sequences.lengths.map((_, i) => i) : this.rng.permutation(N);
    const cut = cutOf(N, share);
    const part = (from: number, to: number): Source =>
      this.sourceOfSequences(sequences, Int32Array.from(order.subarray(from, to)).sort());
    return [part(0, cut), part(cut, N)];
  }

  private sourceOfBatches(batches: readonly TrainingBatch[]): Source {
    return (_, rng) => partsOf(Int32Array.from(batches.keys()), null, 1, rng).map(([i]) => batches[i]);
  }

  private sourceOfSequences(sequences: SequenceBatches, indices: Int32Array): Source {
    const { bucket = true } = this.options;
    return (_, rng) => sequences.batches(indices, bucket, rng);
  }

  private sequencesOf(data: FitData): SequenceBatches {
    const { spec, dtype, options } = this.trainer;
    const { steps, labels = steps, batch } = options;
    const sequences =
      'windows' in data
        ? sequencesOfWindows('fit', spec, data.windows)
        : (data as { sequences: readonly Sequence[] }).sequences;
    return new SequenceBatches('fit', spec, dtype, { steps, labels, batch: this.options.batch ?? batch }, sequences);
  }
}

/** Losses of batches of different sizes as the mean loss of a row. */
class MeanLoss {
  private readonly reduction: 'sum' | 'mean' | number;
  private sum = 0;
  private rows = 0;

  constructor(reduction: 'sum' | 'mean' | number) {
    this.reduction = reduction;
  }

  add(loss: number, rows: number): void {
    const { reduction } = this;
    this.sum += reduction === 'mean' ? loss * rows : reduction === 'sum' ? loss : loss / reduction;
    this.rows += rows;
  }

  get value(): number {
    return this.sum / this.rows;
  }
}

function assertData(data: FitData): FitData {
  const kinds = typeof data === 'object' && data !== null ? Object.keys(data) : [];
  if (kinds.length !== 1 || !['sequences', 'windows', 'batches'].includes(kinds[0])) {
    throw new TypeError(`fit: data is ${describe(data)}, expected { sequences }, { windows } or { batches }`);
  }
  return data;
}

function assertWhole(option: string, value: unknown, most = Number.POSITIVE_INFINITY): void {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  const wanted = most === Number.POSITIVE_INFINITY ? '≥ 1' : `from 1 to the trainer's ${most}`;
  throw new RangeError(`fit: ${option} is ${describe(value)}, expected a whole number ${wanted}`);
}

/** Where a share at the end begins; both parts have something. */
function cutOf(count: number, share: number): number {
  if (count < 2) throw new RangeError(`fit: validation is a share, but there is only ${count} to be shared`);
  return count - Math.min(count - 1, Math.max(1, Math.round(count * share)));
}

function carries({ carry = false }: TrainingBatch): boolean {
  return typeof carry === 'boolean' ? carry : Array.from(carry).some((one) => one === 1);
}

function withoutCarry({ carry, ...batch }: TrainingBatch): TrainingBatch {
  return batch;
}

/** Batches in groups of so many. */
function* groupsOf(batches: Iterable<TrainingBatch>, size: number): Generator<TrainingBatch[]> {
  let group: TrainingBatch[] = [];
  for (const batch of batches) {
    group.push(batch);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Batches with those that carry on from them. */
function* chainsOf(batches: Iterable<TrainingBatch>): Generator<TrainingBatch[]> {
  let chain: TrainingBatch[] = [];
  for (const batch of batches) {
    if (chain.length > 0 && !carries(batch)) {
      yield chain;
      chain = [];
    }
    chain.push(batch);
  }
  if (chain.length > 0) yield chain;
}
