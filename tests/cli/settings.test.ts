import { expect, test } from 'vitest';
import { PRESET_NAMES } from '../../cli/presets.ts';
import { Rate } from '../../cli/rate.ts';
import { describe, optimizerOf, rateAt, type Settings, settingsFrom, specOf, summedOver } from '../../cli/settings.ts';

test("min-char-rnn is the notebook's net", () => {
  const settings = settingsFrom({ preset: 'min-char-rnn' });
  expect(settings).toMatchObject({
    ...{ cell: 'elman', hidden: 100, layers: 1, steps: 25, batch: 1, optimizer: 'adagrad', lr: 0.1, lrDecay: false },
    ...{ clip: { value: 5 }, init: 'minCharRnn', loss: 'sum', l2: 0, dropout: 0, threads: 1, dtype: 'float32' },
  });
  expect(describe(settings)).toBe('Elman 100 · Adagrad 0.1 · 25 steps');
  expect(specOf(settings, 80)).toMatchObject({ cell: 'elman', inputSize: 80, bias: 'input', reduction: 1 });
  expect(summedOver(settings, 25)).toBe(1);
});

test('options go before the preset, and what depends on them follows', () => {
  const of = (given: object): Settings => settingsFrom({ preset: 'default', ...given });
  expect(of({ optimizer: 'sgd' })).toMatchObject({ lr: 0.01 });
  expect(of({ optimizer: 'sgd' })).not.toHaveProperty('beta2');
  expect(of({ optimizer: 'adamw', beta2: 0.9 })).toMatchObject({ lr: 0.002, beta2: 0.9 });
  expect(of({ lr: 0.5, hidden: undefined })).toMatchObject({ lr: 0.5, hidden: 160 });
  expect(of({ clip: 0 }).clip).toBeNull();
  expect(of({ clip: 2 }).clip).toEqual({ value: 2 });
  expect(of({ clipNorm: 3 }).clip).toEqual({ norm: 3 });
  expect(of({ cell: 'elman' }).init).toBe('minCharRnn');
  expect(of({ words: true })).toMatchObject({ unit: 'word', mostWords: 10_000 });
  expect(of({ words: 7 })).toMatchObject({ unit: 'word', mostWords: 7 });
  for (const engine of ['webgpu', 'ts'] as const) expect(of({ engine }).threads).toBe(1);
  expect(of({ optimizer: 'rprop' }).lrDecay).toBe(false);
  // Dropout works between layers.
  expect(of({ preset: 'best' })).toMatchObject({ layers: 2, dropout: 0.2 });
  expect(of({ preset: 'best', layers: 1 })).toMatchObject({ layers: 1, dropout: 0 });
  expect(of({ layers: 1, dropout: 0.3 }).dropout).toBe(0.3); // refused when the run begins
  const rprop = of({ optimizer: 'rprop', lrDecay: true });
  expect(() => optimizerOf(rprop, new Rate(rprop, 10).of)).toThrow('--lr-decay means nothing to rprop');
  expect(describe(of({ layers: 2, dropout: 0.5, l2: 1e-4, words: true }))).toBe(
    'GRU 2×160 · Adam 0.012 falling to 0 · 32 steps · batch 24 · dropout 0.5 · L2 0.0001 · words',
  );
  expect(summedOver(of({}), 768)).toBe(768);
});

test('the rate rises over a twentieth and falls to 0, by updates or by the clock', () => {
  const settings = settingsFrom({ preset: 'best' });
  const { lr } = settings;
  expect([0, 0.025, 0.05, 0.525, 1].map((progress) => rateAt(settings, progress) / lr)).toEqual([
    ...[0, 0.5, 1],
    ...[expect.closeTo(0.5, 12), expect.closeTo(0, 12)],
  ]);
  const byUpdates = new Rate(settings, 200).of as (step: number) => number;
  expect(byUpdates(10)).toBe(lr);
  expect(byUpdates(500)).toBeCloseTo(0, 12);
  const clock = new Rate(settings, undefined);
  clock.progress = 0.05;
  expect((clock.of as () => number)()).toBe(lr);
  expect(new Rate({ ...settings, lrDecay: false }, 200).of).toBe(lr);
});

test.each(PRESET_NAMES)('preset %s makes a net and an update rule', (preset) => {
  const settings = settingsFrom({ preset });
  expect(optimizerOf(settings, settings.lr).name).toBe(settings.optimizer);
  expect(specOf(settings, 65).outputSize).toBe(65);
});
