import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { readCharModel } from '../charModel.ts';
import { RunFolder } from '../runFolder.ts';
import type { Plan } from './plan.ts';

/** How far a run is, and the words behind `bptt` that begin it or go on with it. */
export interface RunState {
  state: 'new' | 'begun' | 'done';
  args: readonly string[];
}

/** The time that `bptt train` takes where nothing is said. */
const DEFAULT_SECONDS = 30;

/** Looks how far the run of that index is. */
export async function stateOf(folder: string, { common, runs }: Plan, index: number): Promise<RunState> {
  const { name, options } = runs[index];
  const path = join(folder, name);
  const words = [...common, ...options];
  if (!existsSync(join(path, 'model.bptt'))) return { state: 'new', args: ['train', ...words, '--out', path] };
  const { checkpoint, seconds: spent } = await readCharModel(RunFolder.open(path).model);
  const iterations = numberOf(words, 'iterations');
  const seconds = numberOf(words, 'seconds') ?? (iterations === undefined ? DEFAULT_SECONDS : Infinity);
  const done = checkpoint.iteration >= (iterations ?? Infinity) || spent >= seconds;
  const limits = [
    ...(iterations === undefined ? [] : ['--iterations', String(iterations)]),
    ...(seconds === Infinity ? [] : ['--seconds', String(seconds - spent)]),
  ];
  return { state: done ? 'done' : 'begun', args: ['train', '--resume', path, ...limits] };
}

/** The number behind the last \`--name\` of these words. */
function numberOf(words: readonly string[], name: string): number | undefined {
  const at = words.lastIndexOf(`--${name}`);
  const joined = words.findLast((word) => word.startsWith(`--${name}=`));
  const text = at >= 0 ? words[at + 1] : joined?.slice(name.length + 3);
  return text === undefined ? undefined : Number(text);
}

/** Starts `bptt` once more; its output goes on with ours, or is added to a file. */
export function startRun(args: readonly string[], log?: string): ChildProcess {
  const output = log === undefined ? 'inherit' : openSync(log, 'a');
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1], ...args], {
    stdio: ['ignore', output, output],
  });
  if (typeof output === 'number') closeSync(output);
  return child;
}

/** The exit status of a process; 1 where a signal ended it. */
export function endOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}
