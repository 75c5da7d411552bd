import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a command ended and what it wrote. */
export interface Ended {
  status: number | null;
  out: string;
  err: string;
}

const here = fileURLToPath(new URL('../..', import.meta.url));

/** The environment without what npm and npx tell the commands that they run. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
}

/** Starts a TypeScript file of the repository, such as `cli/bptt.ts`, as a process of its own. */
export function start(
  file: string,
  args: readonly string[],
  cwd: string,
  flags: readonly string[] = [],
  stdout: 'pipe' | number = 'pipe',
): ChildProcess {
  const tsx = import.meta.resolve('tsx');
  return spawn(process.execPath, [...flags, '--import', tsx, '--conditions=bptt-source', `${here}${file}`, ...args], {
    cwd,
    env: plainEnvironment(),
    stdio: ['pipe', stdout, 'pipe'],
  });
}

/** Waits for the end of a process; `onOutput` sees all that it has written so far to standard output. */
export function ended(child: ChildProcess, onOutput: (out: string) => void = () => {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      out += text;
      onOutput(out);
    });
    child.stderr!.setEncoding('utf8').on('data', (text) => {
      err += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out, err }));
  });
}

/** Starts `bptt` with these arguments, the command's name first. */
export function bptt(args: readonly string[], cwd: string, stdout?: number): ChildProcess {
  return start('cli/bptt.ts', args, cwd, [], stdout);
}

/** Runs `bptt <name>` to its end. */
export function run(name: string, args: readonly string[], cwd: string, input = ''): Promise<Ended> {
  const child = bptt([name, ...args], cwd);
  child.stdin!.end(input);
  return ended(child);
}

/** A text of a few hundred characters to learn. */
export const tinyText = Array.from({ length: 24 }, (_, i) => `${i} green bottles hanging on the wall,\n`).join('');
