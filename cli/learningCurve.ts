import { extent, lineChart, type Series, thousands } from './chart.ts';

/** Names that fit under each other in a picture. */
const namesInARow = 16;

/** A row of a run's log; the held-out text may be measured in some rows only. */
export interface LogRow {
  iteration: number;
  /** Since the start of training. */
  seconds: number;
  /** Of this iteration's window, summed over its steps and averaged over its sequences, in nats. */
  loss: number;
  smoothLoss: number;
  /** Of the training text, per symbol. */
  bits: number;
  /** Of the held-out text, per symbol, over its first so many symbols. */
  heldOut?: { bits: number; symbols: number };
}

export interface LearningCurve {
  /** Name of the text, for the title. */
  text: string;
  /** Net and settings, such as `Elman 100 · Adagrad 0.1 · 25 steps`. */
  net: string;
  /** What the text is made of, such as `character`. */
  unit: string;
  /** Symbols whose losses a row's `loss` sums, such as 25: draws the raw loss behind the smooth line. */
  symbolsPerLoss?: number;
}

/** The learning curve of a run in bits per symbol, on training text and on held-out text, as an SVG. */
export function learningCurve(rows: readonly LogRow[], about: LearningCurve): string {
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError('learningCurve: rows is empty, expected at least one');
  const measured = rows.filter((row) => row.heldOut !== undefined);
  const curve = (name: string, of: readonly LogRow[], y: (row: LogRow) => number, more: Partial<Series>): Series => ({
    name,
    x: of.map((row) => row.iteration),
    y: of.map(y),
    ...more,
  });

  const series: Series[] = [];
  const { symbolsPerLoss, unit } = about;
  if (symbolsPerLoss !== undefined) {
    const bits = 1 / (symbolsPerLoss * Math.LN2);
    series.push(curve('training, each window', rows, (row) => row.loss * bits, { color: 0, faint: true }));
  }
  series.push(curve(`training ${last.bits.toFixed(2)}`, rows, (row) => row.bits, { color: 0 }));
  if (measured.length > 0) {
    const name = `held out ${measured.at(-1)!.heldOut!.bits.toFixed(2)}`;
    // The figure over all symbols, at the end, is another one than those over the first few on the way: no line joins them.
    const of = (rows: readonly LogRow[], more: Partial<Series>): void => {
      series.push(curve(name, rows, (row) => row.heldOut!.bits, { color: 1, ...more }));
    };
    const { symbols } = measured.at(-1)!.heldOut!;
    const alike = measured.filter((row) => row.heldOut!.symbols === symbols);
    const others = measured.filter((row) => row.heldOut!.symbols !== symbols);
    if (alike.length > 1 || others.length === 0) of(measured, {});
    else {
      of(others, { faint: true });
      of(alike, {});
    }
  }

  const [low, high] = extent(series.filter((s) => !s.faint).map((s) => s.y));
  return lineChart({
    title: `Learning ${about.text}, ${unit} by ${unit}`,
    subtitle: `${about.net} · ${thousands(last.iteration)} iterations in ${duration(last.seconds)}`,
    xLabel: 'iteration',
    yLabel: symbolsPerLoss === undefined ? `bits per ${unit}` : `bits per ${unit} (pale: parts)`,
    // The pale windows scatter widely; the axis is made for the lines over them.
    yRange: [Math.max(0, Math.floor(low - 0.5)), Math.max(1, Math.ceil(high))],
    xRange: [0, last.iteration],
    series,
  });
}

/** A run to be held against others. */
export interface ComparedRun {
  name: string;
  /** Symbols read in one iteration. */
  symbolsPerIteration: number;
  rows: readonly LogRow[];
}

/**
 * The held-out bits per symbol of several runs on one text, over the symbols that each has read, as an SVG.
 *
 * @param measured says on how many symbols the last points of the curves stand
 */
export function comparison(
  { text, unit, measured }: { text: string; unit: string; measured: string },
  runs: readonly ComparedRun[],
): string {
  const curves = runs.map(({ name, symbolsPerIteration, rows }): Series => {
    const points = rows.filter((row) => row.heldOut !== undefined);
    if (points.length === 0) throw new RangeError(`${name} was never measured on held-out text`);
    return {
      name: `${shortened(name)} ${points.at(-1)!.heldOut!.bits.toFixed(2)}`,
      x: points.map((row) => row.iteration * symbolsPerIteration),
      y: points.map((row) => row.heldOut!.bits),
    };
  });
  const [low, high] = extent(curves.map((s) => s.y));
  const range: [number, number] = [Math.max(0, Math.floor(low - 0.5)), Math.ceil(high)];
  const ends = apart(
    curves.map((s) => s.y[s.y.length - 1]),
    range,
  );
  const [, right] = extent(curves.map((s) => s.x));
  const series = curves.flatMap((curve, i): Series[] => {
    const last = curve.x.length - 1;
    const leader = { x: [curve.x[last], right], y: [curve.y[last], ends[i]] };
    return [
      { ...curve, color: i, unnamed: true },
      { name: curve.name, ...leader, color: i, leader: true },
    ];
  });
  return lineChart({
    title: `Held-out text of ${text}`,
    subtitle: measured,
    xLabel: `${unit}s read`,
    yLabel: `bits per ${unit}`,
    yRange: range,
    xRange: [0, right],
    series,
  });
}

/** Names under each other at the right of a picture, each as near to its value as the others leave it. */
function apart(values: readonly number[], [low, high]: [number, number]): number[] {
  const gap = (high - low) / namesInARow;
  const places = [...values];
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a]);
  for (const [k, i] of order.entries()) places[i] = Math.min(places[i], k === 0 ? high : places[order[k - 1]] - gap);
  for (const [k, i] of Array.from(order.toReversed().entries())) {
    places[i] = Math.max(places[i], low + k * gap);
  }
  return places;
}

/** A label beside a curve takes no more than a quarter of the picture. */
function shortened(name: string): string {
  return name.length <= 28 ? name : `${name.slice(0, 13)}…${name.slice(-14)}`;
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}
