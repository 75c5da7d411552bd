/**
 * Is anything lost where a run is ended? `npm run end-runs` ends runs of five set-ups a hundred times with kill −9 at random
 * moments from two seconds on, and as often as there are of them with signals and with a standard output that takes no more;
 * resumes each, and compares the last model with that of a run that nobody has disturbed, bit for bit.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeModel } from 'bptt';
import { RandomState } from 'bptt/tensor';
import { createCommand, runCommand, wholeNumber } from '../cli/options.ts';
import { createProgress, type Progress } from '../cli/progress.ts';
import { count } from '../cli/training.ts';

const bptt = fileURLToPath(new URL('../cli/bptt.ts', import.meta.url));

/** Engines, threads, dropout, batches, update rules. */
const setups: Readonly<Record<string, string>> = {
  notebook: '--preset min-char-rnn --hidden 32',
  threads: '--cell gru --layers 1 --hidden 48 --batch 8 --steps 20 --threads 2 --no-lr-decay',
  dropout: '--cell lstm --layers 2 --hidden 24 --dropout 0.3 --batch 4 --steps 16 --optimizer adamw --no-lr-decay',
  loops:
    '--engine ts --dtype float64 --cell elman --hidden 24 --batch 3 --steps 10 --optimizer rmsprop --l2 1e-5 --no-lr-decay',
  other: '--cell gru --layers 2 --hidden 24 --batch 5 --steps 12 --optimizer sgd --clip 1 --threads 1 --no-lr-decay',
};

const signals = ['SIGHUP', 'SIGQUIT', 'SIGTERM', 'SIGINT'] as const;
const endings = ['SIGKILL', ...signals, 'EPIPE', 'full'] as const;
type Ending = (typeof endings)[number];

/** A killed run had so long at least, after it had begun to train; and at most so much longer. */
const leastMs = 2000;
const spreadMs = 3000;

interface Options {
  times: number;
  only?: string;
  killOnly?: boolean;
  seed: number;
}

const command = createCommand(
  'npm run end-runs --',
  'Ends runs in every way, resumes them and compares them with undisturbed ones.',
)
  .option('--times <n>', 'how often to kill, over all set-ups', wholeNumber(1e6), 100)
  .option('--only <names>', `set-ups, separated by commas (default: ${Object.keys(setups).join(',')})`)
  .option('--kill-only', 'no signals, no closed or full standard output')
  .option('--seed <n>', 'seed of the moments', wholeNumber(2 ** 32 - 1, 0), 0)
  .action(endRuns);

async function endRuns({ times, only, killOnly = false, seed }: Options): Promise<void> {
  const names = Object.keys(setups).filter((name) => only === undefined || only.split(',').includes(name));
  if (names.length === 0) throw new Error(`no set-up is named ${only}`);
  const folder = mkdtempSync(join(tmpdir(), 'bptt-end-'));
  const random = new RandomState(seed);
  const lines = Array.from(
    { length: 4000 },
    (_, i) => `${i} green bottles, ${(i * i) % 977} of them hanging on the wall,\n`,
  );
  writeFileSync(join(folder, 'text.txt'), lines.join(''));
  const kinds = (name: number): Ending[] => [
    ...Array.from({ length: Math.floor((times + name) / names.length) }, () => 'SIGKILL' as const),
    ...(killOnly ? [] : endings.slice(1)),
  ];
  const total = names.reduce((sum, _, i) => sum + kinds(i).length, 0);
  const progress = createProgress({ unit: 'ending', total, stream: process.stderr });
  let done = 0;
  try {
    for (const [i, name] of names.entries()) {
      const setup = setups[name].split(' ');
      for (const ending of kinds(i)) {
        await endOnce(folder, setup, ending, leastMs + random.rand() * spreadMs);
        progress.update(++done, { setup: name });
      }
      await compare(folder, name, setup, progress);
      rmSync(join(folder, 'broken'), { recursive: true });
      rmSync(join(folder, 'whole'), { recursive: true });
    }
  } finally {
    progress.stop();
    rmSync(folder, { recursive: true });
  }
  process.stdout.write(`${count(done, 'run')} ended and resumed, equal to the bit: ok\n`);
}

/** Begins the run or goes on with it, and ends it that way; what it leaves must be whole. */
async function endOnce(folder: string, setup: string[], ending: Ending, afterMs: number): Promise<void> {
  const begun = readdirSync(folder).includes('broken');
  const before = begun ? await iterationOf(folder, 'broken') : 0;
  const how = begun
    ? ['--resume', 'broken', '--iterations', '1000000000']
    : ['text.txt', ...setup, '--out', 'broken', '--iterations', '1000000000'];
  const full = ending === 'full' ? openSync('/dev/full', 'w') : undefined;
  const child = start(folder, [...how, '--sample-every', '0'], full);
  const status = ended(child);
  await (full === undefined ? began(child) : lockedIn(folder));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  if (child.exitCode !== null) throw new Error(`the run ended by itself, with status ${child.exitCode}`);
  if (ending === 'EPIPE') child.stdout!.destroy();
  else child.kill(ending === 'full' ? 'SIGTERM' : ending);
  const got = await status;
  if (full !== undefined) closeSync(full);
  const wanted = ending === 'SIGKILL' ? null : ending === 'full' ? 1 : 0;
  if (got !== wanted) throw new Error(`${ending}: the run ended with status ${got}, expected ${wanted}`);
  const after = await iterationOf(folder, 'broken');
  // On a busy machine two seconds may be too short to learn anything.
  if (after < before) throw new Error(`${ending}: the run is at iteration ${after}, it was at ${before} before`);
  if (ending !== 'SIGKILL') assertTidy(folder, 'broken');
}

/** Lets the run come to an end and makes one that nobody disturbs; both must be the same. */
async function compare(folder: string, name: string, setup: string[], progress: Progress): Promise<void> {
  const iterations = String((await iterationOf(folder, 'broken')) + 50);
  const end = ['--iterations', iterations, '--sample-every', '0'];
  progress.status(`${name}: the same undisturbed, ${iterations} iterations`);
  for (const how of [
    ['--resume', 'broken'],
    ['text.txt', ...setup, '--out', 'whole'],
  ]) {
    const status = await ended(start(folder, [...how, ...end]));
    if (status !== 0) throw new Error(`${name}: ${how.join(' ')} ended with status ${status}`);
  }
  const [broken, whole] = await Promise.all(['broken', 'whole'].map((run) => contentOf(folder, run)));
  for (const [what, value] of Object.entries(whole)) {
    if (broken[what] !== value) throw new Error(`${name}: ${what} differs from that of an undisturbed run`);
  }
  assertTidy(folder, 'broken');
}

/** All that must be equal, as text: tensors, streams, figures, and the rows of the log that stand at fixed iterations. */
async function contentOf(folder: string, run: string): Promise<Record<string, string>> {
  const { tensors, metadata } = await decodeModel(readFileSync(join(folder, run, 'model.bptt')));
  const {
    updates,
    random,
    metadata: note,
  } = metadata as { updates: number; random: unknown; metadata: { point: object } };
  const log = readFileSync(join(folder, run, 'log.csv'), 'utf8')
    .split('\n')
    .slice(1);
  const rows = log
    .map((line) => line.split(','))
    .filter(([iteration]) => Number(iteration) % 100 === 0 && iteration !== '');
  return {
    ...Object.fromEntries(
      Object.entries(tensors).map(([name, { values }]) => [
        name,
        Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
      ]),
    ),
    updates: String(updates),
    random: JSON.stringify(random),
    point: JSON.stringify(note.point),
    log: rows.map(([iteration, , loss, smooth, bits]) => [iteration, loss, smooth, bits].join()).join('\n'),
  };
}

async function iterationOf(folder: string, run: string): Promise<number> {
  const { metadata } = await decodeModel(readFileSync(join(folder, run, 'model.bptt')));
  return (metadata.metadata as { point: { iteration: number } }).point.iteration;
}

/** @throws {Error} naming a file that no run leaves. */
function assertTidy(folder: string, run: string): void {
  const known = ['best.bptt', 'learning-curve.svg', 'log.csv', 'model.bptt'];
  const left = readdirSync(join(folder, run)).filter((name) => !known.includes(name));
  if (left.length > 0) throw new Error(`${run} holds ${left.join(', ')}`);
}

function start(folder: string, args: readonly string[], stdout?: number): ChildProcess {
  const flags = ['--import', import.meta.resolve('tsx'), '--conditions=bptt-source'];
  return spawn(process.execPath, [...flags, bptt, 'train', ...args], {
    cwd: folder,
    stdio: ['ignore', stdout ?? 'pipe', stdout === undefined ? 'inherit' : 'ignore'],
  });
}

/** The exit status; null where a signal ended the process. */
function ended(child: ChildProcess): Promise<number | null> {
  child.stdout?.on('data', () => {});
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

/** Resolves when a run says what it is about to train. */
function began(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout!.on('data', (text) => {
      out += text;
      if (out.includes(' · engine ')) resolve();
    });
    child.on('exit', () => reject(new Error(`the run did not begin: ${out}`)));
  });
}

/** Resolves when somebody writes to the run, whose output nobody can read. */
async function lockedIn(folder: string): Promise<void> {
  const isLocked = (): boolean => readdirSync(join(folder, 'broken')).includes('run.lock');
  while (!isLocked()) await new Promise((resolve) => setTimeout(resolve, 100));
}

await runCommand(command);
