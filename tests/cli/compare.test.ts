import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModel } from 'bptt';
import { afterAll, expect, test } from 'vitest';
import { readRun } from '../../cli/runFile.ts';
import { bptt, ended, run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-compare-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (text: string, out: string, more: string[] = []) => {
  const small = ['--preset', 'min-char-rnn', '--hidden', '6', '--steps', '5', '--iterations', '200'];
  return run('train', [text, ...small, '--out', out, ...more], folder);
};
const compare = (...args: string[]) => ended(bptt(['compare', ...args], folder));

test('runs on one text stand in one picture, in the order of one pass over its held-out part by hand; others are refused', async () => {
  writeFileSync(join(folder, 'a.txt'), tinyText);
  writeFileSync(join(folder, 'b.txt'), `${tinyText}more`);
  const results = await Promise.all([
    train('a.txt', 'first'),
    train('a.txt', 'second', ['--cell', 'gru', '--optimizer', 'adam', '--batch', '4', '--steps', '7']),
    train('b.txt', 'other'),
    train('a.txt', 'share', ['--validation', '0.2']),
    train('a.txt', 'words', ['--words']),
    train('a.txt', 'blind', ['--validation', '0']),
  ]);
  expect(results.map(({ status, err }) => ({ status, err }))).toEqual(results.map(() => ({ status: 0, err: '' })));

  const { status, out } = await compare('first', 'second', '--out', 'deep/both.svg');
  expect(status).toBe(0);
  const held = Math.floor(tinyText.length / 10);
  const line =
    /^(\d\.\d{3}) bits per character over (\d+) held-out characters, iteration 200: (\w+), (?:Elman|GRU) 6/gm;
  const told = Array.from(out.matchAll(line), ([, bits, symbols, name]) => ({ bits: +bits, symbols: +symbols, name }));
  expect(told).toHaveLength(2);
  expect(told[0].bits).toBeLessThan(told[1].bits);
  for (const { bits, symbols, name } of told) {
    expect(symbols).toBe(held);
    expect(await byHand(join(folder, name, 'model.bptt'))).toBeCloseTo(bits, 3);
  }
  const svg = readFileSync(join(folder, 'deep/both.svg'), 'utf8');
  expect(svg).toContain('>Held-out text of a.txt<');
  expect(svg).toContain(`the same ${held} held-out characters<`);
  for (const name of ['first', 'second']) expect(svg).toMatch(new RegExp(`>${name} \\d\\.\\d\\d<`));

  for (const [name, why] of [
    ['other', 'have read different texts'],
    ['share', 'hold out different shares of the text, 0.1 and 0.2'],
    ['words', 'count characters and words'],
  ]) {
    const mixed = await compare('first', name);
    expect(mixed).toMatchObject({
      status: 1,
      err: `error: first and ${name} ${why}: their figures cannot be compared\n`,
    });
  }
  expect((await compare('blind')).err).toBe('error: blind was never measured on held-out text\n');
  expect((await compare('first', '--out', 'a.txt/x.svg')).err).toBe(
    'error: cannot write a.txt/x.svg: a file of that name exists\n',
  );
}, 240_000);

/** Bits per character of the held-out text, read by a session of the model symbol by symbol. */
async function byHand(path: string): Promise<number> {
  const { spec, parameters, states, symbols } = await readRun(path);
  const model = await createModel(spec, parameters);
  const ids = symbols.encode(tinyText);
  const session = model.session();
  const own = Object.entries(states).map(([name, values]) => [name, values.subarray(0, spec.hiddenSize)]);
  session.setState(Object.fromEntries(own));
  const from = ids.length - Math.floor(ids.length / 10);
  let bits = 0;
  for (let i = from; i < ids.length; i++) {
    session.read(ids[i - 1]);
    bits -= Math.log2(session.outputs[ids[i]]);
  }
  model.dispose();
  return bits / (ids.length - from);
}
