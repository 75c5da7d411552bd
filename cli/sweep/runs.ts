import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { readRun } from '../runFile.ts';
import { RunFolder } from '../runFolder.ts';
import type { Plan } from './plan.ts';

/** How far a run is, and the words behind `bptt` that begin it or go on with it. */
export interface RunState {
  state: 'new' | 'begun' | 'done';
  args: readonly string[];
}

/** Looks how far the run of that index is. One that was resumed goes on to the limits that it had. */
export async function stateOf(folder: string, { common, runs }: Plan, index: number): Promise<RunState> {
  const { name, options } = runs[index];
  const path = join(folder, name);
  const begin = ['train', ...common, ...options, '--out', path];
  const run = RunFolder.at(path);
  if (!run.hasModel) return { state: 'new', args: [...begin, '--overwrite'] };
  const { note } = await readRun(run.model);
  const { iterations = Infinity, seconds = Infinity } = note.limits;
  const done = note.point.iteration >= iterations || note.seconds >= seconds;
  return { state: done ? 'done' : 'begun', args: ['train', '--resume', path] };
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
