/**
 * Plants drawn faults: one copy of the library, in which each fault is planted and taken out again. The compiler looks
 * first, then the tests of the file, then those of its room.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgress } from '../cli/progress.ts';
import { type DrawnFault, drawFaults, idOf, openSources, type Sources, withFault } from './drawFaults.ts';
import { equivalentFaults } from './equivalentFaults.ts';
import { plant } from './faults.ts';
import { copyTree, type Outcome, root, runTests, TESTED_PARTS } from './plantedCopy.ts';
import { roomTestsOf, unitTestsOf } from './testsOfFault.ts';

/** The share of the planted faults that may survive. */
export const MAY_SURVIVE = 0.05;

/** A run may take this many times as long as without a fault, and these seconds more. */
const TIMES_AS_LONG = 5;
const SECONDS_MORE = 60;

type Catcher = 'the compiler' | "the file's tests" | "the room's tests" | 'a time-out';

/** Who caught a fault and how. */
interface Catch {
  by: Catcher;
  how: string;
}

export interface DrawOptions {
  drawn: number;
  seed: number;
  only: string;
  verbose?: boolean;
}

/** Draws faults, plants each and says what became of it; the share of those planted that survived. */
export async function plantDrawnFaults({ drawn, seed, only, verbose }: DrawOptions): Promise<number> {
  const sources = openSources(join(root, 'tsconfig.build.json'), join(root, 'src'));
  const folder = copyTree(TESTED_PARTS);
  try {
    const candidates = sources.files.filter((file) => file.includes(only)).flatMap(sources.candidatesIn);
    if (candidates.length === 0) throw new Error(`no fault can be drawn in a file named ${only}`);
    const faults = drawFaults(candidates, drawn, seed);
    const progress = createProgress({ unit: 'fault', total: faults.length, stream: process.stderr });
    const caught = new Map<Catcher, number>();
    const bench: Bench = { sources, folder, seconds: new Map() };
    progress.status('the tests without a fault');
    await runWithoutFault(bench, faults.flatMap(unitTestsOf));
    let equivalent = 0;
    let survived = 0;
    for (const [i, fault] of faults.entries()) {
      const reason = equivalenceOf(fault, sources.textOf(fault.file));
      const found = reason === undefined ? await catchFault(fault, bench) : undefined;
      if (reason !== undefined) equivalent++;
      else if (found) caught.set(found.by, (caught.get(found.by) ?? 0) + 1);
      else survived++;
      const verdict = found ? `caught by ${found.by}: ${found.how}` : reason ? `equivalent: ${reason}` : 'SURVIVED';
      if (verbose || verdict === 'SURVIVED')
        progress.print(`${idOf(fault)}\n  ${lineOf(fault, sources)}\n  ${verdict}`);
      progress.update(i + 1, { survived: String(survived), file: fault.file });
    }
    progress.stop();
    const planted = faults.length - equivalent;
    const shares = [...caught].map(([by, count]) => `${count} by ${by}`).join(', ');
    process.stdout.write(
      `drawn ${faults.length} (seed ${seed}), caught ${planted - survived}${shares && ` (${shares})`}, ` +
        `equivalent ${equivalent}, survived ${survived}\n`,
    );
    return planted > 0 ? survived / planted : 0;
  } finally {
    sources.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Why a fault changes nothing that anybody could notice, where that is known. */
function equivalenceOf(fault: DrawnFault, source: string): string | undefined {
  const text = withFault(source, fault);
  return equivalentFaults.find((known) => known.file === fault.file && plant(source, known) === text)?.reason;
}

/** Where faults are planted: a copy of the library in `folder`. */
interface Bench {
  sources: Sources;
  folder: string;
  /** How long each file of tests that was run takes without a fault. */
  seconds: Map<string, number>;
}

/** The first who notices a fault, cheap ones first; nobody of a survivor. */
async function catchFault(fault: DrawnFault, bench: Bench): Promise<Catch | undefined> {
  const refusal = bench.sources.refusalOf(fault);
  if (refusal !== undefined) return { by: 'the compiler', how: refusal };
  const own = unitTestsOf(fault);
  const room = roomTestsOf(fault).filter((test) => !own.includes(test));
  const path = join(bench.folder, 'src', fault.file);
  const source = readFileSync(path, 'utf8');
  for (const [by, tests] of [["the file's tests", own] as const, ["the room's tests", room] as const]) {
    if (tests.length === 0) continue;
    await runWithoutFault(bench, tests);
    const usual = tests.map((test) => bench.seconds.get(test)!).reduce((sum, seconds) => sum + seconds);
    writeFileSync(path, withFault(source, fault));
    const outcome = await runTests(bench.folder, tests, Math.ceil(usual * TIMES_AS_LONG + SECONDS_MORE));
    writeFileSync(path, source);
    const how = wordsFor(outcome);
    if (how !== undefined) return { by: outcome.kind === 'timed out' ? 'a time-out' : by, how };
  }
  return undefined;
}

/** Runs those of the tests that were not run yet: without a fault nothing may fail, else everything would be caught. */
async function runWithoutFault({ folder, seconds }: Bench, tests: readonly string[]): Promise<void> {
  const unknown = [...new Set(tests)].filter((test) => !seconds.has(test));
  if (unknown.length === 0) return;
  const outcome = await runTests(folder, unknown);
  if (outcome.kind !== 'passed') throw new Error(`without any fault there is a failure already: ${wordsFor(outcome)}`);
  for (const test of unknown) seconds.set(test, outcome.seconds.get(test) ?? 0);
}

function wordsFor(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case 'passed':
      return undefined;
    case 'failed':
      return outcome.test;
    case 'not loaded':
      return `it does not load: ${outcome.message.trim().split('\n')[0]}`;
    case 'timed out':
      return `not done after ${outcome.seconds} s`;
  }
}

function lineOf({ file, line }: DrawnFault, sources: Sources): string {
  return sources.textOf(file).split('\n')[line - 1]!.trim();
}
