import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
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
import { isNamed, WORKLOADS, type Workload } from './workloads.ts';

interface Options {
  only?: string;
  engines?: string;
  threads: number[];
  samples: number;
  seconds: number;
  json?: string;
  markdown?: string;
  chart: string;
  crossover?: boolean;
}

const command = createCommand('npm run bench --', 'Times W1 to W6 on every engine and peer that is there, in turn.')
  .option('--only <ids>', `workloads or groups, separated by commas: ${WORKLOADS.map((w) => w.id).join(', ')}`)
  .option('--engines <names>', `engines, separated by commas: ${ENGINES.map((e) => e.name).join(', ')}`)
  .option('--threads <n,…>', 'threads of the engines that can use several; a row for each number', threadCounts, [1])
  .option('--samples <n>', 'samples of each engine', wholeNumber(1000), 7)
  .option('--seconds <s>', 'seconds for each sample', numberBetween(0, 3600, { positive: true }), 0.3)
  .option('--crossover', 'from which net on WebGPU beats WebAssembly here; without --only that alone')
  .option('--json <file>', 'write machine and results as JSON')
  .option('--markdown <file>', 'write them as tables into that file, between its two comments `npm run bench`')
  .option('--chart <file>', 'the picture, an SVG', 'bench/out/bench.svg')
  .action(run);

await runCommand(command);

async function run(options: Options): Promise<void> {
  const { json, markdown, chart } = options;
  const all = options.crossover && options.only === undefined ? [] : WORKLOADS;
  const workloads = chosen('--only', options.only, all, ({ id }) => id, isNamed);
  const named = chosen('--engines', options.engines, ENGINES, ({ name }) => name);
  const both = options.engines !== undefined && options.only !== undefined;
  const versions: Record<string, string> = {};
  const engines = workloads.length > 0 ? named.filter((engine) => isPresent(engine, versions)) : [];
  for (const file of [json, markdown, chart]) if (file) makeFolder(dirname(file));
  const document = markdown && existsSync(markdown) ? readFileSync(markdown, 'utf8') : '';
  intoDocument(document, ''); // before the work: it may lack the place
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
  ];
}

/** `1,2` */
function threadCounts(text: string): number[] {
  return [...new Set(text.split(',').map(wholeNumber(64)))];
}
