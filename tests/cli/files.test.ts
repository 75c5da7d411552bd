import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeAtomic } from '../../cli/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

test('what a link points to is written, and the link stays', () => {
  writeFileSync(at('picture.svg'), 'old');
  symlinkSync('picture.svg', at('link.svg'));
  writeAtomic(at('link.svg'), 'new');
  expect(lstatSync(at('link.svg')).isSymbolicLink()).toBe(true);
  expect(readFileSync(at('picture.svg'), 'utf8')).toBe('new');
});

test.skipIf(process.platform !== 'linux')('a device is written to, not replaced', () => {
  symlinkSync('/dev/full', at('full'));
  expect(() => writeAtomic(at('full'), 'x')).toThrow('ENOSPC');
  expect(lstatSync(at('full')).isSymbolicLink()).toBe(true);
  expect(() => writeAtomic(folder, 'x')).toThrow('EISDIR');
});
