import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bptt, ended } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-memory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const memory = (...args: string[]) => ended(bptt(['memory', ...args], folder));
const small = ['--iterations', '60', '--hidden', '4', '--batch', '3'];

test.each([
  ['adding', '10', 'mean squared error', '0.1667'],
  ['copying', '4', 'cross-entropy a step, nats', '0.7427'],
])('%s: says the baseline, what each cell reached, and draws it', async (problem, length, loss, baseline) => {
  const { status, out } = await memory(
    problem,
    '--length',
    length,
    '--cells',
    'elman,gru',
    ...small,
    '--out',
    'pictures',
  );
  expect(status).toBe(0);
  expect(out).toContain(`${loss}; the best answer without memory: ${baseline}`);
  expect(out).toMatch(/^elman +\d\.\d{4} {2}does not remember$/m);
  expect(out).toMatch(/^gru +\d\.\d{4} {2}does not remember$/m);
  const svg = readFileSync(join(folder, 'pictures', `memory-${problem}-${length}.svg`), 'utf8');
  expect(svg).toContain('>without memory<');
});

test('an unknown problem or cell is one line', async () => {
  const problem = await memory('juggling');
  expect(problem).toMatchObject({ status: 2, out: '' });
  const cell = await memory('adding', '--cells', 'cnn', ...small);
  expect(cell).toMatchObject({ status: 2, out: '' }); // before anything is trained
  expect(cell.err).toContain("'cnn' is none of elman, gru, ");
});
