import { formatGradcheck, type GradcheckOptions, type NamedGradcheckReport } from 'bptt';
import { RandomState } from 'bptt/tensor';
import { Option } from 'commander';
import { writeAtomic } from './files.ts';
import { drawSizes, gradcheckCases, mergeReports, runCase } from './gradcheckCases.ts';
import { createCommand, fail, runCommand, wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';

interface Options {
  seed: number;
  only?: string;
  mode: NonNullable<GradcheckOptions['mode']>;
  samples: number;
  json?: string;
}

/** Each case at its smallest sizes and at this many random ones, each letter up to SPREAD above its smallest. */
const SIZES = 3;
const SPREAD = 3;

const command = createCommand('gradcheck', 'Checks every hand-written gradient against numeric derivatives in float64.')
  .option('--seed <n>', 'seed of sizes, values and probes', wholeNumber(2 ** 32 - 1, 0), 0)
  .option('--only <name>', 'only the cases whose name contains this')
  .addOption(
    new Option('--mode <mode>', 'every element, some elements, or random directions')
      .choices(['full', 'sampled', 'directional'])
      .default('full'),
  )
  .option('--samples <n>', 'elements of each parameter (sampled) or directions', wholeNumber(1e6), 10)
  .option('--json <file>', 'write the results there as well')
  .action(check);

function check({ seed, only = '', mode, samples, json }: Options): void {
  const cases = gradcheckCases.filter(({ name }) => name.includes(only));
  if (cases.length === 0) fail(`no case has '${only}' in its name`);
  const progress = process.stderr.isTTY
    ? createProgress({ unit: 'case', total: cases.length, stream: process.stderr })
    : undefined;
  const reports: NamedGradcheckReport[] = [];
  for (const one of cases) {
    progress?.update(reports.length, { now: one.name });
    const random = new RandomState(seed);
    const sizes = drawSizes(one, random, 1 + SIZES, SPREAD);
    try {
      const runs = sizes.map((choice) => runCase(one, choice, random.randint(2 ** 31), { mode, samples }));
      reports.push({ name: one.name, report: mergeReports(runs) });
    } catch (error) {
      throw new Error(`${one.name}: ${(error as Error).message}`, { cause: error });
    }
  }
  progress?.update(cases.length, {});
  progress?.stop();
  process.stdout.write(`${formatGradcheck(reports)}\n`);
  if (json) writeAtomic(json, `${JSON.stringify(summarize(reports, seed, mode), null, 2)}\n`);
  const checked = reports.reduce((sum, { report }) => sum + report.checked, 0);
  if (checked === 0 || reports.some(({ report }) => !report.passed)) process.exitCode = 1;
}

function summarize(reports: NamedGradcheckReport[], seed: number, mode: string): object {
  return {
    seed,
    mode,
    passed: reports.every(({ report }) => report.passed),
    checked: reports.reduce((sum, { report }) => sum + report.checked, 0),
    cases: reports.map(({ name, report: { passed, failures, checked, inconclusive, kinks, worst } }) => ({
      name,
      passed,
      failures,
      checked,
      inconclusive,
      kinks: kinks.length,
      worst,
    })),
  };
}

await runCommand(command);
