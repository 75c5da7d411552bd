import {
  createTrainer,
  type NamedTensors,
  NonFiniteError,
  parameterLayout,
  type Trainer,
  type TrainingBatch,
} from 'bptt';
import { CharWindows, splitTail } from 'bptt/data';
import { l2Forward, sgd } from 'bptt/optim';
import { commandGpu } from './commandGpu.ts';
import type { HeldOut } from './runFile.ts';
import { type Settings, specOf, summedOver } from './settings.ts';
import type { Ids } from './symbols.ts';

/** The time that a run gets where nothing is said of its length. */
export const DEFAULT_SECONDS = 30;

/** The training figure forgets: a symbol read so many symbols ago counts 1/e of one that is read now. */
const REMEMBERED = 25_000;
/** The penalty changes slowly, and measuring it costs a pass over the weights. */
const PENALTY_EVERY = 100;

/** Where a training has come to, beside what its trainer knows. */
export interface TrainingPoint {
  /** The number of windows learnt from. */
  iteration: number;
  /** Where in its stream the last window ended. */
  position: number;
  /** The notebook's: 0.999·smooth loss + 0.001·loss, window by window; begins at the loss of a net that knows nothing. */
  smoothLoss: number;
  /** Sums over the symbols read, of their nats and of 1, in which older ones fade. */
  nats: number;
  weight: number;
  /** λ·Σw², L2's share of the loss, as measured at the last multiple of {@link PENALTY_EVERY} iterations. */
  penalty: number;
}

/** A text cut into windows to learn from and a tail to measure on. */
export interface Reading {
  windows: CharWindows;
  /** From the symbol before the held-out ones on; empty where none are held out. */
  heldOut: Int32Array;
  /** The number of symbols in all. */
  length: number;
}

/** @throws {RangeError} where the text, or what is left of it to learn from, is shorter than a window. */
export function readingOf(ids: Ids, settings: Settings): Reading {
  const { steps, batch, validation, unit } = settings;
  const { train, validation: tail } = splitTail(ids, validation);
  const held = tail.length > 0 ? Int32Array.from(ids.subarray(train.length - 1)) : new Int32Array(0);
  const least = steps * batch + 1;
  if (train.length < least) {
    const window = batch > 1 ? `${batch} windows of ${count(steps, unit)}` : `a window of ${count(steps, unit)}`;
    const smaller = batch > 1 ? '; a smaller --batch or --steps needs less' : '';
    throw new RangeError(
      `the text to train on has ${count(train.length, unit)}, expected at least ${least}: ${window} and one more${smaller}`,
    );
  }
  return { windows: new CharWindows(train, steps, batch), heldOut: held, length: ids.length };
}

/** A number of things in words: `1 character`, `2 characters`. */
export function count(n: number, unit: string): string {
  return `${n} ${unit}${n === 1 ? '' : 's'}`;
}

/** A net reading a text window by window, its state carried on: min-char-rnn's loop. One iteration is one window. */
export class Training {
  readonly trainer: Trainer;
  readonly reading: Reading;
  point: TrainingPoint;
  /** Of the last window: nats summed over its steps and averaged over the sequences, L2 included. */
  loss: number;
  /** Spent on learning. */
  seconds = 0;

  private readonly settings: Settings;
  private readonly pool: WindowBatch[] = [];
  /** Reads one stream; a trainer of more sequences would compute all of them. Made at the first measurement. */
  private streamTrainer: Trainer | undefined;

  constructor(trainer: Trainer, settings: Settings, reading: Reading) {
    this.trainer = trainer;
    this.settings = settings;
    this.reading = reading;
    this.loss = Math.log(trainer.spec.outputSize) * settings.steps;
    this.point = { iteration: 0, position: 0, smoothLoss: this.loss, nats: 0, weight: 0, penalty: 0 };
  }

  get iteration(): number {
    return this.point.iteration;
  }

  /** Bits per symbol of the training text, without L2: a mean over the symbols read, in which older ones fade. */
  get bits(): number {
    const { nats, weight } = this.point;
    return weight === 0 ? Math.log2(this.trainer.spec.outputSize) : nats / weight / Math.LN2;
  }

  /** Learns from the next `count` windows, which go to the next multiple of {@link PENALTY_EVERY} at most. */
  async advance(count: number): Promise<void> {
    const { steps, batch } = this.settings;
    const start = performance.now();
    const { point } = this;
    if (this.settings.l2 > 0 && point.iteration % PENALTY_EVERY === 0) point.penalty = await this.penalty();
    while (this.pool.length < count) this.pool.push(emptyBatch(steps * batch));
    const batches = this.pool.slice(0, count);
    for (const window of batches) window.carry = !this.reading.windows.next(window.inputs, window.targets);
    const losses = await this.trainer.train(batches);
    const symbols = steps * batch;
    const fade = Math.exp(-symbols / REMEMBERED);
    for (const loss of losses) {
      const nats = (loss - point.penalty) * summedOver(this.settings, symbols);
      this.loss = nats / batch + point.penalty;
      point.smoothLoss = point.smoothLoss * 0.999 + this.loss * 0.001;
      point.nats = point.nats * fade + nats;
      point.weight = point.weight * fade + symbols;
    }
    point.iteration += count;
    point.position = this.reading.windows.position;
    this.seconds += (performance.now() - start) / 1000;
  }

  /**
   * Bits per symbol of the first `most` held-out symbols, read as one stream, whatever the windows and sequences of the
   * training: so that runs can be compared. It begins in the state that training has come to, in the first of its sequences:
   * a net whose state is carried through all of training may never find its way there from zeros. Undefined where none are
   * held out.
   */
  async heldOut(most = Infinity): Promise<HeldOut | undefined> {
    const { steps } = this.settings;
    const ids = this.reading.heldOut;
    const symbols = Math.min(most, ids.length - 1);
    if (symbols < 1) return undefined;
    const windows: TrainingBatch[] = [];
    for (let at = 0; at < symbols; at += steps) {
      const end = Math.min(at + steps, symbols);
      windows.push({
        ...{ inputs: ids.subarray(at, end), targets: ids.subarray(at + 1, end + 1) },
        ...{ steps: end - at, batch: 1, carry: true },
      });
    }
    const trainer = await this.forOneStream();
    const losses = await trainer.evaluate(windows);
    const nats = losses.reduce((sum, loss, i) => sum + loss * summedOver(this.settings, windows[i].inputs.length), 0);
    return { bits: nats / symbols / Math.LN2, symbols };
  }

  /**
   * Looks whether this is a point to go on from.
   *
   * @throws {NonFiniteError} where the last update overflowed.
   */
  async check(): Promise<void> {
    for (const [name, values] of Object.entries(await this.trainer.parameters())) {
      const bad = values.find((v) => !Number.isFinite(v));
      if (bad !== undefined) throw new NonFiniteError(name, this.trainer.step, bad);
    }
  }

  /** Goes on from a point that the trainer has come to. */
  resume(point: TrainingPoint): void {
    this.point = { ...point };
    this.reading.windows.position = point.position;
  }

  /** A trainer of one sequence that stands where this one does, in the state of its first sequence. */
  private async forOneStream(): Promise<Trainer> {
    const { trainer, settings } = this;
    const { steps, batch, dtype, engine, fma } = settings;
    if (batch === 1) return trainer;
    this.streamTrainer ??= await createTrainer(specOf(settings, trainer.spec.outputSize), {
      ...{ steps, batch: 1, dtype, engine, fma, optimizer: sgd({ lr: 0 }) },
      ...(await commandGpu(engine)),
    });
    const { parameters, states, random } = await trainer.state();
    const first = Object.entries(states).map(([name, of]) => [name, of.subarray(0, of.length / batch)]);
    await this.streamTrainer.setState({
      ...{ updates: 0, parameters, optimizer: 'sgd', optimizerMemory: [], random },
      states: Object.fromEntries(first) as NamedTensors,
    });
    return this.streamTrainer;
  }

  private async penalty(): Promise<number> {
    const parameters: NamedTensors = await this.trainer.parameters();
    const weights = parameterLayout(this.trainer.spec).filter(({ decays }) => decays);
    return weights.reduce((sum, { name }) => sum + l2Forward(parameters[name], this.settings.l2), 0);
  }
}

interface WindowBatch extends TrainingBatch {
  inputs: Int32Array;
  targets: Int32Array;
  carry: boolean;
}

function emptyBatch(length: number): WindowBatch {
  return { inputs: new Int32Array(length), targets: new Int32Array(length), carry: false };
}
