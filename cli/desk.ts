import type { LearningCurve, LogRow } from './learningCurve.ts';
import type { Metrics, ProgressOptions } from './progress.ts';

/** What work in a thread tells the one that talks to the user. */
export interface Desk {
  /** Lines for standard output. */
  say(text: string): void;
  /** A line for standard error. */
  warn(text: string): void;
  /** What goes on now, such as `reading book.txt`; shown while it lasts, on a terminal. */
  status(text: string): void;
  /** Standard input is wanted, which the thread has from whoever talks to the user: so the thread can be ended while it waits. */
  input(): void;
  /** The work to be shown as a progress bar begins. */
  begin(options: Omit<ProgressOptions, 'stream' | 'now'>): void;
  update(done: number, metrics: Metrics, pace: number): void;
  /** A text, such as a sample, above the progress bar. */
  print(text: string): void;
  /** A learning curve is to be drawn, and which rows there are already; and one more row. */
  curve(path: string, about: LearningCurve, rows: LogRow[]): void;
  row(row: LogRow): void;
  /** The work is over; what follows is said as lines. */
  end(): void;
  /** The run is kept, and what is to be said of that. */
  kept(farewell: string): void;
}
