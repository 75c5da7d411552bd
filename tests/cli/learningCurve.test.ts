import { expect, test } from 'vitest';
import { comparison, type LogRow, learningCurve } from '../../cli/learningCurve.ts';

const rows = Array.from({ length: 40 }, (_, i): LogRow => {
  const bits = 2 + 4 / (1 + i);
  const loss = bits * 25 * Math.LN2;
  const heldOut = i % 5 === 0 && { heldOut: { bits: bits + 0.1, symbols: 1000 } };
  return { iteration: 100 * i, seconds: i / 10, loss, smoothLoss: loss, bits, ...heldOut };
});
const about = { text: 'kafka.txt', net: 'Elman 100 · Adagrad 0.1 · 25 steps', unit: 'character', symbolsPerLoss: 25 };

test('shows text, net, iterations and the last values, the same bytes each time', () => {
  const svg = learningCurve(rows, about);
  expect(svg).toContain('>Learning kafka.txt, character by character<');
  expect(svg).toContain('>Elman 100 · Adagrad 0.1 · 25 steps · 3\u202f900 iterations in 3.9 s<');
  expect(svg).toContain('>training 2.10<');
  expect(svg).toContain('>held out 2.21<');
  expect(svg).toContain('pale: parts');
  expect(learningCurve(rows, about)).toBe(svg);
});

test('the figure over all held-out symbols stands apart from those over the first few', () => {
  const last = { ...rows[39]!, heldOut: { bits: 3, symbols: 100_000 } };
  const svg = learningCurve([...rows.slice(0, 39), last], about);
  expect(svg.match(/>held out 3\.00</g)).toHaveLength(1);
  expect(svg.match(/stroke="#e4572e"[^>]*stroke-opacity="0\.28"/g)).toHaveLength(1);
});

test('does without held-out text, and with a single row', () => {
  const trained = rows.map(({ heldOut: _, ...row }) => row);
  expect(learningCurve(trained, about)).not.toContain('held out');
  expect(learningCurve(trained.slice(0, 1), { text: 'a', net: 'b', unit: 'word' })).toContain('>training 6.00<');
});

test('refuses no rows and values that are not finite', () => {
  expect(() => learningCurve([], about)).toThrow('rows is empty');
  const broken = [...rows, { ...rows[0]!, bits: Number.NaN }];
  expect(() => learningCurve(broken, about)).toThrow("series 'training NaN': y[40] is NaN");
});

test('a comparison names each run and its last held-out value at the end of its curve', () => {
  const about = {
    text: 'kafka.txt',
    unit: 'character',
    measured: 'each last point: the same 1000 held-out characters',
  };
  const runs = [
    { name: 'one', symbolsPerIteration: 25, rows },
    { name: 'a name that is much too long for a label', symbolsPerIteration: 800, rows: rows.slice(0, 20) },
  ];
  const svg = comparison(about, runs);
  expect(svg).toContain('>Held-out text of kafka.txt<');
  expect(svg).toContain('>each last point: the same 1000 held-out characters<');
  expect(svg).toContain('>one 2.21<');
  expect(svg).toContain('>a name that i…ng for a label 2.35<');
  const unmeasured = { ...runs[0], rows: rows.slice(1, 3) };
  expect(() => comparison(about, [unmeasured])).toThrow('one was never measured on held-out text');
});
