import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Keeper } from '../../cli/keeper.ts';
import { RunFolder } from '../../cli/runFolder.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'bptt-keeper-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(parent, { recursive: true });
});

const id = '01234567';
const row = (iteration: number) => ({ iteration, seconds: 1, loss: 1, smoothLoss: 1, bits: 1 });
const bytes = (n: number) => ({ bytes: Uint8Array.of(n), iteration: n });

function keeper(): { keeper: Keeper; folder: RunFolder; warned: string[] } {
  const warned: string[] = [];
  const folder = RunFolder.create('x', join(parent, 'run'));
  const made = new Keeper(folder, id, { rows: [], iteration: 0 }, (text) => warned.push(text));
  return { keeper: made, folder, warned };
}

test('a folder that is deleted is written again, with all that was in it', async () => {
  const { keeper: kept, folder, warned } = keeper();
  kept.add(row(1));
  await kept.save(bytes(1), Uint8Array.of(9));
  expect(kept.keptIteration).toBe(1);
  rmSync(folder.path, { recursive: true });
  kept.add(row(2));
  expect(kept.failure).toBe('no such file or folder');
  kept.add(row(3));
  expect(existsSync(folder.path)).toBe(false);
  expect(warned).toHaveLength(1);
  expect(warned[0]).toMatch(/^warning: cannot write to .*run: no such file or folder; training goes on/);
  await kept.save(bytes(3));
  expect(kept.failure).toBeUndefined();
  expect(kept.keptIteration).toBe(3);
  expect(warned[1]).toMatch(/is written to again: nothing is lost$/);
  expect(readdirSync(folder.path).sort()).toEqual(['best.bptt', 'log.csv', 'model.bptt', 'run.lock']);
  expect(folder.readLog(id).map(({ iteration }) => iteration)).toEqual([1, 2, 3]);
  expect([...readFileSync(folder.best)]).toEqual([9]);
});

test('a disk that is full is said once; a row written in part is written again', async () => {
  const { keeper: kept, folder, warned } = keeper();
  kept.add(row(1));
  await kept.save(bytes(1));
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  const append = vi.spyOn(folder, 'append').mockImplementation(() => {
    writeFileSync(folder.log, '2,1.0', { flag: 'a' });
    throw full;
  });
  kept.add(row(2));
  append.mockRestore();
  const write = vi.spyOn(folder, 'writeModel').mockRejectedValue(full);
  await kept.save(bytes(2));
  await kept.save(bytes(3));
  expect(kept.failure).toBe('no space left');
  expect(kept.keptIteration).toBe(1);
  expect(warned).toEqual([expect.stringContaining('no space left; training goes on, and is saved when')]);
  write.mockRestore();
  kept.add(row(4));
  await kept.save(bytes(4));
  expect(folder.readLog(id).map(({ iteration }) => iteration)).toEqual([1, 2, 4]);
  expect([...readFileSync(folder.model)]).toEqual([4]);
});

test('a folder that somebody else has taken is left to them', async () => {
  const { keeper: kept, folder } = keeper();
  rmSync(folder.path, { recursive: true });
  kept.add(row(1));
  const other = RunFolder.create('x', folder.path);
  writeFileSync(join(other.path, 'run.lock'), JSON.stringify({ pid: process.ppid, host: 'elsewhere', began: null }));
  await kept.save(bytes(1));
  expect(kept.failure).toMatch(/^process \d+ on elsewhere; if it is over, remove/);
  expect(existsSync(folder.model)).toBe(false);
});

test('the last row is written anew where more was measured at the end', async () => {
  const { keeper: kept, folder } = keeper();
  kept.add(row(1));
  kept.add(row(2));
  kept.replaceLast({ ...row(2), heldOut: { bits: 2.5, symbols: 90 } });
  await kept.save(bytes(2));
  expect(folder.readLog(id).map(({ iteration, heldOut }) => [iteration, heldOut?.symbols])).toEqual([
    [1, undefined],
    [2, 90],
  ]);
});
