import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ended, start } from '../cli/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('says time, memory and loss of what a process of its own trained', async () => {
  const { status, out, err } = await ended(start('bench/large.ts', ['--only', 'updates', '--engine', 'wasm'], root));
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toMatch(/^100,000 updates: elman 16, 8 symbols, 552 parameters$/m);
  expect(out).toMatch(/^ {2}wasm +\d+\.\d s to begin, +\d+\.\d s, +\d+ MiB, 0\.00\d\d nats a symbol$/m);
});
