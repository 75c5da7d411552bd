import { formatGradcheck, type GradcheckOptions, type NamedGradcheckReport } from 'bptt';
import { RandomState } from 'bptt/tensor';
import { Option } from 'commander';
import { writeAtomic } from '../cli/files.ts';
import { createCommand, fail, runCommand, wholeNumber } from '../cli/options.ts';
import { createProgress } from '../cli/progress.ts';
import { drawSizes, gradcheckCases, mergeReports, runCase } from './gradcheckCases.ts';
import { exactCases, formatExact, runExact } from './gradcheckExact.ts';

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

const command = createCommand(
  'npm run gradcheck --',
  'Checks every hand-written gradient against numeric derivatives in float64, and formulas against their exact ones.',
)
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
  const exact = exactCases.filter(({ name }) => name.includes(only));
  if (cases.length + exact.length === 0) fail(`no case has '${only}' in its name`);
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
  const exactReports = exact.map((one) => runExact(one, seed));
  if (cases.length > 0) process.stdout.write(`${formatGradcheck(reports)}\n`);
  if (exact.length > 0) process.stdout.write(`${formatExact(exactReports)}\n`);
  const results = { ...summarize(reports, seed, mode), exact: exactReports };
  if (json) writeAtomic(json, `${JSON.stringify(results, null, 2)}\n`);
  const nothing = reports.some(({ report }) => report.checked === 0);
  const failed = reports.some(({ report }) => !report.passed) || exactReports.some(({ passed }) => !passed);
  if (nothing || failed) process.exitCode = 1;
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
