import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A Python that has PyTorch and NumPy: of the environment, of the path, or Debian's; null where there is none. */
export const torchPython: string | null =
  [process.env.PYTHON, 'python3', '/usr/bin/python3']
    .filter((path) => path !== undefined)
    .find((path) => spawnSync(path, ['-c', 'import torch, numpy']).status === 0) ?? null;

/** What a script of `tests/`, or any file, prints; its standard error where it fails. */
export function runPython(script: string, args: readonly string[]): string {
  const path = script.startsWith('/') ? script : fileURLToPath(new URL(script, import.meta.url));
  const { status, stdout, stderr } = spawnSync(torchPython!, [path, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`);
  return stdout;
}
