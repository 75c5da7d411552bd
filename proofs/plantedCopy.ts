/** Copies of the library in which a fault is planted, and the tests that are run there. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** What the unit tests need of the library. */
export const TESTED_PARTS = [
  'src',
  'cli',
  'proofs',
  'examples',
  'fuzz',
  'tests',
  'scripts',
  'vitest.config.ts',
  'tsconfig.json',
] as const;

/** A copy of parts of the library, in a folder of its own so that every import is a new one; the caller removes it. */
export function copyTree(parts: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-faults-'));
  for (const part of [...parts, 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return folder;
}

/** How a run of tests ended. */
export type Outcome =
  /** `seconds` are those of each file, by the name it was given by. */
  | { kind: 'passed'; seconds: ReadonlyMap<string, number> }
  | { kind: 'failed'; test: string }
  | { kind: 'not loaded'; message: string }
  | { kind: 'timed out'; seconds: number };

/** The part that is read of the test runner's report in JSON. */
interface TestReport {
  success: boolean;
  testResults: {
    name: string;
    startTime: number;
    endTime: number;
    message?: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

/**
 * Runs these files of tests in a copy of the library, up to the first test that fails.
 *
 * @param seconds after which the run is ended; without it a run has all the time that it takes
 */
export async function runTests(folder: string, files: readonly string[], seconds?: number): Promise<Outcome> {
  const report = join(folder, 'report.json');
  rmSync(report, { force: true });
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project=node*',
    '--bail=1',
    '--reporter=json',
    `--outputFile=${report}`,
    ...files,
  ];
  const output = await outputOf(args, folder, seconds);
  if (output === undefined) return { kind: 'timed out', seconds: seconds! };
  if (!existsSync(report)) return { kind: 'not loaded', message: output };
  const { success, testResults }: TestReport = JSON.parse(readFileSync(report, 'utf8'));
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === 'failed');
  if (failed) return { kind: 'failed', test: failed.fullName };
  // A file that does not load has no failed test either.
  if (!success) return { kind: 'not loaded', message: testResults.map(({ message }) => message).join('\n') };
  const took = testResults.map(({ name, startTime, endTime }) => {
    return [relative(realpathSync(folder), name).split(sep).join('/'), (endTime - startTime) / 1000] as const;
  });
  return { kind: 'passed', seconds: new Map(took) };
}

/** What a run of Node prints; nothing where it had to be ended. */
function outputOf(args: readonly string[], cwd: string, seconds?: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    // A group of its own: a test in an endless loop outlives the runner that started it.
    const child = spawn(process.execPath, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let ended = false;
    const end = () => {
      ended = true;
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    };
    const interrupted = () => {
      end();
      rmSync(cwd, { recursive: true, force: true });
      process.exit(130);
    };
    const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      resolve(ended ? undefined : output);
    });
  });
}
