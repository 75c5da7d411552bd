import { logPanels } from '../cli/chart.ts';
import { aligned, figure, type Machine, markdownTable, whereOf } from './report.ts';
import { type Curve, exponentOf, type Scaling, TITLE } from './scaling.ts';

/** What grows by more than that in its exponent grows faster than its model. */
const TOLERANCE = 0.15;

const MEANINGS: Readonly<Record<string, string>> = {
  H: 'H, hidden units',
  B: 'B, sequences of a batch',
  T: 'T, steps of a window',
  V: 'V, symbols',
  layers: 'layers',
  lengths:
    'lengths: mean steps of the sequences of a padded batch, which are from half to one and a half times as long',
  text: 'text: characters that windows are cut from; bytes held beside the text',
};

/** The tables for a terminal, what they were compared with, and the verdict. */
export function scalingTable(scaling: Scaling): string {
  const tables = quantitiesOf(scaling).map((quantity) =>
    [MEANINGS[quantity], ...aligned(rowsOf(scaling, quantity))].join('\n'),
  );
  return [TITLE, ...tables, `${yardsticks(scaling)}\n${verdict(scaling)}`].join('\n\n');
}

/** The same as Markdown. */
export function scalingMarkdown(machine: Machine, scaling: Scaling, args: readonly string[]): string {
  const tables = quantitiesOf(scaling).map((quantity) =>
    [`**${MEANINGS[quantity]}**`, '', ...markdownTable(rowsOf(scaling, quantity))].join('\n'),
  );
  return [
    `\`npm run bench -- ${args.join(' ')}\`. ${whereOf(machine)}, ${machine.cores} cores, ${machine.platform}.`,
    `${TITLE}. ${yardsticks(scaling)}.`,
    `**${verdict(scaling)}.**`,
    ...tables,
  ].join('\n\n');
}

/** Everything as JSON, with the exponents. */
export function scalingJson(machine: Machine, { curves, ...yardsticks }: Scaling): string {
  const withExponents = curves.map((curve) => ({ ...curve, exponents: exponentsOf(curve) }));
  return `${JSON.stringify({ machine, ...yardsticks, curves: withExponents }, null, 2)}\n`;
}

/** What the model counts on. */
function yardsticks({ peak, bandwidth }: Scaling): string {
  return `Model: products at the 128-bit peak of one core, ${peak.toFixed(1)} GFLOP/s, and the update's bytes at ${bandwidth.toFixed(1)} GB/s of copying; the bytes that training needs at once`;
}

/** Whether something grows faster than its model. */
export function verdict({ curves }: Scaling): string {
  const faster = curves.flatMap((curve) => {
    const { measured, model } = exponentsOf(curve);
    const where = `${curve.of} in ${curve.quantity} (${decimals(measured)}, model ${decimals(model)})`;
    return measured > model + TOLERANCE ? [where] : [];
  });
  const limit = `exponents more than ${TOLERANCE} above the model's`;
  return faster.length === 0
    ? `Nothing grows faster than its model (${limit}: none)`
    : `Faster than their models grow (${limit}): ${faster.join(', ')}`;
}

/** A panel for each curve: those of time to the left, those of memory to the right. */
export function scalingChart(machine: Machine, scaling: Scaling): string {
  const { curves, peak, bandwidth } = scaling;
  const range = (of: Curve['of']): [number, number] => {
    const all = curves.filter((curve) => curve.of === of).flatMap(({ measured, model }) => [...measured, ...model]);
    return [Math.min(...all), Math.max(...all)];
  };
  const ranges = { time: range('time'), memory: range('memory') };
  return logPanels({
    title: 'How a training step grows with its net',
    subtitle: `Model: products at ${peak.toFixed(1)} GFLOP/s, updates at ${bandwidth.toFixed(1)} GB/s. LSTM, Adam, engine wasm on one thread; ${whereOf(machine)}`,
    width: 620,
    dots: 'measured',
    line: 'model',
    panels: curves.map((curve) => {
      const { measured, model } = exponentsOf(curve);
      return {
        title: `${curve.quantity}: ${curve.of}`,
        note: `slope ${decimals(measured)}, model ${decimals(model)}`,
        ...{ x: curve.x, dots: curve.measured, line: curve.model },
        xLabel: valueLabel,
        yLabel: curve.of === 'time' ? timeLabel : byteLabel,
        yRange: ranges[curve.of],
      };
    }),
  });
}

function quantitiesOf({ curves }: Scaling): string[] {
  return [...new Set(curves.map(({ quantity }) => quantity))];
}

/** Head, a row for each value, and a row of exponents. */
function rowsOf({ curves }: Scaling, quantity: string): string[][] {
  const own = curves.filter((curve) => curve.quantity === quantity);
  const [{ x }] = own;
  return [
    [quantity, ...own.flatMap(({ of }) => [of, 'model', 'ratio'])],
    ...x.map((value, i) => [
      valueLabel(value),
      ...own.flatMap(({ of, measured, model }) => {
        const text = of === 'time' ? milliseconds : megabytes;
        return [text(measured[i]), text(model[i]), (measured[i] / model[i]).toFixed(2)];
      }),
    ]),
    [
      'exponent',
      ...own.flatMap((curve) => {
        const { measured, model } = exponentsOf(curve);
        const difference = decimals(measured - model);
        return [decimals(measured), decimals(model), difference.startsWith('−') ? difference : `+${difference}`];
      }),
    ],
  ];
}

function exponentsOf({ x, measured, model }: Curve): { measured: number; model: number } {
  return { measured: exponentOf(x, measured), model: exponentOf(x, model) };
}

/** Two decimals, with a minus sign where there is one. */
function decimals(value: number): string {
  return value
    .toFixed(2)
    .replace(/^-(?=.*[1-9])/, '−')
    .replace(/^-/, '');
}

/** Powers of ten as such from 10⁴ on. */
function valueLabel(value: number): string {
  const exponent = Math.log10(value);
  return exponent >= 4 && Number.isInteger(exponent) ? `10${'⁰¹²³⁴⁵⁶⁷⁸⁹'[exponent]}` : String(value);
}

function milliseconds(seconds: number): string {
  return `${figure(1e3 * seconds)} ms`;
}

function megabytes(bytes: number): string {
  return `${figure(bytes / 1e6)} MB`;
}

function timeLabel(seconds: number): string {
  return seconds >= 1 ? `${rounded(seconds)} s` : `${rounded(1e3 * seconds)} ms`;
}

function byteLabel(bytes: number): string {
  return bytes >= 1e9 ? `${rounded(bytes / 1e9)} GB` : `${rounded(bytes / 1e6)} MB`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(6)));
}
