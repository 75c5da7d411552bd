import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type Encoding, readText } from '../../cli/text.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-text-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

async function read(files: string[], encoding?: Encoding): Promise<{ name: string; text: string }> {
  const { name, bytes } = await readText(files, encoding);
  return { name, text: Buffer.from(bytes).toString() };
}

test('reads files one after the other as they are', async () => {
  const a = file('a.txt', 'Grüße,\r\n');
  const b = file('b.txt', 'Welt 🌍\n');
  expect(await read([a])).toEqual({ name: 'a.txt', text: 'Grüße,\r\n' });
  expect(await read([a, b])).toEqual({ name: 'a.txt and b.txt', text: 'Grüße,\r\nWelt 🌍\n' });
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

test('names file and byte of what is not UTF-8, and how to read it', async () => {
  const latin1 = file('latin1.txt', new Uint8Array([0x61, 0x62, 0xfc, 0x63]));
  await expect(readText([latin1])).rejects.toThrow(
    /latin1\.txt: byte 0xFC at offset 2 is not valid UTF-8; if it is Latin-1: --encoding latin1 reads it, or convert it: iconv -f latin1 /,
  );
  expect((await read([latin1], 'latin1')).text).toBe('abüc');
});

test.each([
  ['utf-16le', [0xff, 0xfe, 0x61, 0, 0xfc, 0]],
  ['utf-16be', [0xfe, 0xff, 0, 0x61, 0, 0xfc]],
  ['utf-16le', [0x61, 0, 0xfc, 0]],
  ['utf-16be', [0, 0x61, 0, 0xfc]],
] as const)('recognises %s in %j', async (encoding, bytes) => {
  const name = file('wide.txt', Uint8Array.from(bytes));
  await expect(readText([name])).rejects.toThrow(`it is UTF-16, not UTF-8; --encoding ${encoding} reads it`);
  expect((await read([name], encoding)).text).toBe('aü');
});

test('a byte order mark of UTF-8 is none of the text; names lose control characters', async () => {
  expect((await read([file('marked.txt', '\ufeffab')])).text).toBe('ab');
  expect((await read([file('a\x1b[2J\nb.txt', 'ab')])).name).toBe('a\ufffd[2J b.txt');
});

test('without files reads the sources of the repository, in order', async () => {
  const { name, text } = await read([]);
  expect(name).toBe('its own source code');
  expect(text.startsWith('# Architecture')).toBe(true);
  expect(text).toContain('export async function readText');
  expect(text.indexOf('export async function readText')).toBeLessThan(text.indexOf('export function matmulNN'));
  expect(await read([])).toEqual({ name, text });
});

test('reads standard input', () => {
  const url = new URL('../../cli/text.ts', import.meta.url).href;
  const script = `import { readText } from ${JSON.stringify(url)}; const { name, bytes } = await readText(['-']); console.log(name, String(bytes));`;
  const args = ['--conditions=bptt-source', '--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = spawnSync(process.execPath, args, { input: 'über', encoding: 'utf8' });
  expect(stdout).toBe('standard input über\n');
});
