import {
  type NamedTensors,
  NonFiniteError,
  parameterLayout,
  type ResolvedSpec,
  type Trainer,
  type TrainerState,
  type TrainingBatch,
} from 'bptt';
import { CharWindows, splitTail } from 'bptt/data';
import { l2Forward } from 'bptt/optim';
import type { Settings } from './settings.ts';

/** About how many characters of the held-out text are read to measure it. */
const heldOutCharacters = 2500;

/** A point of a run that training can go on from. */
export interface Checkpoint {
  iteration: number;
  smoothLoss: number;
  /** Where in its stream the last window ended. */
  position: number;
  state: TrainerState;
}

/** A text cut into windows to learn from and a tail to measure on. */
export interface Reading {
  windows: CharWindows;
  heldOut: TrainingBatch[];
  /** The length of the text, and of its tail; 0 where that is shorter than a window, and so learnt from as well. */
  length: number;
  heldOutLength: number;
}

/** @throws {RangeError} where the text, or what is left of it to learn from, is shorter than a window. */
export function readingOf(ids: Int32Array, settings: Settings): Reading {
  const { train, validation } = splitTail(ids, settings.validation);
  const holdsOut = validation.length > settings.steps * settings.batch;
  return {
    windows: windowsOf(holdsOut ? train : ids, settings),
    heldOut: holdsOut ? heldOutWindows(validation, settings) : [],
    length: ids.length,
    heldOutLength: holdsOut ? validation.length : 0,
  };
}

/** A net reading a text window by window, its state carried on: min-char-rnn's loop. One iteration is one window. */
export class Training {
  readonly trainer: Trainer;
  readonly reading: Reading;
  /** The number of windows learnt from. */
  iteration = 0;
  /** Of the last window: nats summed over its characters, L2 included. */
  loss: number;
  /** 0.999·smooth loss + 0.001·loss, window by window; begins at the loss of a net that knows nothing. */
  smoothLoss: number;

  private readonly settings: Settings;
  private readonly pool: WindowBatch[] = [];
  /** λ·Σw² as last measured. */
  private penalty = 0;

  constructor(trainer: Trainer, settings: Settings, reading: Reading, vocabularySize: number) {
    this.trainer = trainer;
    this.settings = settings;
    this.reading = reading;
    this.loss = Math.log(vocabularySize) * settings.steps;
    this.smoothLoss = this.loss;
  }

  /** Of the training text, by the smooth loss without L2. */
  get bitsPerChar(): number {
    return (this.smoothLoss - this.penalty) / (this.settings.steps * Math.LN2);
  }

  /** Learns from the next `count` windows. */
  async advance(count: number): Promise<void> {
    const { steps, batch } = this.settings;
    while (this.pool.length < count) this.pool.push(emptyBatch(steps * batch));
    const batches = this.pool.slice(0, count);
    for (const window of batches) window.carry = !this.reading.windows.next(window.inputs, window.targets);
    const losses = await this.trainer.train(batches);
    for (const loss of losses) this.smoothLoss = this.smoothLoss * 0.999 + loss * 0.001;
    this.loss = losses[count - 1];
    this.iteration += count;
  }

  /**
   * Bits per character of the held-out text; undefined without any. The state is carried through it, beginning with a
   * copy of the one that training has come to: that is the only one that the net is sure to be at home in.
   */
  async heldOutBitsPerChar(): Promise<number | undefined> {
    if (this.reading.heldOut.length === 0) return undefined;
    const losses = await this.trainer.evaluate(this.reading.heldOut);
    return losses.reduce((a, b) => a + b) / (losses.length * this.settings.steps * Math.LN2);
  }

  /**
   * A copy of all that is needed to go on from here.
   *
   * @throws {NonFiniteError} where the last update overflowed, so that it is no point to go on from.
   */
  async checkpoint(): Promise<Checkpoint> {
    const state = await this.trainer.state();
    assertFinite(state);
    this.penalty = penaltyOf(this.trainer.spec, state.parameters, this.settings.l2);
    const { iteration, smoothLoss, reading } = this;
    return { iteration, smoothLoss, position: reading.windows.position, state };
  }

  /** Goes on from a checkpoint. */
  async resume({ iteration, smoothLoss, position, state }: Checkpoint): Promise<void> {
    await this.trainer.setState(state);
    this.reading.windows.position = position;
    this.iteration = iteration;
    this.smoothLoss = smoothLoss;
    this.penalty = penaltyOf(this.trainer.spec, state.parameters, this.settings.l2);
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

function windowsOf(ids: Int32Array, { steps, batch }: Settings): CharWindows {
  const least = steps * batch + 1;
  if (ids.length < least) {
    const window = batch > 1 ? `${batch} windows of ${steps} characters` : `a window of ${steps} characters`;
    throw new RangeError(
      `the text to train on has ${ids.length} characters, expected at least ${least}: ${window} and one more`,
    );
  }
  return new CharWindows(ids, steps, batch);
}

function heldOutWindows(ids: Int32Array, { steps, batch }: Settings): TrainingBatch[] {
  const windows = new CharWindows(ids, steps, batch);
  const wanted = Math.max(1, Math.floor(heldOutCharacters / (steps * batch)));
  return Array.from({ length: Math.min(wanted, windows.windowsPerPass) }, () => {
    const window = { ...emptyBatch(steps * batch), carry: true };
    windows.next(window.inputs, window.targets);
    return window;
  });
}

function penaltyOf(spec: ResolvedSpec, parameters: NamedTensors, l2: number): number {
  if (l2 === 0) return 0;
  const weights = parameterLayout(spec).filter(({ decays }) => decays);
  return weights.reduce((sum, { name }) => sum + l2Forward(parameters[name], l2), 0);
}

function assertFinite({ parameters, updates }: TrainerState): void {
  for (const [name, values] of Object.entries(parameters)) {
    const bad = values.find((v) => !Number.isFinite(v));
    if (bad !== undefined) throw new NonFiniteError(name, updates, bad);
  }
}
