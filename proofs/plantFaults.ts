/**
 * Are the tests any good? Plants the faults of `faults.ts`, one at a time, in a copy of the library, and looks who
 * notices: first the gradient checks of `npm run gradcheck` and the property tests, at random sizes; where they do not,
 * the unit tests of the file. A fault that nothing notices is a survivor, and the exit status 1. `--drawn` plants faults
 * that nobody thought of, drawn from the syntax tree.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RandomState } from 'bptt/tensor';
import { createCommand, fail, runCommand, wholeNumber } from '../cli/options.ts';
import { createProgress } from '../cli/progress.ts';
import { equivalentFaults } from './equivalentFaults.ts';
import { type Fault, faults, type Planted, plant, sourceOf, unitTests } from './faults.ts';
import { MAY_SURVIVE, plantDrawnFaults } from './plantDrawnFaults.ts';
import { copyTree, root, runTests, TESTED_PARTS } from './plantedCopy.ts';
import { unitTestsOf } from './testsOfFault.ts';

/** Each case is checked at its smallest sizes and at this many random ones, as the property tests do. */
const SIZES = 8;
const SPREAD = 4;

/** Every fault must have its one place, else the table is out of date and nothing would be planted. */
function assertPlaces(table: string, chosen: readonly Planted[]): void {
  const misplaced = chosen.flatMap(({ file, find }) => {
    const source = sourceOf({ file });
    const times = existsSync(join(root, source)) ? readFileSync(join(root, source), 'utf8').split(find).length - 1 : 0;
    return times === 1 ? [] : [`${source} has «${find.trim()}» ${times} times, expected once`];
  });
  if (misplaced.length > 0) fail(`bring ${table} up to date\n${misplaced.join('\n')}`);
}

function copyWithFault(parts: readonly string[], fault?: Fault): string {
  const folder = copyTree(parts);
  if (fault) {
    const path = join(folder, sourceOf(fault));
    writeFileSync(path, plant(readFileSync(path, 'utf8'), fault));
  }
  return folder;
}

/** The first gradient check, of the cases with these names, that does not pass in a copy of the library. */
async function failingCheck(folder: string, cases: string): Promise<string | undefined> {
  const url = pathToFileURL(join(folder, 'proofs/gradcheckCases.ts')).href;
  const { gradcheckCases, drawSizes, runCase }: typeof import('./gradcheckCases.ts') = await import(url);
  const chosen = gradcheckCases.filter(({ name }) => new RegExp(`^(${cases})$`).test(name));
  if (chosen.length === 0) throw new Error(`no gradient check is named ${cases}`);
  for (const one of chosen) {
    const random = new RandomState(0);
    for (const sizes of drawSizes(one, random, 1 + SIZES, SPREAD)) {
      try {
        const report = runCase(one, sizes, random.randint(2 ** 31), { mode: 'sampled', samples: 10 });
        if (!report.passed) return `${one.name}: ${report.failures.join('; ')}`;
      } catch (error) {
        return `${one.name}: ${(error as Error).message}`;
      }
    }
  }
  return undefined;
}

/** No tests of a fault take so long, unless it makes a loop endless. */
const MOST_SECONDS = 600;

/** The first test of these files that fails in a copy of the library. */
async function failingTest(folder: string, files: readonly string[]): Promise<string | undefined> {
  const outcome = await runTests(folder, files, MOST_SECONDS);
  if (outcome.kind === 'not loaded') throw new Error(`${files}: ${outcome.message}`);
  if (outcome.kind === 'timed out') return `one that takes longer than ${MOST_SECONDS} s`;
  return outcome.kind === 'failed' ? outcome.test : undefined;
}

async function failingUnitTest(fault: Fault | undefined, files: readonly string[]): Promise<string | undefined> {
  const folder = copyWithFault(TESTED_PARTS, fault);
  try {
    return await failingTest(folder, files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function failingGradientCheck(fault: Fault | undefined, cases: string): Promise<string | undefined> {
  const folder = copyWithFault(['src', 'cli', 'proofs'], fault);
  try {
    return await failingCheck(folder, cases);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without a fault nothing may fail: tests that always fail would catch everything. */
function assertSound(failing: string | undefined): void {
  if (failing) fail(`without any fault there is a failure already: ${failing}`);
}

interface Options {
  only: string;
  verbose?: boolean;
  check?: boolean;
  drawn?: number;
  seed: number;
}

async function plantFaults({ only, verbose, check, drawn, seed }: Options): Promise<void> {
  assertPlaces('proofs/equivalentFaults.ts', equivalentFaults);
  if (drawn !== undefined && !check) {
    const share = await plantDrawnFaults({ drawn, seed, only, ...(verbose && { verbose }) });
    if (share > MAY_SURVIVE) process.exitCode = 1;
    return;
  }
  const chosen = faults.filter(({ file, cases }) => `${file} ${cases}`.includes(only));
  if (chosen.length === 0) fail(`no fault is planted in a file or case named ${only}`);
  assertPlaces('proofs/faults.ts', chosen);
  if (check) {
    process.stdout.write(`${chosen.length} faults, each with its one place\n`);
    return;
  }

  const progress = createProgress({ unit: 'fault', total: chosen.length, stream: process.stderr });
  const print = ({ file, kind, find, replace }: Fault, verdict: string) =>
    progress.print(`${sourceOf({ file })}, ${kind}: «${find.trim()}» → «${replace.trim()}»\n  ${verdict}`);
  const unnoticed: Fault[] = [];
  const checked = new Set(chosen.map(({ cases }) => cases).filter((cases) => cases !== unitTests));
  if (checked.size > 0) assertSound(await failingGradientCheck(undefined, [...checked].join('|')));
  for (const [i, fault] of chosen.entries()) {
    const failing = fault.cases === unitTests ? undefined : await failingGradientCheck(fault, fault.cases);
    if (!failing) unnoticed.push(fault);
    else if (verbose) print(fault, `caught by the gradient check ${failing}`);
    progress.update(i + 1, { file: fault.file });
  }

  const sound = new Set<string>();
  const survivors: Fault[] = [];
  for (const fault of unnoticed) {
    const tests = unitTestsOf(fault);
    if (tests.length > 0 && !sound.has(tests.join())) assertSound(await failingUnitTest(undefined, tests));
    sound.add(tests.join());
    const failing = tests.length > 0 ? await failingUnitTest(fault, tests) : undefined;
    if (!failing) survivors.push(fault);
    if (verbose || !failing) print(fault, failing ? `caught by the test ${failing}` : 'SURVIVED');
  }
  progress.stop();

  const byChecks = chosen.length - unnoticed.length;
  const byTests = unnoticed.length - survivors.length;
  process.stdout.write(
    `planted ${chosen.length}, caught ${byChecks + byTests} (${byChecks} by gradient checks, ` +
      `${byTests} more by unit tests), survived ${survivors.length}\n`,
  );
  if (survivors.length > 0) process.exitCode = 1;
}

const command = createCommand(
  'npm run plant-faults --',
  'Plants faults in a copy of the library and counts those that are caught.',
)
  .option('--only <text>', 'only faults whose file or gradient checks contain this', '')
  .option('--drawn <n>', 'instead of the table, faults drawn from the syntax tree of src/', wholeNumber(2 ** 31 - 1))
  .option('--seed <s>', 'which faults are drawn', wholeNumber(2 ** 32 - 1, 0), 0)
  .option('--check', 'only look whether every fault of the tables has its one place in the source')
  .option('--verbose', 'show what caught each fault')
  .addHelpText(
    'after',
    `\nThe exit status is 1 if a fault of the table survives, or more than ${100 * MAY_SURVIVE} % of the drawn ones that are planted.`,
  )
  .action(plantFaults);

await runCommand(command);
