/** One line of a table: figures and words by column. */
export type Row = Readonly<Record<string, string | number | boolean | null>>;

/** Takes a row of the table of that name. */
export type Emit = (table: string, row: Row) => void;

/** How much is done: `full` on a GPU; `small` is a trial of everything at small sizes, for a program in a GPU's place. */
export type Effort = 'full' | 'small';

/** What a section is run with. */
export interface Run {
  readonly emit: Emit;
  readonly effort: Effort;
  /** Seconds until the section should be over; what is left out then is told in a row of the table `left out`. */
  left(): number;
}

/** A part of the run that stands alone: a process of its own, which may fail or be ended without harm to the others. */
export interface Section {
  readonly name: string;
  readonly title: string;
  /** Seconds that it may take, with full and with small effort. */
  readonly seconds: Readonly<Record<Effort, number>>;
  run(run: Run): Promise<void>;
}

/** The column of tables that compare ways of doing one thing; the way that is taken today is called `today`. */
export const CANDIDATE = 'candidate';
export const TODAY = 'today';
/** Microseconds of one repetition, from the sending of the first to the end of the last. */
export const TIME = 'µs';
