import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { bptt, type Ended, ended } from './command.ts';

vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), 'bptt-notebook-'));
afterAll(() => rmSync(folder, { recursive: true }));

const notebook = (...args: string[]): Promise<Ended> => ended(bptt(['notebook', ...args], folder));
const fixture = (name: string) => readFileSync(new URL(`fixtures/notebook-${name}.txt`, import.meta.url), 'utf8');

describe('standard output is the text that the notebook shows', () => {
  it.each([
    ['003', ['rprop-path.svg']],
    ['004a', ['learning-curve.svg']],
    ['004b', []],
  ])('%s', async (name, pictures) => {
    const { status, out, err } = await notebook(name);
    const path = join('runs', `notebook-${name}`);
    expect(err).toContain(name === '004b' ? 'pass --text FILE' : `picture: ${join(path, pictures[0])}`);
    expect(out).toBe(fixture(name));
    expect(status).toBe(0);
    expect(readdirSync(join(folder, path))).toEqual(pictures);
    for (const file of pictures) expect(readFileSync(join(folder, path, file), 'utf8')).toMatch(/^<svg /);
  });
});

it('000 runs, 002 and 004b learn a text', async () => {
  const text = 'A bird in the hand is worth two in the bush. The early bird catches the worm. '.repeat(20);
  writeFileSync(join(folder, 'text.txt'), text);
  const a = await notebook('000', '--iterations', '1', '--out', 'short');
  expect(a.out).toContain('epoch 0 error: ');
  const b = await notebook('002', '--text', 'text.txt', '--iterations', '3', '--out', 'short');
  expect(b.out).toContain('16 words, 40 sentences');
  const curves = ['learning-curve-1000.svg', 'learning-curve-words.svg', 'learning-curve.svg'];
  expect(readdirSync(join(folder, 'short')).sort()).toEqual(curves);
  const options = ['--text', 'text.txt', '--iterations', '2', '--seed', '1', '--corrected', '--out', 'short'];
  const c = await notebook('004b', ...options);
  expect(c.out).toMatch(/^data has 1560 chars, 21 unique\n/);
  expect(c.err).toContain(join('short', 'learning-curve.svg'));
});

it('001 obeys --iterations in each of its trainings', async () => {
  const { status, err } = await notebook('001', '--iterations', '1', '--out', 'short-001');
  expect(status).toBe(0);
  expect(err).toMatch(/^epoch on Reber words 1\/1, 100 %/m);
  expect(err).not.toMatch(/\/(10|50|10000),/);
});

it.each([
  [['005'], 2, /allowed choices are 000, 001, 002, 003, 004a, 004b/i],
  [['003', '--text', 'a.txt'], 1, /^error: --text means nothing to notebook 003\n$/],
  [['004b', '--text', 'no-such-file.txt'], 1, /^error: cannot read no-such-file\.txt: no such file/],
  [['004a', '--out', 'text.txt/x'], 1, /^error: cannot write to text\.txt\/x: /],
])('%j is an error', async (args, status, message) => {
  const { out, err, status: got } = await notebook(...args);
  expect({ out, status: got }).toEqual({ out: '', status });
  expect(err).toMatch(message);
});
