import { barPanels, thousands } from '../cli/chart.ts';
import { crossoverLine, crossoverRows, type Meeting } from './crossover.ts';
import { labelOf, REFERENCE } from './engine.ts';
import { medianOf, type Result } from './measure.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

/** A row with a smaller share of a core was disturbed. */
const UNDISTURBED = 0.93;

/** A cell of a table that has nothing to say. */
const NOTHING = '–';

/** What a run has found out so far. */
export interface Report {
  machine: Machine;
  /** The command's name: `bench`. */
  script: string;
  /** The arguments of `npm run bench --`. */
  args: readonly string[];
  /** The 128-bit peak of one core in each round, in GFLOP/s. */
  peaks: number[];
  results: Result[];
  /** Where WebGPU overtakes WebAssembly, if that was asked. */
  meetings: Meeting[];
}

/** Where it ran; a browser does not tell its processor. */
export interface Machine {
  cpu?: string;
  cores: number;
  node?: string;
  browser?: string;
  platform: string;
  /** Versions of the peers that are there, by name. */
  peers: Record<string, string>;
}

/** A workload's results as a table for a terminal. */
export function tableOf(workload: Workload, results: readonly Result[]): string {
  return [`${workload.id}  ${workload.title}`, ...aligned(rowsOf(workload, results))].join('\n');
}

/** The crossover as a table for a terminal, and its result in words. */
export function crossoverTable(meetings: readonly Meeting[]): string {
  return ['Crossover', ...aligned(crossoverRows(meetings)), crossoverLine(meetings)].join('\n');
}

/** Rows in columns, the first to the left and the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map(([name, ...figures]) => {
    return `  ${[name.padEnd(widths[0]), ...figures.map((cell, i) => cell.padStart(widths[i + 1]))].join('   ')}`;
  });
}

/** What `shareOfPeak` is a share of. */
export function peakLine({ peaks }: Pick<Report, 'peaks'>): string {
  const [median, min, max] = [medianOf(peaks), Math.min(...peaks), Math.max(...peaks)].map((v) => v.toFixed(1));
  return `128-bit peak of one core (multiply and add), measured in the same rounds: ${median} GFLOP/s (${min} … ${max})`;
}

/** The report as JSON: machine, peak, results, and the crossover where that was asked. */
export function jsonOf({ machine, peaks, results, meetings }: Report): string {
  const peak = { unit: 'GFLOP/s', median: medianOf(peaks), min: Math.min(...peaks), max: Math.max(...peaks) };
  return `${JSON.stringify({ machine, peak, results, ...(meetings.length > 0 && { crossover: meetings }) }, null, 2)}\n`;
}

/** The report as Markdown: how it came about, and a table for each workload. */
export function markdownOf(report: Report): string {
  const { machine, script, args, results, meetings } = report;
  const command = [`npm run ${script}`, ...(args.length > 0 ? ['--'] : []), ...args.map(quoted)].join(' ');
  const peers = Object.entries(machine.peers).map(([name, version]) => `, ${name} ${version}`);
  const sections = workloadsOf(results).map((workload) => {
    return [
      `### ${workload.id}: ${workload.title}`,
      '',
      ...markdownTable(rowsOf(workload, resultsOf(workload, results))),
    ];
  });
  if (meetings.length > 0) {
    sections.push(['### Crossover', '', ...markdownTable(crossoverRows(meetings)), '', `${crossoverLine(meetings)}.`]);
  }
  return [
    `\`${command}\``,
    `${whereOf(machine)}, ${machine.cores} cores, ${machine.platform}${peers.join('')}.`,
    `${peakLine(report)}.`,
    ...sections.map((lines) => lines.join('\n')),
  ].join('\n\n');
}

/** `AMD EPYC, Node v20.20.0` */
export function whereOf({ cpu, node, browser }: Machine): string {
  return [cpu, node && `Node ${node}`, browser].filter(Boolean).join(', ');
}

/**
 * A document with the text between the script's two comments, which are put at its end where it has none yet.
 *
 * @throws {Error} where one of the two is missing.
 */
export function intoDocument(document: string, text: string, script = 'bench'): string {
  const [first, last] = [`<!-- npm run ${script}: begin -->`, `<!-- npm run ${script}: end -->`];
  const [begin, end] = [document.indexOf(first), document.indexOf(last)];
  const block = `${first}\n\n${text}\n\n${last}`;
  if (begin < 0 && end < 0) return `${document}${document === '' ? '' : '\n'}${block}\n`;
  if (begin < 0 || end < begin) throw new Error(`--markdown: expected ${first} and after it ${last}`);
  return document.slice(0, begin) + block + document.slice(end + last.length);
}

/** Places in the palette: engines of a kind share one, and so do all peers. */
const COLORS: Readonly<Record<string, number>> = {
  plain: 7,
  'plain f64': 7,
  ts: 2,
  'ts f64': 2,
  wasm: 0,
  'wasm+fma': 0,
  matmulNN: 0,
  formula: 4,
  loops: 4,
  webgpu: 3,
};
const PEER_COLOR = 1;

/** A panel of bars for each workload, in its own unit. */
export function chartOf({ machine, results }: Report): string {
  const adapters = new Set(
    results.flatMap(({ adapter, software }) => adapter && `${adapter}${software ? ', software' : ''}`),
  );
  const devices = Array.from(adapters)
    .filter(Boolean)
    .map((adapter) => `; webgpu on ${adapter}`);
  return barPanels({
    title: 'Work done in a second: longer is faster',
    subtitle: `Medians of one interleaved run on ${whereOf(machine)}${devices.join('')}`,
    panels: workloadsOf(results).map((workload) => ({
      title: `${workload.id}, ${workload.unit}`,
      bars: resultsOf(workload, results).map((result) => ({
        name: shortNameOf(result),
        value: result.median,
        text: thousands(Number(figure(result.median))),
        color: COLORS[result.engine] ?? PEER_COLOR,
      })),
    })),
  });
}

function workloadsOf(results: readonly Result[]): Workload[] {
  return WORKLOADS.filter(({ id }) => results.some((result) => result.workload === id));
}

function resultsOf({ id }: Workload, results: readonly Result[]): Result[] {
  return results.filter((result) => result.workload === id);
}

/** Head and rows of a workload's table; where somebody computes on a device, also what a step asks of it. */
function rowsOf({ unit }: Workload, results: readonly Result[]): string[][] {
  const device = results.some(({ adapter }) => adapter !== undefined);
  const head = ['engine', unit, 'min … max', 'GFLOP/s', 'of peak', `× ${REFERENCE.name}`];
  const rows = results.map((result) => [...cellsOf(result), ...(device ? deviceCellsOf(result) : [])]);
  return withoutEmptyColumns([...head, ...(device ? ['dispatches', 'submits', 'buffers', 'readbacks'] : [])], rows);
}

/** A column in which no row has anything, such as the ratio to a row that is not there, is left out. */
function withoutEmptyColumns(head: string[], rows: string[][]): string[][] {
  const kept = head.map((_, column) => rows.some((row) => row[column] !== NOTHING));
  return [head, ...rows].map((row) => row.filter((_, column) => kept[column]));
}

function cellsOf(result: Result): string[] {
  const { adapter, median, min, max, gflops, shareOfPeak, ratio } = result;
  return [
    nameOf(result),
    figure(median),
    `${figure(min)} … ${figure(max)}`,
    figure(gflops),
    adapter === undefined ? `${(100 * shareOfPeak).toFixed(1)} %` : NOTHING, // a CPU's core says nothing of a device
    ratio === null ? NOTHING : figure(ratio),
  ];
}

function deviceCellsOf({ dispatchesPerStep, submitsPerStep, buffersPerStep, readbacksPerStep }: Result): string[] {
  return [dispatchesPerStep, submitsPerStep, buffersPerStep, readbacksPerStep].map((count) =>
    count === undefined ? NOTHING : String(Number(count.toFixed(3))),
  );
}

/** The engine, on how many threads or on which adapter; with a ~ where something else had part of its core. */
function nameOf(result: Result): string {
  const { adapter, software } = result;
  const device = adapter === undefined ? '' : ` (${adapter}${software ? ', software' : ''})`;
  return `${labelOf(result.engine, result.threads, result.scope)}${device}${isDisturbed(result) ? ' ~' : ''}`;
}

/** The same for a picture, whose subtitle names the adapter. */
function shortNameOf(result: Result): string {
  return `${labelOf(result.engine, result.threads, result.scope)}${isDisturbed(result) ? ' ~' : ''}`;
}

function isDisturbed({ threads, adapter, cores }: Result): boolean {
  return threads === 1 && adapter === undefined && cores < UNDISTURBED;
}

/** Three digits, or all before the point. */
export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** The same as a table in Markdown. */
export function markdownTable([head, ...rows]: readonly (readonly string[])[]): string[] {
  return [markdownRow(head), `| --- |${' ---: |'.repeat(head.length - 1)}`, ...rows.map(markdownRow)];
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** As one would type it. */
function quoted(arg: string): string {
  return /\s/.test(arg) ? `"${arg}"` : arg;
}
