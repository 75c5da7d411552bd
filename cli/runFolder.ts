import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, reason, writeAtomic } from './files.ts';
import type { LogRow } from './learningCurve.ts';

const columns = 'iteration,seconds,loss,smooth_loss,bits_per_char,validation_bits_per_char';

/** The folder that a training run leaves: its log, its learning curve and its model. */
export class RunFolder {
  readonly path: string;
  readonly log: string;
  readonly curve: string;
  readonly model: string;

  private constructor(path: string) {
    this.path = path;
    this.log = join(path, 'log.csv');
    this.curve = join(path, 'learning-curve.svg');
    this.model = join(path, 'model.bptt');
  }

  /**
   * Makes the folder, by default `runs/<name>-<time>`, with an empty log. A run already in a folder named by `path` is
   * written over: its log now, its curve and model when they are written anew.
   */
  static create(name: string, path?: string, now: Date = new Date()): RunFolder {
    const run = new RunFolder(path ?? freshPath(name, now));
    run.#try(() => {
      makeFolder(run.path);
      writeFileSync(run.log, `${columns}\n`);
    });
    return run;
  }

  /** An earlier run's folder, to read from. */
  static open(path: string): RunFolder {
    const run = new RunFolder(path);
    if (!existsSync(path)) throw new Error(`run folder ${path}: ${reason({ code: 'ENOENT' })}`);
    if (!existsSync(run.model)) throw new Error(`run folder ${path}: it holds no model (model.bptt)`);
    return run;
  }

  /** The rows of the log up to an iteration, for a run that goes on from there; later rows are dropped from the log. */
  resumeLog(iteration: number): LogRow[] {
    const rows = existsSync(this.log) ? this.readLog().filter((row) => row.iteration <= iteration) : [];
    this.#try(() => writeAtomic(this.log, [columns, ...rows.map(line)].map((text) => `${text}\n`).join('')));
    return rows;
  }

  append(row: LogRow): void {
    this.#try(() => appendFileSync(this.log, `${line(row)}\n`));
  }

  writeCurve(svg: string): void {
    this.#try(() => writeAtomic(this.curve, svg));
  }

  writeModel(bytes: Uint8Array): void {
    this.#try(() => writeAtomic(this.model, bytes));
  }

  /** @throws {Error} naming the line that is not a row of a log. */
  readLog(): LogRow[] {
    const [header, ...lines] = readFileSync(this.log, 'utf8').trimEnd().split('\n');
    if (header !== columns) throw new Error(`${this.log}: its first line is not that of a log`);
    return lines.map((text, i) => {
      const cells = text.split(',');
      const [iteration, seconds, loss, smoothLoss, bitsPerChar, held] = cells.map((c) => (c === '' ? undefined : +c));
      if (cells.length !== 6 || cells.slice(0, 5).some((c) => c === '' || Number.isNaN(+c)) || Number.isNaN(held)) {
        throw new Error(`${this.log}: line ${i + 2} is not a row of a log`);
      }
      return {
        iteration: iteration!,
        seconds: seconds!,
        loss: loss!,
        smoothLoss: smoothLoss!,
        bitsPerChar: bitsPerChar!,
        validationBitsPerChar: held,
      };
    });
  }

  #try(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw new Error(`cannot write to run folder ${this.path}: ${reason(error)}`, { cause: error });
    }
  }
}

function line(row: LogRow): string {
  const { iteration, seconds, loss, smoothLoss, bitsPerChar, validationBitsPerChar = '' } = row;
  return [iteration, seconds.toFixed(3), loss, smoothLoss, bitsPerChar, validationBitsPerChar].join(',');
}

function freshPath(name: string, now: Date): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+|-+$/g, '') || 'run';
  const path = join('runs', `${safe}-${now.toISOString().slice(0, 19).replaceAll(':', '-')}`);
  let free = path;
  for (let i = 2; existsSync(free); i++) free = `${path}-${i}`;
  return free;
}
