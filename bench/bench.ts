import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Option } from 'commander';
import { makeFolder, writeAtomic } from '../cli/files.ts';
import { createCommand, numberBetween, runCommand, wholeNumber } from '../cli/options.ts';
import { createProgress } from '../cli/progress.ts';
import { chosen } from './chosen.ts';
import { crossover } from './crossover.ts';
import { type Engine, type Entrant, entrantsOf, REFERENCE } from './engine.ts';
import { ENGINES } from './engines.ts';
import { machineWith } from './machine.ts';
import { type Measured, measure } from './measure.ts';
import { ProcessContestant } from './processContestant.ts';
import { chartOf, crossoverTable, intoDocument, jsonOf, markdownOf, peakLine, type Report, tableOf } from './report.ts';
import { measureScaling, SWEEPS, TEXTS } from './scaling.ts';
import { scalingChart, scalingJson, scalingMarkdown, scalingTable } from './scalingReport.ts';
import { isNamed, WORKLOADS, type Workload } from './workloads.ts';

interface Options {
  only?: string;
  engines?: string;
  threads: number[];
  samples: number;
  seconds: number;
  json?: string;
  markdown?: string;
  chart?: string;
  crossover?: boolean;
  scaling?: boolean;
}

const command = createCommand('npm run bench --', 'Times W1 to W6 on every engine and peer that is there, in turn.')
  .option('--only <ids>', `workloads or groups, separated by commas: ${WORKLOADS.map((w) => w.id).join(', ')}`)
  .option('--engines <names>', `engines, separated by commas: ${ENGINES.map((e) => e.name).join(', ')}`)
  .option('--threads <n,…>', 'threads of the engines that can use several; a row for each number', threadCounts, [1])
  .option('--samples <n>', 'samples of each engine', wholeNumber(1000), 7)
  .option('--seconds <s>', 'seconds for each sample', numberBetween(0, 3600, { positive: true }), 0.3)
  .option('--crossover', 'from which net on WebGPU beats WebAssembly here; without --only that alone')
  .addOption(
    new Option(
      '--scaling',
      'how time and memory of a training step grow with each size of a net, beside a model of them; that alone',
    ).conflicts(['only', 'engines', 'threads', 'crossover']),
  )
  .option('--json <file>', 'write machine and results as JSON')
  .option('--markdown <file>', 'write them as tables into that file, between its two comments `npm run bench`')
  .option('--chart <file>', 'the picture, an SVG (default: bench/out/bench.svg, or scaling.svg there)')
  .action((options: Options) => (options.scaling ? runScaling(options) : run(options)));

await runCommand(command);

async function run(options: Options): Promise<void> {
  const { json, markdown, chart = 'bench/out/bench.svg' } = options;
  const all = options.crossover && options.only === undefined ? [] : WORKLOADS;
  const workloads = chosen('--only', options.only, all, ({ id }) => id, isNamed);
  const named = chosen('--engines', options.engines, ENGINES, ({ name }) => name);
  const both = options.engines !== undefined && options.only !== undefined;
  const versions: Record<string, string> = {};
  const engines = workloads.length > 0 ? named.filter((engine) => isPresent(engine, versions)) : [];
  const document = prepared([json, chart], markdown, 'bench');
  const report: Report = {
    ...{ machine: machineWith(versions), script: 'bench', args: argsOf(options) },
    ...{ peaks: [], results: [], meetings: [] },
  };
  // After each workload, so that a run that is stopped leaves what it has.
  const write = (): void => {
    if (json) writeAtomic(json, jsonOf(report));
    if (markdown) writeAtomic(markdown, intoDocument(document, markdownOf(report)));
    if (report.results.length > 0) writeAtomic(chart, chartOf(report));
  };
  for (const workload of workloads) {
    const entrants = entrantsOf(workload, engines, options.threads, both);
    if (entrants.length === 0) {
      console.log(`${workload.id}: none of these engines does it\n`);
      continue;
    }
    const { results, peaks, leftOut } = await timed(workload, entrants, options);
    for (const line of leftOut) console.log(line);
    if (results.length === 0) continue;
    console.log(`${tableOf(workload, results)}\n`);
    report.results.push(...results);
    report.peaks.push(...peaks);
    write();
  }
  if (options.crossover) {
    await crossover({ ...options, start }, (meeting, peaks) => {
      console.error(`H ${meeting.H}, batch ${meeting.B}: ${meeting.ratio.toPrecision(2)}`);
      report.meetings.push(meeting);
      report.peaks.push(...peaks);
      write();
    });
    console.log(`${crossoverTable(report.meetings)}\n`);
  }
  if (report.peaks.length > 0) console.log(peakLine(report));
  if (report.results.length > 0) console.log(`picture: ${chart}`);
}

async function runScaling(options: Options): Promise<void> {
  const { json, markdown, chart = 'bench/out/scaling.svg', samples, seconds } = options;
  const script = 'bench -- --scaling';
  const document = prepared([json, chart], markdown, script);
  const progress = createProgress({ unit: 'rounds', total: samples, stream: process.stderr });
  const scaling = await measureScaling({
    ...{ sweeps: SWEEPS, texts: TEXTS, samples, seconds },
    report: (done) => progress.update(done, {}),
  }).finally(() => progress.stop());
  console.log(scalingTable(scaling));
  const machine = machineWith({});
  if (json) writeAtomic(json, scalingJson(machine, scaling));
  if (markdown) {
    const text = scalingMarkdown(machine, scaling, argsOf(options));
    writeAtomic(markdown, intoDocument(document, text, script));
  }
  writeAtomic(chart, scalingChart(machine, scaling));
  console.log(`picture: ${chart}`);
}

/** Makes the folders of the files to be written; gives the document that the tables go into, which has their place. */
function prepared(files: readonly (string | undefined)[], markdown: string | undefined, script: string): string {
  for (const file of [...files, markdown]) if (file) makeFolder(dirname(file));
  const document = markdown && existsSync(markdown) ? readFileSync(markdown, 'utf8') : '';
  intoDocument(document, '', script); // before the work: it may lack the place
  return document;
}

/** Whether an engine can run here; what cannot is told in a line; a peer adds its version. */
function isPresent({ name, peer, missing }: Engine, versions: Record<string, string>): boolean {
  const why = missing?.() ?? null;
  if (why !== null) {
    console.log(`${name} is left out: ${why}`);
    return false;
  }
  if (!peer) return true;
  const version = peer.version();
  if (version === null) console.log(`${name} is left out: not installed (${peer.install})`);
  else versions[peer.package] = version;
  return version !== null;
}

function start(...contender: ConstructorParameters<typeof ProcessContestant>): ProcessContestant {
  return new ProcessContestant(...contender);
}

async function timed(workload: Workload, entrants: readonly Entrant[], options: Options): Promise<Measured> {
  const progress = createProgress({ unit: 'rounds', total: options.samples, stream: process.stderr });
  try {
    return await measure(workload, entrants, {
      ...options,
      reference: REFERENCE,
      start,
      report: (done) => progress.update(done, { workload: workload.id }),
    });
  } finally {
    progress.stop();
  }
}

/** The options that were given, but for the files written. */
function argsOf(options: Options): string[] {
  const names = ['only', 'engines', 'threads', 'samples', 'seconds'] as const;
  const given = names.filter((name) => command.getOptionValueSource(name) === 'cli');
  return [
    ...given.flatMap((name) => [`--${name}`, String(options[name])]),
    ...(options.crossover ? ['--crossover'] : []),
    ...(options.scaling ? ['--scaling'] : []),
  ];
}

/** `1,2` */
function threadCounts(text: string): number[] {
  return [...new Set(text.split(',').map(wholeNumber(64)))];
}
