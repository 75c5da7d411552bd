import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { createCommand, wholeNumber } from '../options.ts';
import { type Plan, planOf, type Range, readPlan, type Values, writePlan } from '../sweep/plan.ts';
import { endOf, startRun, stateOf } from '../sweep/runs.ts';
import {
  kubernetesJob,
  parallelCommand,
  type ScriptOptions,
  shellWord,
  slurmScript,
  UNFINISHED,
} from '../sweep/scripts.ts';
import { typed } from '../typed.ts';
import { version } from '../version.ts';
import { command as train } from './train.ts';

interface Options {
  grid?: readonly Values[];
  range?: readonly Range[];
  random?: number;
  seed: number;
  run?: boolean;
  jobs?: number;
  index?: number;
  slurm?: boolean;
  kubernetes?: boolean;
  parallel?: boolean;
  image: string;
  claim: string;
}

const modes = ['run', 'index', 'slurm', 'kubernetes', 'parallel'] as const;

export const command: Command = createCommand(
  'sweep',
  'Searches settings of bptt train: every combination of a grid, or settings drawn at random. Prints a command for each run, or runs them. Each run has a folder in the sweep’s, and goes on where it was stopped; bptt compare ranks them.',
)
  .usage('[options] <folder> [-- <files and options of bptt train>]')
  .argument('<folder>', 'folder of the sweep: a new one, or one to go on with')
  .argument('[words...]', 'behind --, files and options that all runs have')
  .option(
    '--grid <option=a,b,…>',
    'values of an option of bptt train; may be given several times',
    (text: string, before: readonly Values[] = []) => [...before, values(text)],
  )
  .option(
    '--range <option=low..high>',
    'with --random: draw between these bounds, by their logarithms where both are above 0; low..high,linear draws evenly',
    (text: string, before: readonly Range[] = []) => [...before, range(text)],
  )
  .option('--random <n>', 'draw n runs instead of running all combinations', wholeNumber(100_000))
  .option('--seed <n>', 'seed of the draws', wholeNumber(2 ** 32 - 1, 0), 0)
  .option('--run', 'run them here, each in a process of its own')
  .option('--jobs <n>', 'at most so many at the same time (default: 1 with --run, else no limit)', wholeNumber(10_000))
  .option('--index <n>', 'run the one of this number: what the scripts call', wholeNumber(100_000, 0))
  .option('--slurm', 'print a script for an array job of Slurm')
  .option('--kubernetes', 'print an indexed job for Kubernetes')
  .option('--parallel', 'print a command for GNU parallel')
  .option('--image <name>', 'with --kubernetes: image of the containers, with Node', 'node:22')
  .option('--claim <name>', 'with --kubernetes: persistent volume claim that is mounted as /data', 'data')
  .addHelpText(
    'after',
    `\nAn example:\n  bptt sweep sweeps/first --grid cell=gru,lstm --grid lr=0.002,0.004,0.008 --run -- book.txt --iterations 5000\n\nThe exit status of --index is ${UNFINISHED} where the run was stopped before its end.`,
  )
  .action(sweep);

async function sweep(folder: string, words: string[], options: Options): Promise<void> {
  const mode = modes.filter((name) => options[name] !== undefined);
  if (mode.length > 1) throw new RangeError(`--${mode[0]} and --${mode[1]} exclude each other`);
  const plan = takePlan(folder, words, options);
  const { jobs, image, claim, index } = options;
  if (options.run) return runAll(folder, plan, jobs ?? 1);
  if (index !== undefined) return runOne(folder, plan, index);
  const about: ScriptOptions = { folder, command: typed('sweep'), jobs, image, claim, version };
  if (options.slurm) process.stdout.write(slurmScript(plan, about));
  else if (options.kubernetes) process.stdout.write(kubernetesJob(plan, about));
  else if (options.parallel) process.stdout.write(parallelCommand(plan, about));
  else {
    for (const [i, { options }] of plan.runs.entries()) {
      const settings = [...plan.common, ...options].map(shellWord).join(' ');
      console.log(`${typed('sweep')} ${shellWord(folder)} --index ${i} # ${settings}`);
    }
  }
}

/** The sweep that is described, or the one that the folder holds. */
function takePlan(folder: string, words: readonly string[], { grid = [], range = [], random, seed }: Options): Plan {
  if (grid.length + range.length + words.length === 0 && random === undefined) return readPlan(folder);
  const plan = planOf(train, words, { grid, ranges: range, random, seed });
  writePlan(folder, plan);
  return plan;
}

/** One run in the place of this process: its output is ours, and a signal to us is one to it. */
async function runOne(folder: string, plan: Plan, index: number): Promise<void> {
  const { length } = plan.runs;
  if (index >= length)
    throw new RangeError(`--index is ${index}, but the sweep has ${length} runs: 0 to ${length - 1}`);
  const { state, args } = await stateOf(folder, plan, index);
  if (state === 'done') return console.log(`${plan.runs[index].name} is done`);
  const child = startRun(args);
  const stopped = forwardSignals(new Set([child]));
  const status = await endOf(child);
  // A run that ends without a signal has come to one of its limits.
  const before = stopped.signal !== undefined && (await stateOf(folder, plan, index)).state !== 'done';
  process.exitCode = before ? UNFINISHED : status;
}

/** All runs that are not done, some at a time; what each writes goes to a file beside its folder. */
async function runAll(folder: string, plan: Plan, jobs: number): Promise<void> {
  const running = new Set<ChildProcess>();
  const failed: string[] = [];
  const stopped = forwardSignals(running);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < plan.runs.length && !stopped.signal) {
      const index = next++;
      const { name } = plan.runs[index];
      const label = `[${index + 1}/${plan.runs.length}] ${name}`;
      const { state, args } = await stateOf(folder, plan, index);
      if (state === 'done') {
        console.log(`${label}: done before`);
        continue;
      }
      console.log(`${label}: ${state === 'new' ? 'begins' : 'goes on'}`);
      const log = join(folder, `${name}.txt`);
      const child = startRun(args, log);
      running.add(child);
      const status = await endOf(child);
      running.delete(child);
      if (status !== 0 && !stopped.signal) failed.push(`${name} ended with ${status}: see ${log}`);
      console.log(`${label}: ${status === 0 ? 'ended' : `ended with ${status}`}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, plan.runs.length) }, worker));
  if (stopped.signal) {
    console.log(`stopped; ${typed('sweep')} ${shellWord(folder)} --run goes on`);
    process.exitCode = UNFINISHED;
  } else {
    console.log(`Rank them:  ${typed('compare')} ${shellWord(folder)}`);
  }
  if (failed.length > 0) throw new Error(failed.join('; '));
}

/** Hands signals on to the processes that are running; tells whether there was one. */
function forwardSignals(running: ReadonlySet<ChildProcess>): { signal: NodeJS.Signals | undefined } {
  const state: { signal: NodeJS.Signals | undefined } = { signal: undefined };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      state.signal = signal;
      for (const child of running) child.kill('SIGTERM'); // a second SIGINT would end it at once
    });
  }
  return state;
}

function values(text: string): Values {
  const at = text.indexOf('=');
  const list = text.slice(at + 1).split(',');
  if (at < 1 || list.some((value) => value === '')) {
    throw new InvalidArgumentError('It must be an option and its values, such as lr=0.1,0.01');
  }
  return { option: text.slice(0, at), values: list };
}

function range(text: string): Range {
  const [, option, bounds, linear] = /^([\w-]+)=(.+?)(,linear)?$/.exec(text) ?? [];
  const [low, high, ...more] = (bounds ?? '').split('..').map((bound) => (bound === '' ? Number.NaN : Number(bound)));
  if (!(low < high && Number.isFinite(low) && Number.isFinite(high)) || more.length > 0) {
    throw new InvalidArgumentError('It must be an option and two bounds, such as lr=1e-4..0.1');
  }
  return { option, low, high, logarithmic: linear === undefined && low > 0 };
}
