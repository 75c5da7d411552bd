import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRun } from '../../cli/runFile.ts';
import { decode } from '../../cli/symbols.ts';
import { bptt, ended, run, tinyText } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bptt-train-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(() => {
  writeFileSync(join(folder, 'tiny.txt'), tinyText);
});

const tiny = ['tiny.txt', '--preset', 'min-char-rnn', '--hidden', '8', '--steps', '5'];
const train = (...args: string[]) => run('train', args, folder);

const files = ['best.bptt', 'learning-curve.svg', 'log.csv', 'model.bptt'];

interface Row {
  iteration: number;
  seconds: number;
  loss: number;
  smooth: number;
  bits: number;
  heldOut: string;
  heldOutSymbols: string;
}

function logOf(name: string): Row[] {
  const [header, ...lines] = readFileSync(join(folder, name, 'log.csv'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(header).toBe(
    'iteration,seconds,loss,smooth_loss,bits_per_symbol,held_out_bits_per_symbol,held_out_symbols,run',
  );
  return lines.map((line) => {
    const [iteration, seconds, loss, smooth, bits, heldOut, heldOutSymbols] = line.split(',');
    const numbers = { iteration: +iteration, seconds: +seconds, loss: +loss, smooth: +smooth, bits: +bits };
    return { ...numbers, heldOut, heldOutSymbols };
  });
}

test('help names every option', async () => {
  const { status, out } = await train('--help');
  expect(status).toBe(0);
  const options =
    'preset cell hidden layers dropout init steps batch loss optimizer lr lr-decay beta2 clip clip-norm l2 seed words encoding validation iterations seconds patience engine threads fma dtype sample-every out overwrite resume help';
  for (const option of options.split(' ')) expect(out).toMatch(new RegExp(`--${option}[ ,]`));
});

test('on a device learns as elsewhere, and says which adapter that is', async () => {
  const how = [...tiny, '--iterations', '20', '--validation', '0', '--sample-every', '0', '--engine'];
  const there = await train(...how, 'webgpu', '--out', 'there');
  expect(there).toMatchObject({ status: 0, err: '' });
  expect(there.out).toMatch(/^Elman 8 .* engine webgpu: .+$/m);
  await train(...how, 'ts', '--out', 'here');
  const [got, want] = ['there', 'here'].map((name) => logOf(name).at(-1)!);
  expect(got.iteration).toBe(20);
  expect(Math.abs(got.loss / want.loss - 1)).toBeLessThan(1e-4);
}, 120_000);

describe('a run', () => {
  let out = '';
  beforeAll(async () => {
    const result = await train(...tiny, '--iterations', '400', '--sample-every', '200', '--out', 'run');
    expect(result).toMatchObject({ status: 0, err: '' });
    out = result.out;
  }, 60_000);

  test('prints plain lines where it is piped', () => {
    expect(out).toMatch(/^tiny\.txt: \S+ characters, \d+ different ones, the last \d+ held out\nElman 8 · Adagrad 0.1/);
    const line =
      /^iteration 200\/400, 50 %, .*[\d.]+k? characters\/s, bits\/character \d+\.\d\d, held out \d+\.\d\d, smooth loss \d+\.\d\d$/m;
    expect(out).toMatch(line);
    expect(out).toMatch(/^iteration 400\/400, 100 %, /m);
    expect(out.match(/^--- sample at iteration \d+$/gm)).toEqual([
      '--- sample at iteration 200',
      '--- sample at iteration 400',
    ]);
    expect(out).not.toMatch(/[^\P{Cc}\n]/u);
  });

  test('says where things are and how to sample', () => {
    expect(out).toContain('400 iterations are kept in run\n');
    expect(out).toContain('bptt sample run --prime "the " --length 500 --temperature 0.8 --seed 1');
    expect(out).toContain('bptt train --resume run');
  });

  test('leaves log, curve and model', async () => {
    expect(readdirSync(join(folder, 'run')).sort()).toEqual(files);
    const svg = readFileSync(join(folder, 'run', 'learning-curve.svg'), 'utf8');
    expect(svg).toContain('>Learning tiny.txt, character by character<');
    expect(svg).toMatch(/>held out \d/);

    const rows = logOf('run');
    expect(rows.map((row) => row.iteration)).toEqual(expect.arrayContaining([100, 200, 300, 400]));
    for (const [i, row] of rows.entries()) {
      expect(row.iteration).toBeGreaterThan(rows[i - 1]?.iteration ?? 0);
      expect(row.seconds).toBeGreaterThanOrEqual(rows[i - 1]?.seconds ?? 0);
    }
    expect(rows.at(-1)!.heldOut).toMatch(/^\d+\.\d+$/);
    expect(rows.at(-1)!.heldOutSymbols).toBe(String(Math.floor(tinyText.length / 10)));
    expect(rows.at(-1)!.smooth).toBeLessThan(rows[0].smooth);

    const { note, symbols, parameters } = await readRun(join(folder, 'run', 'model.bptt'));
    expect(note.point.iteration).toBe(400);
    expect(decode(symbols, [0, 1, 2])).toBe('0 g');
    expect(Object.keys(parameters)).toContain('weight_hh_l0');
  });

  test('computes the same again from the same seed', async () => {
    await train(...tiny, '--iterations', '400', '--sample-every', '0', '--out', 'again');
    const [first, again] = ['run', 'again'].map((name) => logOf(name).find((row) => row.iteration === 400)!);
    expect({ ...again, seconds: 0 }).toEqual({ ...first, seconds: 0 });
  });
});

test('the smooth loss is the notebook’s', async () => {
  const { status } = await train(...tiny, '--iterations', '1', '--validation', '0', '--out', 'one');
  expect(status).toBe(0);
  const [row] = logOf('one');
  const start = Math.log(new Set(tinyText).size) * 5;
  expect(row.loss).toBeCloseTo(start, 1); // randn * 0.01 knows next to nothing
  expect(row.smooth).toBe(0.999 * start + 0.001 * row.loss);
  expect(row.heldOut).toBe('');
});

test('a resumed run goes on as if it had never stopped', async () => {
  const net = '--cell lstm --layers 2 --dropout 0.2 --batch 2 --optimizer adam --clip-norm 3 --l2 1e-4 --seed 7'.split(
    ' ',
  );
  const whole = [...tiny, ...net, '--sample-every', '0'];
  await train(...whole, '--iterations', '300', '--out', 'whole');
  await train(...whole, '--iterations', '130', '--out', 'parts');
  const result = await train('--resume', 'parts', '--iterations', '300');
  expect(result).toMatchObject({ status: 0, err: '' });
  expect(result.out).toContain('LSTM 2×8 · Adam 0.002 · 5 steps · batch 2 · dropout 0.2 · L2 0.0001');
  const [a, b] = ['whole', 'parts'].map((name) => logOf(name).filter((row) => [100, 200, 300].includes(row.iteration)));
  expect(b.map(({ loss, smooth }) => [loss, smooth])).toEqual(a.map(({ loss, smooth }) => [loss, smooth]));
  const iterations = logOf('parts').map((row) => row.iteration);
  expect(iterations).toContain(130);
  expect(iterations).toEqual(iterations.toSorted((x, y) => x - y));

  expect(await train('--resume', 'parts', '--iterations', '300')).toMatchObject({
    status: 1,
    err: 'error: --iterations is 300, but the run has come to iteration 300 already\n',
  });
  expect(await run('train', ['--resume', 'parts', '-'], folder, 'another text')).toMatchObject({
    status: 1,
    err: 'error: the text is not the one that the run began with (tiny.txt): it cannot go on\n',
  });
}, 180_000);

test('reads standard input; a short text is learnt whole, in windows that it has', async () => {
  const args = ['-', '--preset', 'min-char-rnn', '--hidden', '4', '--iterations', '20', '--out', 'piped'];
  const { status, out } = await run('train', args, folder, 'abcdefgha');
  expect(status).toBe(0);
  expect(out).toContain('standard input: 9 characters, 8 different ones, too few to hold some out\n');
  expect(logOf('piped').at(-1)).toMatchObject({ iteration: 20, heldOut: '' });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
  '%s ends a run cleanly and keeps what was reached',
  async (signal) => {
    const child = bptt(['train', ...tiny, '--seconds', '50', '--out', signal], folder);
    let sent = false;
    const { status, out, err } = await ended(child, (text) => {
      if (!sent && text.includes('\niteration ')) sent = child.kill(signal);
    });
    expect({ status, err, sent }).toEqual({ status: 0, err: '', sent: true });
    expect(out).toContain(`iterations are kept in ${signal}\n`);
    expect(readdirSync(join(folder, signal)).filter((name) => name !== 'best.bptt')).toEqual(files.slice(1));
    const { note } = await readRun(join(folder, signal, 'model.bptt'));
    expect(logOf(signal).at(-1)!.iteration).toBe(note.point.iteration);
  },
);

test('ended before it has begun, a run says so and leaves nothing', async () => {
  const child = bptt(['train', '-', '--out', 'never'], folder);
  const over = ended(child);
  // More than a pipe holds: once it is written, the command has read some of it, and waits for the rest.
  await new Promise((resolve) => child.stdin!.write('a text\n'.repeat(100_000), resolve));
  child.kill('SIGTERM');
  expect(await over).toEqual({
    status: 1,
    out: '',
    err: 'error: ended before the training began: nothing new is kept\n',
  });
  expect(existsSync(join(folder, 'never'))).toBe(false);
});

test('a reader that leaves ends a run as Ctrl-C does', async () => {
  const child = bptt(['train', ...tiny, '--seconds', '50', '--out', 'left'], folder);
  const { status, err } = await ended(child, (text) => {
    if (text.includes('\niteration ')) child.stdout!.destroy();
  });
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(logOf('left').at(-1)!.iteration).toBeGreaterThan(0);
  expect(readdirSync(join(folder, 'left'))).not.toContain('run.lock');
});

test.runIf(process.platform === 'linux')('a full disk behind standard output costs the text alone', async () => {
  const full = openSync('/dev/full', 'w');
  const child = bptt(['train', ...tiny, '--iterations', '60', '--out', 'full'], folder, full);
  const { status, err } = await ended(child);
  closeSync(full);
  expect({ status, err }).toEqual({
    status: 1,
    err: 'warning: standard output: no space left; training goes on\nerror: standard output: no space left\n',
  });
  const { note } = await readRun(join(folder, 'full', 'model.bptt'));
  expect(note.point.iteration).toBe(60);
});

test('an overflow names tensor and step, and the run keeps the last whole model', async () => {
  const args = [...tiny, '--optimizer', 'sgd', '--lr', '1e38', '--clip', '0', '--iterations', '300', '--out', 'over'];
  const { status, err } = await train(...args);
  expect(status).toBe(1);
  expect(err).toMatch(
    /^error: training step \d+: \S+.* holds (-?Infinity|NaN); .*; over keeps the model of iteration \d+\n$/,
  );
  const { parameters } = await readRun(join(folder, 'over', 'model.bptt'));
  for (const values of Object.values(parameters)) expect(values.every(Number.isFinite)).toBe(true);
});

describe('bad input is one line, and leaves no run behind', () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'empty.txt'), '');
    writeFileSync(join(folder, 'short.txt'), 'hello');
    writeFileSync(join(folder, 'turned.txt'), new Uint8Array([0xfe, 0xff, 0, 0x61]));
    writeFileSync(join(folder, 'odd.txt'), new Uint8Array([0xfe, 0xff, 0, 0x61, 0]));
    writeFileSync(join(folder, 'lone.txt'), new Uint8Array([0, 0x61, 0xdc, 0x00, 0, 0x61]));
    writeFileSync(join(folder, "a b's.txt"), new Uint8Array([0x61, 0x62, 0xfc, 0x63]));
    writeFileSync(join(folder, 'latin1.txt'), new Uint8Array([0x61, 0x62, 0xfc, 0x63]));
  });

  test.each([
    [1, ['empty.txt'], 'error: empty.txt: the text is empty'],
    [
      1,
      ['short.txt', '--steps', '25'],
      'has 5 characters, expected at least 26: a window of 25 characters and one more',
    ],
    [1, ['latin1.txt'], 'latin1.txt: byte 0xFC at offset 2 is not valid UTF-8'],
    [1, ['none.txt'], 'cannot read none.txt: no such file or folder'],
    [
      1,
      [...tiny, '--batch', '60000'],
      'expected at least 300001: 60000 windows of 5 characters and one more; a smaller',
    ],
    [1, [...tiny, '--hidden', '8192', '--layers', '64'], 'the model would have'],
    [2, [...tiny, '--dropout', '0.5'], '--dropout works between layers: it needs --layers 2 or more'],
    [2, [...tiny, '--optimizer', 'sgd', '--beta2', '0.9'], "--beta2 is Adam's: --optimizer sgd has none"],
    [2, [...tiny, '--engine', 'ts', '--threads', '2'], '--threads is 2: engine ts has one thread'],
    [2, [...tiny, '--engine', 'wasm', '--dtype', 'float64'], '--dtype is float64: engine wasm computes in float32'],
    [2, [...tiny, '--validation', '0', '--patience', '3'], '--patience waits for the held-out figure'],
    [2, [...tiny, '--out', ''], 'expected a name'],
    [1, [...tiny, '--encoding', 'utf-16le'], 'it is UTF-8, --encoding is utf-16le'],
    [1, ['turned.txt', '--encoding', 'utf-16le'], 'turned.txt: it is utf-16be, --encoding is utf-16le'],
    [1, ['odd.txt', '--encoding', 'utf-16be'], 'odd.txt: it has 5 bytes, an odd number, which is no UTF-16'],
    [1, ['lone.txt', '--encoding', 'utf-16be'], 'lone.txt: it is no text in utf-16be'],
    [1, ["a b's.txt"], String.raw`iconv -f latin1 -t utf-8 'a b'\''s.txt' > utf8.txt`],
    [
      1,
      [...tiny, '--out', 'short.txt/run'],
      'cannot write to run folder short.txt/run: a part of the path is not a folder',
    ],
    [2, [...tiny, '--hidden', '1e9'], 'It must be a whole number from 1 to 8192.'],
    [2, [...tiny, '--cell', 'cnn'], 'Allowed choices are elman, gru, lstm.'],
    [2, [...tiny, '--clip', '3', '--clip-norm', '2'], 'cannot be used with'],
    [2, ['--hiden', '8'], "error: unknown option '--hiden' (Did you mean --hidden?)"],
    [1, [...tiny, '--out', 'run'], 'error: run holds a run: --resume run goes on with it, --overwrite replaces it'],
    [2, ['--resume', 'run', '--hidden', '9'], "option '--resume <run>' cannot be used with option '--hidden <n>'"],
    [1, ['--resume', 'nowhere'], 'run folder nowhere: no such file or folder'],
  ])('status %i for %j', async (expected, args, message) => {
    const out = args.includes('--out') || args.includes('--resume') ? [] : ['--out', 'never'];
    const { status, out: text, err } = await train(...args, ...out);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect({ status, text }).toEqual({ status: expected, text: '' });
    expect(existsSync(join(folder, 'never'))).toBe(false);
  });
});
