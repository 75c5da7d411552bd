import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readText } from '../../cli/readText.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-text-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

test('reads files one after the other as they are', async () => {
  const a = file('a.txt', 'Grüße,\r\n');
  const b = file('b.txt', 'Welt 🌍\n');
  expect(await readText([a])).toEqual({ name: 'a.txt', text: 'Grüße,\r\n' });
  expect(await readText([a, b])).toEqual({ name: 'a.txt and b.txt', text: 'Grüße,\r\nWelt 🌍\n' });
  expect((await readText([b, a, b])).name).toBe('b.txt and 2 more');
});

test('names file and reason of what it cannot read', async () => {
  const missing = join(folder, 'missing.txt');
  await expect(readText([missing])).rejects.toThrow(`cannot read ${missing}: no such file or folder`);
  await expect(readText([folder])).rejects.toThrow(`cannot read ${folder}: it is a folder`);
  const empty = file('empty.txt', '');
  await expect(readText([empty])).rejects.toThrow(`${empty}: the text is empty`);
  await expect(readText(['-', '-'])).rejects.toThrow('only once');
});

test('names file and byte of what is not UTF-8', async () => {
  const latin1 = file('latin1.txt', new Uint8Array([0x61, 0x62, 0xfc, 0x63]));
  await expect(readText([latin1])).rejects.toThrow(/latin1\.txt.*\b2\b/);
});

test('without files reads the sources of the repository, in order', async () => {
  const { name, text } = await readText([]);
  expect(name).toBe('its own source code');
  expect(text.startsWith('# Architecture')).toBe(true);
  expect(text).toContain('export async function readText');
  expect(text.indexOf('export async function readText')).toBeLessThan(text.indexOf('export function matmulNN'));
  expect(await readText([])).toEqual({ name, text });
});

test('reads standard input', () => {
  const url = new URL('../../cli/readText.ts', import.meta.url).href;
  const script = `import { readText } from ${JSON.stringify(url)}; console.log(JSON.stringify(await readText(['-'])));`;
  const args = ['--conditions=bptt-source', '--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = spawnSync(process.execPath, args, { input: 'über', encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual({ name: 'standard input', text: 'über' });
});
