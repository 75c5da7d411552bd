import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bptt, ended, run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-sample-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  const args = '- --preset min-char-rnn --hidden 24 --steps 10 --iterations 400 --sample-every 0 --out run'.split(' ');
  expect(await run('train', args, folder, tinyText)).toMatchObject({ status: 0, err: '' });
}, 60_000);

const sample = (...args: string[]) => run('sample', args, folder);

test('writes the prime and as many characters as asked for, and nothing else', async () => {
  const { status, out, err } = await sample('run', '--prime', 'the ', '--length', '50');
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out.startsWith('the ')).toBe(true);
  expect(out).toHaveLength(54);
  for (const char of out) expect(tinyText).toContain(char);
});

test('the same seed gives the same text, another seed another', async () => {
  const how = ['run', '--length', '80', '--temperature', '1.2', '--top-k', '20', '--top-p', '0.99', '--seed'];
  const texts = await Promise.all(['1', '1', '2'].map(async (seed) => (await sample(...how, seed)).out));
  expect(texts[0]).toHaveLength(80);
  expect(texts[1]).toBe(texts[0]);
  expect(texts[2]).not.toBe(texts[0]);
});

test('greedy does not depend on the seed', async () => {
  const how = ['run', '--length', '30', '--greedy', '--seed'];
  const [a, b] = await Promise.all(['1', '2'].map(async (seed) => (await sample(...how, seed)).out));
  expect(b).toBe(a);
});

test('on a device the text is the same, and the adapter is named on standard error', async () => {
  const how = ['run', '--prime', 'the ', '--length', '300', '--seed', '4', '--engine'];
  const { out } = await sample(...how, 'ts');
  const there = await sample(...how, 'webgpu');
  expect(there).toMatchObject({ status: 0, out });
  expect(there.err).toMatch(/^webgpu: .+\n$/);
}, 120_000);

test('a reader that leaves ends it', async () => {
  const child = bptt(['sample', 'run', '--length', '100000000'], folder);
  const { status, err } = await ended(child, () => child.stdout!.destroy());
  expect({ status, err }).toEqual({ status: 0, err: '' });
});

test.each([
  [1, ['run', '--prime', 'the Ж'], 'error: --prime: "Ж" at position 4 is not one of the'],
  [1, ['run', '--prime', ''], 'error: --prime is empty, expected at least one character'],
  [1, ['nowhere'], 'error: run folder nowhere: no such file or folder'],
  [1, ['.'], 'error: run folder .: it holds no model (model.bptt)'],
  [2, ['run', '--temperature', '0'], 'It must be a number above 0'],
  [2, ['run', '--top-p', '1.5'], 'It must be a number above 0, at most 1.'],
  [2, ['run', '--topk', '3'], "unknown option '--topk'"],
  [2, [], "missing required argument 'run'"],
])('status %i for %j', async (expected, args, message) => {
  const { status, out, err } = await sample(...args);
  expect(err).toContain(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect({ status, out }).toEqual({ status: expected, out: '' });
});

test('a truncated or altered model is an error that names it', async () => {
  cpSync(join(folder, 'run'), join(folder, 'broken'), { recursive: true });
  rmSync(join(folder, 'broken', 'best.bptt'));
  const path = join(folder, 'broken', 'model.bptt');
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 5));
  expect(await sample('broken')).toMatchObject({ status: 1, out: '', err: expect.stringContaining('it is truncated') });
  bytes[bytes.length - 5] ^= 1;
  writeFileSync(path, bytes);
  const { status, err } = await sample('broken');
  expect(status).toBe(1);
  expect(err).toMatch(/^error: broken.model\.bptt: .*its checksum does not match: it was altered\n$/);
});
