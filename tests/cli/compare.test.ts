import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { bptt, ended, run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-compare-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (text: string, out: string, more: string[] = []) =>
  run('train', [text, '--hidden', '6', '--steps', '5', '--iterations', '200', '--out', out, ...more], folder);
const compare = (...args: string[]) => ended(bptt(['compare', ...args], folder));

test('runs on one text stand in one picture; runs on different texts are refused', async () => {
  writeFileSync(join(folder, 'a.txt'), tinyText);
  writeFileSync(join(folder, 'b.txt'), `${tinyText}more`);
  const [first, second, other] = await Promise.all([
    train('a.txt', 'first'),
    train('a.txt', 'second', ['--cell', 'gru', '--optimizer', 'adam']),
    train('b.txt', 'other'),
  ]);
  expect([first.status, second.status, other.status]).toEqual([0, 0, 0]);

  const { status, out } = await compare('first', 'second', '--out', 'both.svg');
  expect(status).toBe(0);
  expect(out).toMatch(/^\d\.\d{3} bits per character held out, iteration 200: Elman 6/m);
  expect(out).toMatch(/: GRU 6/);
  expect(readFileSync(join(folder, 'both.svg'), 'utf8')).toContain('>Held-out text of a.txt<');

  const mixed = await compare('first', 'other');
  expect(mixed.status).toBe(1);
  expect(mixed.err).toContain('error: the runs have read different texts');
});
