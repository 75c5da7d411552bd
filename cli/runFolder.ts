import { appendFileSync, existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, orSay, reason, removeUnfinished, saveAtomic, writeAtomic } from './files.ts';
import type { LogRow } from './learningCurve.ts';
import { holdsLock, releaseLock, takeLock } from './lock.ts';

const columns = 'iteration,seconds,loss,smooth_loss,bits_per_symbol,held_out_bits_per_symbol,held_out_symbols,run';
const width = columns.split(',').length;

/** The folder that a training run leaves: its log, its learning curve, its last model and its best. */
export class RunFolder {
  readonly path: string;
  readonly log: string;
  readonly curve: string;
  /** The model as it was last kept, and as it was where the held-out text was easiest. */
  readonly model: string;
  readonly best: string;
  private readonly lock: string;

  private constructor(path: string) {
    this.path = path;
    this.log = join(path, 'log.csv');
    this.curve = join(path, 'learning-curve.svg');
    this.model = join(path, 'model.bptt');
    this.best = join(path, 'best.bptt');
    this.lock = join(path, 'run.lock');
  }

  /**
   * Makes the folder, by default `runs/<name>-<time>`, with an empty log, and locks it.
   *
   * @param overwrite removes the run that the folder holds
   * @throws {Error} where another process writes to it, or where it holds a run that is not to be overwritten.
   */
  static create(name: string, path?: string, overwrite = false, now: Date = new Date()): RunFolder {
    const run = new RunFolder(path ?? freshPath(name, now));
    run.#try(() => makeFolder(run.path));
    run.#take();
    const held = [run.log, run.curve, run.model, run.best].filter((file) => existsSync(file));
    if (held.length > 0 && !overwrite) {
      run.release();
      throw new Error(`${run.path} holds a run: --resume ${run.path} goes on with it, --overwrite replaces it`);
    }
    run.#try(() => {
      for (const file of held) rmSync(file);
      writeAtomic(run.log, `${columns}\n`);
    });
    return run;
  }

  /**
   * An earlier run's folder to go on with, locked.
   *
   * @throws {Error} where there is no run, or where another process writes to it.
   */
  static resume(path: string): RunFolder {
    const run = RunFolder.open(path);
    run.#take();
    return run;
  }

  /** A folder that may hold a run or not. */
  static at(path: string): RunFolder {
    return new RunFolder(path);
  }

  get hasModel(): boolean {
    return existsSync(this.model);
  }

  /** An earlier run's folder, to read from. */
  static open(path: string): RunFolder {
    const run = new RunFolder(path);
    if (!existsSync(path)) throw new Error(`run folder ${path}: ${reason({ code: 'ENOENT' })}`);
    if (!run.hasModel) throw new Error(`run folder ${path}: it holds no model (model.bptt)`);
    return run;
  }

  /** The file of the best model, or of the last one where that is wanted or there is no best one. */
  modelFor(last: boolean): string {
    return last || !existsSync(this.best) ? this.model : this.best;
  }

  /** Gives the lock back, and removes what this process has not finished writing. */
  release(): void {
    if (!existsSync(this.path)) return;
    removeUnfinished(this.path, process.pid);
    releaseLock(this.lock);
  }

  /** Leaves the folder as a run that has ended does, whatever was being written. */
  tidy(): void {
    this.release();
    if (!existsSync(this.path) || this.hasModel) return;
    rmSync(this.log, { force: true }); // of a run that had not begun
    if (readdirSync(this.path).length === 0) rmdirSync(this.path);
  }

  /** Makes a folder that somebody has deleted again. */
  restore(): void {
    makeFolder(this.path);
    if (!holdsLock(this.lock)) takeLock(this.lock);
  }

  append(row: LogRow, run: string): void {
    statSync(this.log); // appending would make a new file without its first line
    appendFileSync(this.log, `${line(row, run)}\n`);
  }

  writeLog(rows: readonly LogRow[], run: string): void {
    writeAtomic(this.log, [columns, ...rows.map((row) => line(row, run))].map((text) => `${text}\n`).join(''));
  }

  async writeModel(bytes: Uint8Array): Promise<void> {
    await saveAtomic(this.model, bytes);
  }

  async writeBest(bytes: Uint8Array): Promise<void> {
    await saveAtomic(this.best, bytes);
  }

  /**
   * The rows of the log; a last line that was not written whole is left out.
   *
   * @param run the run that they must be of
   * @throws {Error} naming the line that is not a row of a log, or of another run.
   */
  readLog(run: string): LogRow[] {
    if (!existsSync(this.log)) return [];
    const text = readFileSync(this.log, 'utf8');
    const [header, ...lines] = text.split(/\r?\n/).slice(0, -1); // what follows the last line break is a torn line
    if (header !== columns) throw new Error(`${this.log}: its first line is not that of a log`);
    return lines.map((line, i) => {
      const cells = line.split(',');
      const [iteration, seconds, loss, smoothLoss, bits, heldOutBits, heldOutSymbols] = cells
        .slice(0, width - 1)
        .map((c) => (c === '' ? undefined : +c));
      const numbers = [iteration, seconds, loss, smoothLoss, bits];
      const measured = [heldOutBits, heldOutSymbols];
      if (
        cells.length !== width ||
        numbers.some((v) => v === undefined || Number.isNaN(v)) ||
        measured.some(Number.isNaN)
      ) {
        throw new Error(`${this.log}: line ${i + 2} is not a row of a log`);
      }
      if (cells[width - 1] !== run) throw new Error(`${this.log}: line ${i + 2} is of another run than the model`);
      return {
        iteration: iteration!,
        seconds: seconds!,
        loss: loss!,
        smoothLoss: smoothLoss!,
        bits: bits!,
        ...(heldOutBits !== undefined && { heldOut: { bits: heldOutBits, symbols: heldOutSymbols! } }),
      };
    });
  }

  #take(): void {
    try {
      takeLock(this.lock);
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ? `cannot write to it: ${reason(error)}` : reason(error);
      throw new Error(`run folder ${this.path}: ${why}`, { cause: error });
    }
    removeUnfinished(this.path);
  }

  #try(action: () => void): void {
    orSay(`cannot write to run folder ${this.path}`, action);
  }
}

function line({ iteration, seconds, loss, smoothLoss, bits, heldOut }: LogRow, run: string): string {
  return [iteration, seconds.toFixed(3), loss, smoothLoss, bits, heldOut?.bits, heldOut?.symbols, run].join(',');
}

function freshPath(name: string, now: Date): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+|-+$/g, '') || 'run';
  const path = join('runs', `${safe}-${now.toISOString().slice(0, 19).replaceAll(':', '-')}`);
  let free = path;
  for (let i = 2; existsSync(free); i++) free = `${path}-${i}`;
  return free;
}
