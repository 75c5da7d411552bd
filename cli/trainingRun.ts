import { setImmediate } from 'node:timers/promises';
import { RandomState } from 'bptt/tensor';
import type { Desk } from './desk.ts';
import { Diagnosis } from './diagnosis.ts';
import type { Keeper } from './keeper.ts';
import type { Metrics } from './progress.ts';
import type { Rate } from './rate.ts';
import { encodeRun, type HeldOut, type Limits, type RunNote, samplerOf } from './runFile.ts';
import { describe, type Settings } from './settings.ts';
import { decode, openingId, type Symbols } from './symbols.ts';
import type { Training } from './training.ts';

/** Windows between two turns of the event loop: the largest of these that takes less than `chunkSeconds`. */
const chunkSizes = [1, 2, 5, 10, 20, 50, 100];
const chunkSeconds = 0.02;
/** A row of the log stands for every hundredth iteration, or a second where those take longer. */
const rowEvery = 100;
const rowSeconds = 1;
/** Measuring on held-out text may take this share of the time, and one measurement on the way so long. */
const measuringShare = 0.1;
const measuringSeconds = 0.4;
/** But no fewer symbols than so many, unless they take so long. */
const fewestSymbols = 5000;
const fewestSeconds = 3;
/** The numbers of held-out symbols that may be measured on the way. */
const measuredSymbols = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];
/** The model is kept as it begins, after this time, and then this often. */
const firstKeepSeconds = 0.7;
const keepSeconds = 7;
/** Samples come after this time and then whenever it has grown by half. */
const firstSampleSeconds = 5;
const sampleLength = 200;
/** A sample of a net too large for it ends after this time. */
const sampleSeconds = 1;

export interface RunParts {
  training: Training;
  keeper: Keeper;
  symbols: Symbols;
  settings: Settings;
  text: RunNote['text'];
  limits: Limits;
  rate: Rate;
  /** Iterations between two samples, 0 for none; by default after 5 seconds and then ever more rarely. */
  sampleEvery: number | undefined;
  /** Of the run before it was resumed. */
  before: { seconds: number; heldOut: RunNote['heldOut']; best: RunNote['best'] };
  farewell: (iteration: number, figures: FinalFigures) => string;
  desk: Desk;
}

export interface FinalFigures extends Pick<RunNote, 'heldOut' | 'best'> {
  /** Bits per symbol of the last model over the symbols that the best one was measured on. */
  lastWhereBest: number | undefined;
}

/** Trains, shows how it goes, and keeps what is reached in the run's folder. */
export class TrainingRun {
  private readonly parts: RunParts;
  private readonly training: Training;
  private readonly diagnosis: Diagnosis;
  private readonly startedAt = performance.now();
  private readonly learnedBefore: { seconds: number; iteration: number };
  private heldOut: RunNote['heldOut'];
  private best: RunNote['best'];
  private lastWhereBest: number | undefined;
  /** The best model, not yet on the disk. */
  private newBest: Uint8Array | undefined;
  /** Held-out symbols that are measured on the way; 0 until it is known how many there is time for. */
  private measured = 0;
  private chunk = chunkSizes[0];
  private measuringTime = 0;
  private rowAt = 0;
  private keptAt = 0;
  private keeps = 0;
  private sampledAt = 0;
  private sampledIteration = -1;
  private stopped = false;

  constructor(parts: RunParts) {
    const { training, before, symbols, limits, settings } = parts;
    this.parts = parts;
    this.training = training;
    this.learnedBefore = { seconds: training.seconds, iteration: training.iteration };
    this.diagnosis = new Diagnosis(training.reading, symbols.size, settings);
    ({ heldOut: this.heldOut, best: this.best } = before);
    const all = training.reading.heldOut.length - 1;
    const onTheWay = parts.keeper.rows.findLast((row) => row.heldOut !== undefined && row.heldOut.symbols < all);
    this.measured = onTheWay?.heldOut?.symbols ?? 0;
    const { keeper, text } = parts;
    const about = { text: text.name, net: describe(settings), unit: settings.unit, symbolsPerLoss: settings.steps };
    parts.desk.curve(keeper.folder.curve, about, keeper.rows);
    parts.desk.begin({
      unit: 'iteration',
      total: limits.iterations,
      seconds: limits.seconds === undefined ? undefined : limits.seconds - before.seconds,
      from: training.iteration,
      rate: { unit: `${symbols.unit}s`, perUnit: settings.steps * settings.batch },
    });
  }

  /** Ends the run after the piece of work under way. */
  stop(): void {
    this.stopped = true;
  }

  /**
   * Trains until a limit or {@link stop}.
   *
   * @throws {Error} on a NaN or infinity, or where what was reached could not be written; the folder then keeps the last
   *   whole state that could.
   */
  async run(): Promise<void> {
    const { keeper, desk } = this.parts;
    await this.keep();
    try {
      while (!this.isOver()) await this.step();
      await this.finish();
    } catch (error) {
      await this.keep().catch(() => {}); // the state may be the overflow itself
      const kept = `${keeper.folder.path} keeps the model of iteration ${keeper.keptIteration}`;
      throw new Error(`${(error as Error).message}; ${kept}`, { cause: error });
    } finally {
      desk.end();
    }
    if (keeper.failure) throw new Error(`cannot write to run folder ${keeper.folder.path}: ${keeper.failure}`);
  }

  /** Since the run was started or resumed. */
  private get elapsed(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  private get seconds(): number {
    return this.parts.before.seconds + this.elapsed;
  }

  private isOver(): boolean {
    const { iterations = Infinity, seconds = Infinity } = this.parts.limits;
    return this.stopped || this.training.iteration >= iterations || this.seconds >= seconds || this.isTired();
  }

  /** Whether the held-out text has not become easier for so long as one is patient. */
  private isTired(): boolean {
    const { limits, keeper } = this.parts;
    if (limits.patience === undefined || this.best === null) return false;
    const { iteration } = this.best;
    return keeper.rows.filter((row) => row.heldOut && row.iteration > iteration).length >= limits.patience;
  }

  /** A chunk of windows, and what is due after it. */
  private async step(): Promise<void> {
    const { training, parts } = this;
    const count = this.nextChunk();
    const start = performance.now();
    parts.rate.progress = this.progress();
    await training.advance(count);
    this.adaptChunk((performance.now() - start) / 1000 / count);
    if (this.isOver()) return;
    const rowDue = training.iteration % rowEvery === 0 || this.elapsed - this.rowAt >= rowSeconds;
    if (rowDue) {
      if (this.measuringTime <= measuringShare * this.elapsed) await this.measure();
      this.addRow();
      this.look();
    }
    if (this.elapsed - this.keptAt >= (this.keeps === 1 ? firstKeepSeconds : keepSeconds)) {
      await training.check();
      void this.keep(); // the files are written while training goes on
    }
    if (this.isSampleDue()) await this.showSample();
    this.show();
    await setImmediate(); // who wants to stop gets a turn
  }

  /** How far the run has come on its way to its limit in seconds, from 0 to 1. */
  private progress(): number {
    const { seconds } = this.parts.limits;
    return seconds === undefined ? 0 : Math.min(1, this.seconds / seconds);
  }

  /** Measures where the run ends, and keeps it; who has stopped it waits for nothing more than the keeping. */
  private async finish(): Promise<void> {
    const { desk, settings, sampleEvery } = this.parts;
    await this.training.check();
    if (!this.stopped && this.training.reading.heldOut.length > 0) {
      await this.keep(); // who stops the measuring loses nothing
      const { heldOut } = this.training.reading;
      desk.status(`measuring all ${heldOut.length - 1} held-out ${settings.unit}s`);
      await setImmediate();
      if (!this.stopped) await this.measure(Infinity);
    }
    this.addRow();
    await this.keep();
    this.show();
    if (!this.stopped && sampleEvery !== 0) await this.showSample();
    this.look();
  }

  private farewell(): string {
    const { heldOut, best, lastWhereBest, parts } = this;
    return parts.farewell(parts.keeper.keptIteration, { heldOut, best, lastWhereBest });
  }

  /** How many windows to learn from at once; chunks end on multiples of their size, at samples and at the last one. */
  private nextChunk(): number {
    const { limits, sampleEvery = 0 } = this.parts;
    const { iterations = Infinity } = limits;
    const { iteration } = this.training;
    const toSample = sampleEvery > 0 ? sampleEvery - (iteration % sampleEvery) : Infinity;
    return Math.min(this.chunk - (iteration % this.chunk), toSample, iterations - iteration);
  }

  private adaptChunk(secondsPerWindow: number): void {
    this.chunk = chunkSizes.findLast((size) => size * secondsPerWindow < chunkSeconds) ?? chunkSizes[0];
  }

  private isSampleDue(): boolean {
    const { sampleEvery } = this.parts;
    if (sampleEvery !== undefined) return sampleEvery > 0 && this.training.iteration % sampleEvery === 0;
    return this.elapsed >= Math.max(firstSampleSeconds, this.sampledAt * 1.5);
  }

  /** Measures on the held-out text, and remembers the model where it is the best so far. */
  private async measure(symbols?: number): Promise<void> {
    const { training } = this;
    const start = performance.now();
    if (this.measured === 0) await this.chooseMeasured();
    const heldOut: HeldOut | undefined = await training.heldOut(symbols ?? this.measured);
    if (heldOut === undefined) return;
    this.measuringTime += (performance.now() - start) / 1000;
    this.heldOut = { ...heldOut, iteration: training.iteration };
    // Figures over other symbols cannot be compared: the first one over more of them counts as better.
    const { best } = this;
    const same = heldOut.symbols === best?.symbols;
    if (best === null || heldOut.symbols > best.symbols || (same && heldOut.bits < best.bits)) {
      const isLast = symbols === Infinity && this.best !== null && this.best.iteration < training.iteration;
      if (isLast && (await this.isWorseThanBest())) return;
      this.best = this.heldOut;
      await training.check();
      this.newBest = await this.encoded();
    }
  }

  /** As many symbols as there is time for; fewer than some thousand tell the better model from the luckier one badly. */
  private async chooseMeasured(): Promise<void> {
    await this.training.heldOut(measuredSymbols[0]); // who measures for the first time compiles
    let each = 0;
    for (const n of measuredSymbols) {
      const start = performance.now();
      await this.training.heldOut(n);
      const seconds = (performance.now() - start) / 1000;
      each = seconds / n;
      if (seconds >= measuringSeconds / 8) break; // what a measurement costs beside its symbols is little then
    }
    const most = Math.max(measuringSeconds / each, Math.min(fewestSymbols, fewestSeconds / each));
    this.measured = measuredSymbols.findLast((n) => n <= most) ?? measuredSymbols[0];
  }

  /** At the end, by the symbols that the best model was measured on. */
  private async isWorseThanBest(): Promise<boolean> {
    const { bits, symbols } = this.best!;
    const same = await this.training.heldOut(symbols);
    this.lastWhereBest = same!.bits;
    return same!.bits > bits;
  }

  private addRow(): void {
    const { training, heldOut } = this;
    const { keeper, desk } = this.parts;
    const { iteration, smoothLoss } = training.point;
    const before = keeper.rows.at(-1);
    const { loss, bits } = training;
    const measured = heldOut?.iteration === iteration && { heldOut: { bits: heldOut.bits, symbols: heldOut.symbols } };
    this.rowAt = this.elapsed;
    const row = { iteration, seconds: this.seconds, loss, smoothLoss, bits, ...measured };
    if (iteration !== (before?.iteration ?? 0)) keeper.add(row);
    // At the end more symbols are measured than on the way.
    else if (before && measured && before.heldOut?.symbols !== measured.heldOut.symbols) keeper.replaceLast(row);
    else return;
    desk.row(row);
  }

  /** Says what looks wrong with the run. */
  private look(): void {
    const { training, parts } = this;
    const finding = this.diagnosis.of(training.iteration, training.bits, this.heldOut?.bits);
    if (finding !== undefined) parts.desk.print(`note: ${finding}`);
  }

  private show(): void {
    const { training, heldOut, parts } = this;
    const { seconds, iteration } = this.learnedBefore;
    const { unit } = parts.symbols;
    const metrics: Metrics = {
      [`bits/${unit}`]: training.bits,
      ...(heldOut !== null && { 'held out': heldOut.bits }),
      ...(parts.settings.batch === 1 && { 'smooth loss': training.point.smoothLoss }),
    };
    const pace = (training.iteration - iteration) / (training.seconds - seconds || Number.NaN);
    parts.desk.update(training.iteration, metrics, pace);
  }

  /** Prints text drawn from the net as it is. */
  private async showSample(): Promise<void> {
    const { symbols, settings, desk } = this.parts;
    const { trainer, iteration } = this.training;
    if (iteration === this.sampledIteration) return;
    const rng = new RandomState((settings.seed + iteration) % 2 ** 32);
    const { parameters, states } = await trainer.state();
    // One symbol after another is no work for a GPU.
    const engine = settings.engine === 'webgpu' ? 'auto' : settings.engine;
    const sampler = await samplerOf({ spec: trainer.spec, parameters, states }, engine);
    const ids: number[] = [];
    const start = performance.now();
    for (let id = openingId(symbols); ids.length < sampleLength && !this.stopped; ids.push(id)) {
      [id] = await sampler.sample([id], 1, rng, { temperature: 0.8 });
      if (performance.now() - start > sampleSeconds * 1000) break;
      if (ids.length % 10 === 0) await setImmediate();
    }
    sampler.dispose();
    desk.print(`--- sample at iteration ${iteration}\n${decode(symbols, ids)}\n---`);
    this.sampledAt = this.elapsed;
    this.sampledIteration = iteration;
  }

  private encoded(): Promise<Uint8Array> {
    const { keeper, symbols, settings, text, limits } = this.parts;
    const { training, heldOut, best, seconds } = this;
    return encodeRun(training.trainer, {
      ...{ run: keeper.run, unit: symbols.unit, symbols: symbols.names, settings, text, limits, seconds },
      ...{ learningSeconds: training.seconds, point: { ...training.point }, heldOut, best },
    });
  }

  /** Writes the model as it is now, and the best. What happens to the net meanwhile does not matter. */
  private async keep(): Promise<void> {
    const { keeper, desk } = this.parts;
    const { iteration } = this.training;
    this.keptAt = this.elapsed;
    this.keeps++;
    const best = this.newBest;
    this.newBest = undefined;
    const bytes = await this.encoded();
    await keeper.save({ bytes, iteration }, best);
    desk.kept(this.farewell());
  }
}
