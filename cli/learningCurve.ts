import { extent, lineChart, type Series, thousands } from './chart.ts';

/** A row of a run's log; the held-out text may be measured in some rows only. */
export interface LogRow {
  iteration: number;
  /** Since the start of training. */
  seconds: number;
  /** Of this iteration's window, summed over its characters, in nats. */
  loss: number;
  smoothLoss: number;
  bitsPerChar: number;
  validationBitsPerChar?: number | undefined;
}

export interface LearningCurve {
  /** Name of the text, for the title. */
  text: string;
  /** Net and settings, such as `Elman 100 · Adagrad 0.1 · 25 steps`. */
  net: string;
  /** Characters whose losses a row's `loss` sums, such as 25: draws the raw loss behind the smooth line. */
  charactersPerLoss?: number;
}

/** The learning curve of a run in bits per character, on training text and on held-out text, as an SVG. */
export function learningCurve(rows: LogRow[], about: LearningCurve): string {
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError('learningCurve: rows is empty, expected at least one');
  const measured = rows.filter((row) => row.validationBitsPerChar !== undefined);
  const curve = (name: string, of: LogRow[], y: (row: LogRow) => number, more: Partial<Series>): Series => ({
    name,
    x: of.map((row) => row.iteration),
    y: of.map(y),
    ...more,
  });

  const series: Series[] = [];
  const { charactersPerLoss } = about;
  if (charactersPerLoss !== undefined) {
    const bits = 1 / (charactersPerLoss * Math.LN2);
    series.push(curve('training, each window', rows, (row) => row.loss * bits, { color: 0, faint: true }));
  }
  series.push(curve(`training ${last.bitsPerChar.toFixed(2)}`, rows, (row) => row.bitsPerChar, { color: 0 }));
  if (measured.length > 0) {
    const name = `held out ${measured.at(-1)!.validationBitsPerChar!.toFixed(2)}`;
    series.push(curve(name, measured, (row) => row.validationBitsPerChar!, { color: 1 }));
  }

  const [low, high] = extent(series.filter((s) => !s.faint).map((s) => s.y));
  return lineChart({
    title: `Learning ${about.text}, character by character`,
    subtitle: `${about.net} · ${thousands(last.iteration)} iterations in ${duration(last.seconds)}`,
    xLabel: 'iteration',
    yLabel: charactersPerLoss === undefined ? 'bits per character' : 'bits per character (pale: single windows)',
    // The pale windows scatter widely; the axis is made for the lines over them.
    yRange: [Math.max(0, Math.floor(low - 0.5)), Math.max(1, Math.ceil(high))],
    xRange: [0, last.iteration],
    series,
  });
}

/** A run to be held against others. */
export interface ComparedRun {
  net: string;
  /** Read in one iteration. */
  charactersPerIteration: number;
  rows: readonly LogRow[];
}

/** The held-out bits per character of several runs on one text, over the characters that each has read, as an SVG. */
export function comparison(text: string, runs: readonly ComparedRun[]): string {
  // The net alone where that tells the runs apart; a label with every setting would take half of the picture.
  const short = runs.map(({ net }) => net.split(' · ')[0]);
  const names = new Set(short).size === runs.length ? short : runs.map(({ net }) => net);
  const series = runs.map(({ net, charactersPerIteration, rows }, i): Series => {
    const measured = rows.filter((row) => row.validationBitsPerChar !== undefined);
    if (measured.length === 0) throw new RangeError(`comparison: ${net} was never measured on held-out text`);
    return {
      name: `${names[i]}: ${measured.at(-1)!.validationBitsPerChar!.toFixed(2)}`,
      x: measured.map((row) => row.iteration * charactersPerIteration),
      y: measured.map((row) => row.validationBitsPerChar!),
    };
  });
  const [low, high] = extent(series.map((s) => s.y));
  return lineChart({
    title: `Held-out text of ${text}`,
    subtitle: 'how much of it each net foresees, by how much it has read',
    xLabel: 'characters read',
    yLabel: 'bits per character',
    yRange: [Math.max(0, Math.floor(low - 0.5)), Math.ceil(high)],
    series,
  });
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}
