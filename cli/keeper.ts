import { reason } from './files.ts';
import type { LogRow } from './learningCurve.ts';
import type { RunFolder } from './runFolder.ts';

/**
 * Keeps a run in its folder. Where that cannot be written to, because the disk is full or the folder was deleted, training
 * goes on: the rows and the models wait here, and everything is written when it is possible again.
 */
export class Keeper {
  readonly folder: RunFolder;
  readonly run: string;
  readonly rows: LogRow[];
  /** The iteration of the model that is safe on the disk. */
  keptIteration: number;
  private readonly warn: (text: string) => void;
  /** The newest models; what is on the disk already is held on to, for the case that it gets lost. */
  private model: { bytes: Uint8Array; iteration: number } | undefined;
  private best: Uint8Array | undefined;
  private bestWritten = true;
  /** Rows of the log that are on the disk. */
  private logged: number;
  /** Why the last attempt failed. */
  private trouble: string | undefined;
  private busy: Promise<void> = Promise.resolve();

  /**
   * @param rows of a run that goes on, up to where it does
   * @param warn tells the user
   */
  constructor(
    folder: RunFolder,
    run: string,
    { rows, iteration }: { rows: LogRow[]; iteration: number },
    warn: (text: string) => void,
  ) {
    this.folder = folder;
    this.run = run;
    this.rows = rows;
    this.keptIteration = iteration;
    this.logged = rows.length;
    this.warn = warn;
  }

  /** Why what was reached is not on the disk; undefined where it is. */
  get failure(): string | undefined {
    return this.trouble;
  }

  /** A row of the log, written at once where that is possible. */
  add(row: LogRow): void {
    this.rows.push(row);
    if (this.trouble !== undefined) return;
    try {
      if (this.logged === this.rows.length - 1) this.folder.append(row, this.run);
      else this.folder.writeLog(this.rows, this.run);
      this.logged = this.rows.length;
    } catch (error) {
      this.logged = -1; // it may have been written in part
      this.failed(error);
    }
  }

  /** Another last row; the log is written anew with the next model. */
  replaceLast(row: LogRow): void {
    this.rows[this.rows.length - 1] = row;
    this.logged = -1;
  }

  /** The model as it is now, and, unless it is the same as before, the best one; written while the caller goes on. */
  save(model: { bytes: Uint8Array; iteration: number }, best?: Uint8Array): Promise<void> {
    this.model = model;
    if (best) {
      this.best = best;
      this.bestWritten = false;
    }
    this.busy = this.busy.then(() => this.flush());
    return this.busy;
  }

  private async flush(): Promise<void> {
    const { folder, model } = this;
    try {
      if (this.trouble !== undefined) {
        folder.restore();
        this.bestWritten = this.best === undefined;
        this.logged = -1;
      }
      if (this.logged < this.rows.length) {
        const { length } = this.rows;
        folder.writeLog(this.rows, this.run);
        this.logged = length;
      }
      await folder.writeModel(model!.bytes);
      if (!this.bestWritten) await folder.writeBest(this.best!);
      this.bestWritten = true;
      this.keptIteration = model!.iteration;
      if (this.trouble !== undefined) this.warn(`${folder.path} is written to again: nothing is lost`);
      this.trouble = undefined;
    } catch (error) {
      this.failed(error);
    }
  }

  private failed(error: unknown): void {
    const why = reason(error);
    if (this.trouble !== why) {
      this.warn(
        `warning: cannot write to ${this.folder.path}: ${why}; training goes on, and is saved when that is possible again`,
      );
    }
    this.trouble = why;
  }
}
