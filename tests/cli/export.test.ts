import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeModel, encodeModel } from 'bptt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runPython, torchPython } from '../python.ts';
import { run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-export-'));
const at = (...path: string[]) => join(folder, ...path);
afterAll(() => rmSync(folder, { recursive: true }));

const net = ['--cell', 'lstm', '--layers', '2', '--dropout', '0.3', '--hidden', '8', '--steps', '5', '--batch', '4'];
const options = [...net, '--no-lr-decay', '--threads', '1', '--sample-every', '0'];
const train = (...args: string[]) => run('train', args, folder);
const exported = (...args: string[]) => run('export', args, folder);
const lastRow = (name: string) => readFileSync(at(name, 'log.csv'), 'utf8').trimEnd().split('\n').at(-1)!.split(',');

beforeAll(async () => {
  writeFileSync(at('tiny.txt'), tinyText);
  expect(await train('tiny.txt', ...options, '--iterations', '40', '--out', 'run')).toMatchObject({ status: 0 });
}, 60_000);

test('writes a script and the text beside the model, and says how to go on', async () => {
  const { status, out } = await exported('--to', 'torch', 'run');
  expect(status).toBe(0);
  expect(out).toContain('torchrun --nproc-per-node 2 run/train.py --iterations 1040\n');
  expect(out).toContain('bptt train --resume run\n');
  const ids = readFileSync(at('run/ids.bin'));
  const { symbols } = (await decodeModel(readFileSync(at('run/model.bptt')))).metadata.metadata as {
    symbols: string[];
  };
  expect(Array.from(ids, (id) => symbols[id]).join('')).toBe(tinyText);
});

test.skipIf(torchPython === null)(
  'the run goes on there, is resumed here, and is as if it had been here',
  async () => {
    await exported('--to', 'torch', 'run');
    runPython(at('run/train.py'), ['--iterations', '120', '--cpu']);
    expect(lastRow('run')[0]).toBe('120');
    expect(await train('--resume', 'run', '--iterations', '160', '--sample-every', '0')).toMatchObject({
      status: 0,
      err: '',
    });
    await train('tiny.txt', ...options, '--iterations', '160', '--out', 'alone');
    const [got, want] = [lastRow('run'), lastRow('alone')];
    expect([got[0], got[6]]).toEqual([want[0], want[6]]);
    // loss, smooth loss, bits of the training text and of the held-out text, after 80 updates in float32 there
    for (const column of [2, 3, 4, 5])
      expect(Math.abs(Number(got[column]) / Number(want[column]) - 1)).toBeLessThan(1e-5);
  },
  120_000,
);

test('says what it cannot export', async () => {
  renameSync(at('tiny.txt'), at('moved.txt'));
  writeFileSync(at('other.txt'), 'another text');
  for (const [args, message] of [
    [['run'], 'cannot read tiny.txt: no such file or folder'],
    [['run', 'other.txt'], 'the text is not the one that the run began with (tiny.txt): name its files'],
    [['none'], 'run folder none: no such file or folder'],
  ] as const) {
    const { status, err } = await exported('--to', 'torch', ...args);
    expect([status, err]).toEqual([1, expect.stringContaining(message)]);
  }
  expect((await exported('--to', 'torch', 'run', 'moved.txt')).status).toBe(0);
  expect((await exported('run')).status).toBe(2);
  const file = await decodeModel(readFileSync(at('run/model.bptt')));
  for (const [change, message] of [
    [{ spec: { ...(file.metadata.spec as object), cell: 'minGru' } }, 'train.py has no cell minGru'],
    [{ spec: { ...(file.metadata.spec as object), residual: true } }, 'train.py has no residual true'],
    [{ spec: { ...(file.metadata.spec as object), embedding: { size: 3 } } }, 'train.py has no embedding'],
    [
      { spec: { ...(file.metadata.spec as object), dropout: { output: 0.1 } } },
      'train.py has dropout between layers only',
    ],
    [{ options: { ...(file.metadata.options as object), stride: 2 } }, 'train.py has no stride, which the run has'],
    [{ optimizer: { ...(file.metadata.optimizer as object), memory: undefined } }, 'kept by an older version'],
  ] as const) {
    writeFileSync(at('run/model.bptt'), await encodeModel({ ...file, metadata: { ...file.metadata, ...change } }));
    const { status, err } = await exported('--to', 'torch', 'run', 'moved.txt');
    expect([status, err]).toEqual([1, expect.stringContaining(message)]);
  }
}, 120_000);
