import { expect, test } from 'vitest';
import { comparison, type LogRow, learningCurve } from '../../cli/learningCurve.ts';

const rows = Array.from({ length: 40 }, (_, i): LogRow => {
  const bitsPerChar = 2 + 4 / (1 + i);
  const loss = bitsPerChar * 25 * Math.LN2;
  const validationBitsPerChar = i % 5 === 0 ? bitsPerChar + 0.1 : undefined;
  return { iteration: 100 * i, seconds: i / 10, loss, smoothLoss: loss, bitsPerChar, validationBitsPerChar };
});
const about = { text: 'kafka.txt', net: 'Elman 100 · Adagrad 0.1 · 25 steps', charactersPerLoss: 25 };

test('shows text, net, iterations and the last values, the same bytes each time', () => {
  const svg = learningCurve(rows, about);
  expect(svg).toContain('>Learning kafka.txt, character by character<');
  expect(svg).toContain('>Elman 100 · Adagrad 0.1 · 25 steps · 3\u202f900 iterations in 3.9 s<');
  expect(svg).toContain('>training 2.10<');
  expect(svg).toContain('>held out 2.21<');
  expect(svg).toContain('pale: single windows');
  expect(learningCurve(rows, about)).toBe(svg);
});

test('does without held-out text, and with a single row', () => {
  const trained = rows.map(({ validationBitsPerChar: _, ...row }) => row);
  expect(learningCurve(trained, about)).not.toContain('held out');
  expect(learningCurve(trained.slice(0, 1), { text: 'a', net: 'b' })).toContain('>training 6.00<');
});

test('refuses no rows and values that are not finite', () => {
  expect(() => learningCurve([], about)).toThrow('rows is empty');
  const broken = [...rows, { ...rows[0]!, bitsPerChar: Number.NaN }];
  expect(() => learningCurve(broken, about)).toThrow("series 'training NaN': y[40] is NaN");
});

test('a comparison names each run by its net and its last held-out value', () => {
  const runs = [
    { net: 'Elman 100 · Adagrad 0.1 · 25 steps', charactersPerIteration: 25, rows },
    { net: 'LSTM 2×128 · Adam 0.002 · batch 32', charactersPerIteration: 800, rows: rows.slice(0, 20) },
  ];
  const svg = comparison('kafka.txt', runs);
  expect(svg).toContain('>Held-out text of kafka.txt<');
  expect(svg).toContain('>Elman 100: 2.21<');
  expect(svg).toContain('>LSTM 2×128: 2.35<');
  expect(comparison('kafka.txt', [runs[0], { ...runs[0], net: 'Elman 100 · SGD 0.01' }])).toContain(
    'Elman 100 · SGD 0.01: ',
  );
  const unmeasured = { ...runs[0], rows: rows.slice(1, 3) };
  expect(() => comparison('kafka.txt', [unmeasured])).toThrow('was never measured on held-out text');
});
