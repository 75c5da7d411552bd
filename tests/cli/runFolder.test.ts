import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder, saveAtomic, writeAtomic } from '../../cli/files.ts';
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

const header = 'iteration,seconds,loss,smooth_loss,bits_per_symbol,held_out_bits_per_symbol,held_out_symbols,run';
const row = { iteration: 100, seconds: 0.12345, loss: 80.5, smoothLoss: 90.25, bits: 5.5 };
const heldOut = { bits: 5.75, symbols: 1000 };
const id = '01234567';

test('logs rows as CSV, each with its run', () => {
  const run = RunFolder.create('kafka.txt', join(folder, 'a', 'b'));
  expect(readFileSync(run.log, 'utf8')).toBe(`${header}\n`);
  run.append(row, id);
  run.append({ ...row, iteration: 200, heldOut }, id);
  expect(readFileSync(run.log, 'utf8')).toBe(
    `${header}\n100,0.123,80.5,90.25,5.5,,,${id}\n200,0.123,80.5,90.25,5.5,5.75,1000,${id}\n`,
  );
  rmSync(run.log);
  expect(() => run.append(row, id)).toThrow('ENOENT'); // rather than a log without a first line
});

test('writes models whole, leaves no other file, and opens again', async () => {
  const run = RunFolder.create('x', join(folder, 'run'));
  expect(() => RunFolder.open(run.path)).toThrow('it holds no model');
  writeAtomic(run.curve, '<svg/>');
  await run.writeModel(new Uint8Array([1, 2]));
  await run.writeModel(new Uint8Array([3]));
  await run.writeBest(new Uint8Array([2]));
  expect(readdirSync(run.path).sort()).toEqual([
    ...['best.bptt', 'learning-curve.svg', 'log.csv', 'model.bptt', 'run.lock'],
  ]);
  writeFileSync(join(run.path, `model.bptt.${process.pid}.tmp`), '');
  run.release();
  expect(readdirSync(run.path)).toEqual(['best.bptt', 'learning-curve.svg', 'log.csv', 'model.bptt']);
  expect([...readFileSync(RunFolder.open(run.path).model)]).toEqual([3]);
});

test('names its folder after text and time, a new one each run', () => {
  process.chdir(folder);
  const now = new Date('2024-05-06T07:08:09.123Z');
  const path = () => RunFolder.create('../my text.txt', undefined, false, now).path;
  expect(path()).toBe(join('runs', 'my-text.txt-2024-05-06T07-08-09'));
  expect(path()).toBe(join('runs', 'my-text.txt-2024-05-06T07-08-09-2'));
});

test('a folder that holds a run is refused, or the run replaced whole', async () => {
  const first = RunFolder.create('x', folder);
  first.append(row, id);
  await first.writeBest(new Uint8Array([2]));
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  first.release();
  expect(() => RunFolder.create('x', folder)).toThrow(
    `${folder} holds a run: --resume ${folder} goes on with it, --overwrite replaces it`,
  );
  expect(readdirSync(folder).sort()).toEqual(['best.bptt', 'log.csv', 'notes.txt']);
  const second = RunFolder.create('x', folder, true);
  expect(readFileSync(second.log, 'utf8')).toBe(`${header}\n`);
  expect(readdirSync(folder).sort()).toEqual(['log.csv', 'notes.txt', 'run.lock']);
});

test('a folder that a running process writes to is refused; what a killed one left is taken over and cleared away', () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  try {
    const lock = join(folder, 'run.lock');
    const hold = (holder: object) => writeFileSync(lock, JSON.stringify(holder));
    hold({ pid: child.pid, host: hostname(), began: null });
    expect(() => RunFolder.create('x', folder)).toThrow(`run folder ${folder}: process ${child.pid} is writing to it`);
    hold({ pid: 1, host: 'elsewhere', began: null });
    expect(() => RunFolder.create('x', folder)).toThrow(`process 1 on elsewhere; if it is over, remove ${lock} is`);
    // The number of a process that has ended, and since then of another one.
    hold({ pid: child.pid, host: hostname(), began: '1' });
    writeFileSync(join(folder, 'model.bptt.999.tmp'), 'half');
    const run = RunFolder.create('x', folder);
    expect(readdirSync(folder).sort()).toEqual(['log.csv', 'run.lock']);
    run.release();
    writeFileSync(lock, 'torn');
    RunFolder.create('x', folder, true).release();
    hold({ pid: 2 ** 22 + 1, host: hostname(), began: null }); // above what a kernel gives
    RunFolder.create('x', folder, true).release();
    expect(existsSync(lock)).toBe(false);
  } finally {
    child.kill();
  }
});

test('reads its log again but for a torn last line, and names what is none of it', () => {
  const run = RunFolder.create('x', folder);
  run.append({ ...row, heldOut }, id);
  run.append({ ...row, iteration: 200 }, id);
  const rows = [
    { ...row, seconds: 0.123, heldOut },
    { ...row, iteration: 200, seconds: 0.123 },
  ];
  expect(run.readLog(id)).toEqual(rows);
  const whole = readFileSync(run.log, 'utf8');
  writeFileSync(run.log, `${whole}300,1.5,80.5,90.2`);
  expect(run.readLog(id)).toEqual(rows);
  writeFileSync(run.log, whole.replaceAll('\n', '\r\n'));
  expect(run.readLog(id)).toEqual(rows);
  expect(() => run.readLog('76543210')).toThrow('log.csv: line 2 is of another run than the model');
  run.writeLog(rows.slice(0, 1), id);
  expect(run.readLog(id)).toEqual(rows.slice(0, 1));

  writeFileSync(run.log, `${header}\n1,2,3\n`);
  expect(() => run.readLog(id)).toThrow('log.csv: line 2 is not a row of a log');
  writeFileSync(run.log, `${header}\n1,2,3,4,x,,,${id}\n`);
  expect(() => run.readLog(id)).toThrow('log.csv: line 2 is not a row of a log');
  writeFileSync(run.log, 'something else\n');
  expect(() => run.readLog(id)).toThrow('its first line is not that of a log');
  rmSync(run.log);
  expect(run.readLog(id)).toEqual([]);
});

test('a folder that was deleted is made again, with its lock', () => {
  const run = RunFolder.create('x', join(folder, 'run'));
  rmSync(run.path, { recursive: true });
  run.release();
  run.restore();
  expect(readdirSync(run.path)).toEqual(['run.lock']);
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

test('an atomic write that fails leaves what was there', async () => {
  const path = join(folder, 'missing', 'x.svg');
  expect(() => writeAtomic(path, 'x')).toThrow('ENOENT');
  await expect(saveAtomic(path, new Uint8Array(1))).rejects.toThrow('ENOENT');
  expect(existsSync(join(folder, 'missing'))).toBe(false);
});
