import { setImmediate } from 'node:timers/promises';
import type { EngineName, ModelSpec } from 'bptt';
import type { CharVocabulary } from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import { encodeCharModel, samplerOf, type TextNote } from './charModel.ts';
import type { LogRow } from './learningCurve.ts';
import { createProgress, type Metrics, type Progress } from './progress.ts';
import type { RunFolder } from './runFolder.ts';
import { describe, type Settings } from './settings.ts';
import type { Checkpoint, Training } from './training.ts';

/** Windows between two turns of the event loop: the largest of these that takes less than `chunkSeconds`. */
const chunkSizes = [1, 2, 5, 10, 20, 50, 100];
const chunkSeconds = 0.02;
/** A row of the log stands for every hundredth iteration, or a second where those take longer. */
const rowEvery = 100;
const rowSeconds = 1;
/** Measuring on held-out text may take this share of the time. */
const measuringShare = 0.1;
/** Model and curve are written at the end, and this often on the way. */
const keepSeconds = 30;
/** Samples come after this time and then whenever it has grown by half. */
const firstSampleSeconds = 5;
const sampleLength = 200;

/** When a run ends, and how often it shows a sample. */
export interface Limits {
  /** The run ends at this iteration. */
  iterations?: number | undefined;
  /** The run ends after this time, counted from when it was started or resumed. */
  seconds?: number | undefined;
  /** Iterations between two samples, 0 for none; by default after 5 seconds and then ever more rarely. */
  sampleEvery?: number | undefined;
}

export interface RunParts {
  training: Training;
  folder: RunFolder;
  engine: EngineName;
  spec: ModelSpec;
  vocabulary: CharVocabulary;
  settings: Settings;
  text: TextNote;
  /** Of the run so far, where it is resumed. */
  rows: LogRow[];
  secondsBefore: number;
  limits: Limits;
}

/** Trains, shows how it goes, and keeps what is reached in the run's folder. */
export class TrainingRun {
  private readonly parts: RunParts;
  private readonly training: Training;
  private readonly progress: Progress;
  private readonly startedAt = performance.now();
  /** The last state that was looked at and found whole. */
  private lastGood!: Checkpoint;
  /** The held-out text's bits per character as last measured, and the iteration of that. */
  private heldOut: number | undefined;
  private heldOutAt = 0;
  private chunk = chunkSizes[0];
  private measuringSeconds = 0;
  private rowAt = 0;
  private keptAt = 0;
  private sampledAt = 0;
  private stopped = false;

  constructor(parts: RunParts) {
    const { limits, settings, training } = parts;
    this.parts = parts;
    this.training = training;
    this.progress = createProgress({
      unit: 'iteration',
      total: limits.iterations,
      seconds: limits.seconds,
      from: training.iteration,
      rate: { unit: 'characters', perUnit: settings.steps * settings.batch },
    });
  }

  /** Ends the run after the chunk of windows that is being learnt from. */
  stop(): void {
    this.stopped = true;
  }

  /**
   * Trains until a limit or {@link stop}.
   *
   * @throws {Error} on a NaN or infinity, or where it cannot write; the folder then keeps the last whole state.
   */
  async run(): Promise<void> {
    this.lastGood = await this.training.checkpoint();
    try {
      while (!this.isOver()) await this.step();
      await this.finish();
    } catch (error) {
      await this.keep();
      const kept = `${this.parts.folder.path} keeps the model of iteration ${this.lastGood.iteration}`;
      throw new Error(`${(error as Error).message}; ${kept}`, { cause: error });
    } finally {
      this.progress.stop();
    }
  }

  /** Since the run was started or resumed. */
  private get elapsed(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  private isOver(): boolean {
    const { iterations = Infinity, seconds = Infinity } = this.parts.limits;
    return this.stopped || this.training.iteration >= iterations || this.elapsed >= seconds;
  }

  /** A chunk of windows, and what is due after it. */
  private async step(): Promise<void> {
    const { training } = this;
    const count = this.nextChunk();
    const start = performance.now();
    await training.advance(count);
    this.adaptChunk((performance.now() - start) / 1000 / count);
    if (this.isOver()) return;
    const rowDue = training.iteration % rowEvery === 0 || this.elapsed - this.rowAt >= rowSeconds;
    if (rowDue && this.measuringSeconds <= measuringShare * this.elapsed) await this.measure();
    if (rowDue) this.addRow();
    if (this.isSampleDue()) {
      this.lastGood = await training.checkpoint();
      await this.showSample();
    }
    if (this.elapsed - this.keptAt >= keepSeconds) {
      this.lastGood = await training.checkpoint();
      await this.keep();
    }
    this.progress.update(training.iteration, this.metrics());
    await setImmediate(); // signals get their turn
  }

  /** Measures where the run ends, and keeps it; who has stopped it waits for nothing more than the keeping. */
  private async finish(): Promise<void> {
    if (this.stopped) this.lastGood = await this.training.checkpoint();
    else if (this.training.iteration > this.heldOutAt) await this.measure();
    this.addRow();
    await this.keep();
    this.progress.update(this.training.iteration, this.metrics());
    this.progress.stop();
    if (!this.stopped && this.parts.limits.sampleEvery !== 0) await this.showSample();
  }

  /** How many windows to learn from at once; chunks end on multiples of their size, at samples and at the last one. */
  private nextChunk(): number {
    const { iterations = Infinity, sampleEvery = 0 } = this.parts.limits;
    const { iteration } = this.training;
    const toSample = sampleEvery > 0 ? sampleEvery - (iteration % sampleEvery) : Infinity;
    return Math.min(this.chunk - (iteration % this.chunk), toSample, iterations - iteration);
  }

  private adaptChunk(secondsPerWindow: number): void {
    this.chunk = chunkSizes.findLast((size) => size * secondsPerWindow < chunkSeconds) ?? chunkSizes[0];
  }

  private isSampleDue(): boolean {
    const { sampleEvery } = this.parts.limits;
    if (sampleEvery !== undefined) return sampleEvery > 0 && this.training.iteration % sampleEvery === 0;
    return this.elapsed >= Math.max(firstSampleSeconds, this.sampledAt * 1.5);
  }

  /** Measures on the held-out text and remembers the state. */
  private async measure(): Promise<void> {
    const start = performance.now();
    const heldOut = await this.training.heldOutBitsPerChar();
    this.lastGood = await this.training.checkpoint();
    this.heldOut = heldOut;
    this.heldOutAt = this.training.iteration;
    this.measuringSeconds += (performance.now() - start) / 1000;
  }

  private addRow(): void {
    const { training, parts } = this;
    const { iteration } = training;
    if (iteration === (parts.rows.at(-1)?.iteration ?? 0)) return;
    const row = {
      iteration,
      seconds: parts.secondsBefore + this.elapsed,
      loss: training.loss,
      smoothLoss: training.smoothLoss,
      bitsPerChar: training.bitsPerChar,
      validationBitsPerChar: this.heldOutAt === iteration ? this.heldOut : undefined,
    };
    this.rowAt = this.elapsed;
    parts.rows.push(row);
    parts.folder.append(row);
  }

  private metrics(): Metrics {
    return {
      'smooth loss': this.training.smoothLoss,
      'bits/character': this.training.bitsPerChar,
      ...(this.heldOut !== undefined && { 'held out': this.heldOut }),
    };
  }

  /** Prints text drawn from the last whole state. */
  private async showSample(): Promise<void> {
    const { vocabulary, spec, settings, engine } = this.parts;
    const { iteration, state } = this.lastGood;
    const prime = vocabulary.encode(vocabulary.has('\n') ? '\n' : vocabulary.chars[0]);
    const rng = new RandomState((settings.seed + iteration) % 2 ** 32);
    // One character after another is no work for a GPU.
    const sampler = await samplerOf(spec, state, engine === 'webgpu' ? 'auto' : engine);
    const ids = await sampler.sample(prime, sampleLength, rng);
    sampler.dispose();
    this.progress.print(`--- sample at iteration ${iteration}\n${vocabulary.decode(ids)}\n---`);
    this.sampledAt = this.elapsed;
  }

  /** Writes the model of the last whole state, and the curve. */
  private async keep(): Promise<void> {
    const { folder, rows, settings, text, spec, vocabulary, secondsBefore } = this.parts;
    const seconds = secondsBefore + this.elapsed;
    folder.writeModel(await encodeCharModel({ spec, vocabulary, settings, text, seconds, checkpoint: this.lastGood }));
    if (rows.length > 0) {
      const { learningCurve } = await import('./learningCurve.ts'); // the chart library takes a second to load
      const about = { text: text.name, net: describe(settings), charactersPerLoss: settings.steps };
      folder.writeCurve(learningCurve(rows, about));
    }
    this.keptAt = this.elapsed;
  }
}
