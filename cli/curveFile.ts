import { writeAtomic } from './files.ts';
import type { LearningCurve, LogRow } from './learningCurve.ts';

/** The curve is drawn at the end, and this often on the way. */
const drawMs = 30_000;

/** Draws the learning curve of a run that another thread trains, now and then and at the end. */
export class CurveFile {
  private readonly path: string;
  private readonly about: LearningCurve;
  private readonly rows: LogRow[];
  private readonly timer: NodeJS.Timeout;
  /** The chart library takes a second to load, so it is loaded while the other thread trains. */
  private readonly code: Promise<typeof import('./learningCurve.ts')>;

  constructor(path: string, about: LearningCurve, rows: LogRow[]) {
    this.path = path;
    this.about = about;
    this.rows = rows;
    this.code = import('./learningCurve.ts');
    this.timer = setInterval(() => void this.draw(), drawMs);
  }

  /** In the place of the last row where that is of the same iteration. */
  add(row: LogRow): void {
    if (this.rows.at(-1)?.iteration === row.iteration) this.rows.pop();
    this.rows.push(row);
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.draw();
  }

  private async draw(): Promise<void> {
    if (this.rows.length === 0) return;
    const { learningCurve } = await this.code;
    try {
      writeAtomic(this.path, learningCurve(this.rows, this.about));
    } catch {
      // Who keeps the models says that the folder cannot be written to.
    }
  }
}
