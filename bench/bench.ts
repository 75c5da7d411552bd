import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createCommand, runCommand, wholeNumber } from '../cli/options.ts';
import { createProgress } from '../cli/progress.ts';
import { measure, type Result } from './measure.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

interface Options {
  only?: string;
  engines?: string;
  samples: number;
  seconds: number;
  json?: string;
}

const command = createCommand('npm run bench --', 'Times one training step of each workload, the engines in turn.')
  .option('--only <ids>', `workloads, separated by commas: ${WORKLOADS.map((w) => w.id).join(', ')}`)
  .option('--engines <names>', 'engines, separated by commas; the first one is what the others are compared with')
  .option('--samples <n>', 'samples for each engine', wholeNumber(1000), 7)
  .option('--seconds <s>', 'seconds for each sample', Number, 0.3)
  .option('--json <file>', 'write machine and results as JSON')
  .action(async (options: Options) => {
    const results: Result[] = [];
    for (const workload of chosen('--only', options.only, WORKLOADS, (w) => w.id)) {
      results.push(...(await run(workload, options)));
    }
    if (options.json) writeFileSync(options.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);
  });

await runCommand(command);

async function run(workload: Workload, options: Options): Promise<Result[]> {
  const engines = chosen('--engines', options.engines, Object.keys(workload.contenders), (name) => name);
  const progress = createProgress({ unit: 'rounds', total: options.samples, stream: process.stderr });
  const timing = { samples: options.samples, sampleSeconds: options.seconds, warmUpSeconds: 1.2 };
  const results = await measure(workload, engines, timing, (round) =>
    progress.update(round, { workload: workload.id }),
  );
  progress.stop();
  printTable(workload, results);
  return results;
}

/** The things named by a comma-separated option, or all of them. */
function chosen<A>(option: string, names: string | undefined, all: readonly A[], nameOf: (a: A) => string): A[] {
  if (names === undefined) return [...all];
  return names.split(',').map((name) => {
    const found = all.find((a) => nameOf(a) === name.trim());
    if (found === undefined) throw new Error(`${option}: ${name} is none of ${all.map(nameOf).join(', ')}`);
    return found;
  });
}

function printTable({ id, title, unit, flops }: Workload, results: readonly Result[]): void {
  console.log(`${id}  ${title}`);
  console.log(
    `  ${'engine'.padEnd(12)}${unit.padStart(14)}${'min … max'.padStart(24)}${'GFLOP/s'.padStart(10)}${'ratio'.padStart(8)}`,
  );
  for (const { engine, median, min, max, samples } of results) {
    const ratio = medianOf(samples.map((s, i) => s / results[0].samples[i]));
    const range = `${min.toFixed(0)} … ${max.toFixed(0)}`;
    const speed = ((median * flops) / 1e9).toFixed(2);
    console.log(
      `  ${engine.padEnd(12)}${median.toFixed(0).padStart(14)}${range.padStart(24)}${speed.padStart(10)}${ratio.toFixed(2).padStart(8)}`,
    );
  }
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function machine(): Record<string, unknown> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model,
    cores: cpus().length,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}
