import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder, writeAtomic } from '../../cli/files.ts';
import { RunFolder } from '../../cli/runFolder.ts';

let folder: string;
const home = process.cwd();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-run-'));
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

const header = 'iteration,seconds,loss,smooth_loss,bits_per_char,validation_bits_per_char';
const row = { iteration: 100, seconds: 0.12345, loss: 80.5, smoothLoss: 90.25, bitsPerChar: 5.5 };

test('logs rows as CSV', () => {
  const run = RunFolder.create('kafka.txt', join(folder, 'a', 'b'));
  expect(readFileSync(run.log, 'utf8')).toBe(`${header}\n`);
  run.append(row);
  run.append({ ...row, iteration: 200, validationBitsPerChar: 5.75 });
  expect(readFileSync(run.log, 'utf8')).toBe(`${header}\n100,0.123,80.5,90.25,5.5,\n200,0.123,80.5,90.25,5.5,5.75\n`);
});

test('writes curve and model whole, leaves no other file, and opens again', () => {
  const run = RunFolder.create('x', join(folder, 'run'));
  expect(() => RunFolder.open(run.path)).toThrow('it holds no model');
  run.writeCurve('<svg/>');
  run.writeModel(new Uint8Array([1, 2]));
  run.writeModel(new Uint8Array([3]));
  expect(readdirSync(run.path).sort()).toEqual(['learning-curve.svg', 'log.csv', 'model.bptt']);
  expect([...readFileSync(RunFolder.open(run.path).model)]).toEqual([3]);
});

test('names its folder after text and time, a new one each run', () => {
  process.chdir(folder);
  const now = new Date('2024-05-06T07:08:09.123Z');
  expect(RunFolder.create('../my text.txt', undefined, now).path).toBe(join('runs', 'my-text.txt-2024-05-06T07-08-09'));
  expect(RunFolder.create('../my text.txt', undefined, now).path).toBe(
    join('runs', 'my-text.txt-2024-05-06T07-08-09-2'),
  );
});

test('starts the log anew in a folder that holds a run', () => {
  RunFolder.create('x', folder).append(row);
  expect(readFileSync(RunFolder.create('x', folder).log, 'utf8')).toBe(`${header}\n`);
});

test('a run that goes on drops the rows after the point it goes on from', () => {
  const run = RunFolder.create('x', folder);
  const rows = [100, 200, 300].map((iteration) => ({ ...row, iteration, seconds: 1.5 }));
  run.append({ ...rows[0]!, validationBitsPerChar: 5.75 });
  run.append(rows[1]!);
  run.append(rows[2]!);
  expect(run.resumeLog(200)).toEqual([
    { ...rows[0]!, validationBitsPerChar: 5.75 },
    { ...rows[1]!, validationBitsPerChar: undefined },
  ]);
  expect(readFileSync(run.log, 'utf8')).toBe(`${header}\n100,1.500,80.5,90.25,5.5,5.75\n200,1.500,80.5,90.25,5.5,\n`);

  writeFileSync(run.log, `${header}\n1,2,3\n`);
  expect(() => run.resumeLog(200)).toThrow('log.csv: line 2 is not a row of a log');
  writeFileSync(run.log, `${header}\n1,2,3,4,x,\n`);
  expect(() => run.resumeLog(200)).toThrow('log.csv: line 2 is not a row of a log');
  writeFileSync(run.log, 'something else\n');
  expect(() => run.resumeLog(200)).toThrow('its first line is not that of a log');
  rmSync(run.log);
  expect(run.resumeLog(200)).toEqual([]);
});

test('names path and reason where it cannot write or read', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => RunFolder.create('x', file)).toThrow(`cannot write to run folder ${file}: a file of that name exists`);
  const under = join(file, 'run');
  expect(() => RunFolder.create('x', under)).toThrow(`run folder ${under}: a part of the path is not a folder`);
  expect(() => RunFolder.open(under)).toThrow(`run folder ${under}: no such file or folder`);
});

test('makes all missing folders or none', () => {
  const nested = join(folder, 'a', 'b', 'c');
  makeFolder(nested);
  makeFolder(nested);
  expect(existsSync(nested)).toBe(true);
  const name = 'x'.repeat(300); // longer than a file system allows
  expect(() => makeFolder(join(folder, 'new', name))).toThrow('ENAMETOOLONG');
  expect(existsSync(join(folder, 'new'))).toBe(false);
});

test('an atomic write that fails leaves what was there', () => {
  const path = join(folder, 'missing', 'x.svg');
  expect(() => writeAtomic(path, 'x')).toThrow('ENOENT');
  expect(existsSync(join(folder, 'missing'))).toBe(false);
});
