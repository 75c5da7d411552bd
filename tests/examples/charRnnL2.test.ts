import { afterAll, describe, expect, it } from 'vitest';
import {
  forward,
  gradients,
  init_params,
  loss_of,
  type Params,
  predict,
  predict_prob,
  read_words,
  run,
  sample_sentence,
  train,
  type Window,
} from '../../examples/charRnnL2.ts';
import { type Float64View, imul, zeros } from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { compared, expectAllClose, expectClose, type Golden, readGolden } from './support.ts';

const TOLERANCE = 1e-11;

interface Case {
  name: string;
  seed: number;
  L: number;
  D: number;
  H: number;
  lr: number;
  lmbda: number;
  N: number;
  updates: number;
  scale: number;
  params: Record<string, Golden>;
  data: number[];
  h_vals: Golden;
  probs: Golden;
  data_loss: number;
  reg_loss: number;
  loss: number;
  predict_prob: Golden;
  predict: number;
  grads: Record<string, Golden>;
  grads_clipped: Record<string, Golden>;
  number_clipped: Record<keyof Params, number>;
  zeros_test: { loss: number; data_loss: number; uniform_loss: number };
  window_starts: number[];
  losses_before_each_update: number[];
  prints: { iteration: number; iseq: number; ichar: number; loss: number }[];
  params_after_1: Record<string, Golden>;
  params_after_all: Record<string, Golden>;
}

const cases = ['nb002_char_rnn_l2', 'nb002_char_rnn_l2_true_size'].flatMap(
  (f) => readGolden<{ cases: Case[] }>(f).cases,
);
const views = (params: Params) => params as Params & Record<string, never>;

function stack(rows: Float64View[]): Float64View {
  const all = zeros(rows.length, rows[0].size);
  rows.forEach((row, i) => {
    all.data.set(row.data, i * row.size);
  });
  return all;
}

describe('notebook 002', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (_, c) => {
    const random = new RandomState(c.seed);
    const params = init_params(random, c.D, c.H);
    for (const name of ['Wxh', 'Whh', 'Why'] as const) imul(params[name], c.scale);
    expectAllClose('params', views(params), c.params, TOLERANCE);
    const data = Int32Array.from(random.randint(0, c.D, c.N));
    expect([...data]).toEqual(c.data);

    const x = data.subarray(0, c.L);
    const y = data.subarray(1, c.L + 1);
    const { hs, probs } = forward(params, x);
    expectClose('h_vals', stack(hs.slice(0, c.L)), c.h_vals, TOLERANCE);
    expectClose('probs', stack(probs), c.probs, TOLERANCE);
    expectClose('predict_prob', predict_prob(params, x), c.predict_prob, TOLERANCE);
    expect(predict(params, x)).toBe(c.predict);
    const { grads, ...losses } = gradients(params, x, y, c.lmbda);
    for (const name of ['loss', 'data_loss', 'reg_loss'] as const) expectClose(name, losses[name], c[name], TOLERANCE);
    expectAllClose('grads', views(grads), c.grads, TOLERANCE);
    const zero = new Int32Array(c.L);
    const zeroLoss = loss_of(params, forward(params, zero).probs, zero, c.lmbda);
    expectClose('zeros_test', zeroLoss.loss, c.zeros_test.loss, TOLERANCE);
    expectClose('zeros_test data', zeroLoss.data_loss, c.zeros_test.data_loss, TOLERANCE);

    const windows: Window[] = [];
    for (const window of train(params, data, c.N, c.updates, c)) {
      if (windows.push(window) === 1) expectAllClose('after 1', views(params), c.params_after_1, TOLERANCE);
    }
    expect(windows.map(({ start }) => start)).toEqual(c.window_starts);
    windows.forEach(({ loss }, n) => {
      expectClose(`loss ${n}`, loss, c.losses_before_each_update[n], TOLERANCE);
    });
    const prints = windows.filter(({ mean }) => mean !== undefined);
    expect(prints.map(({ iteration, iseq, ichar }) => ({ iteration, iseq, ichar }))).toEqual(
      c.prints.map(({ iteration, iseq, ichar }) => ({ iteration, iseq, ichar })),
    );
    prints.forEach(({ mean }, n) => {
      expectClose(`mean ${n}`, mean!, c.prints[n].loss, TOLERANCE);
    });
    expectAllClose('after all', views(params), c.params_after_all, TOLERANCE);
  });
});

it('prints the initial loss for 98 characters and the positions of the notebook', () => {
  const text = 'the quick brown fox jumps over the lazy dog. '.repeat(23);
  const lines: string[] = [];
  const options = { text, windows: 0, sentences: 0, print: (line: string) => lines.push(line) };
  const { overfit_means } = run(options);
  expect(lines[0]).toBe(`28 ${text.length}`);
  expect(lines[1]).toMatch(/^\(\[array\(\d+\.\d+\)\], 114\.62418696676431\)$/);
  expect(lines.slice(3).map((line) => line.replace(/, loss=.*/, ''))).toEqual([
    'iteration=1, iseq=38, ichar=0',
    'iteration=2, iseq=77, ichar=0',
    'iteration=3, iseq=116, ichar=0',
    'iteration=4, iseq=155, ichar=0',
    'iteration=5, iseq=194, ichar=0',
    'iteration=6, iseq=233, ichar=0',
    'iteration=7, iseq=272, ichar=0',
    'iteration=8, iseq=311, ichar=0',
    'iteration=9, iseq=350, ichar=0',
    'iteration=10, iseq=389, ichar=0',
  ]);
  const { overfit_means: corrected } = run({ ...options, corrected: true });
  overfit_means.forEach((mean, i) => {
    expect(mean).toBeCloseTo((corrected[i] * 39) / 40, 10);
  });
});

it('reads sentences of words, learns them and says some', () => {
  const text = 'The cat sat. The dog ran. The cat ran. The dog sat. '.repeat(3);
  const { vocabulary, sentences } = read_words(text, 6);
  expect(vocabulary.words).toEqual(['<unk>', '<s>', '</s>', 'the', '.', 'cat']);
  expect(sentences).toHaveLength(12);
  expect(vocabulary.decode(sentences[1])).toEqual(['<s>', 'the', '<unk>', '<unk>', '.', '</s>']);

  const lines: string[] = [];
  const { word_losses, losses } = run({ text, windows: 2, sentences: 400, print: (line) => lines.push(line) });
  expect(losses).toHaveLength(2);
  expect(word_losses.at(-1)).toBeLessThan(word_losses[0] / 2);
  expect(lines.at(-12)).toBe('9 words, 12 sentences');
  expect(lines.slice(-10).some((line) => /^The (cat|dog) (sat|ran)\.$/.test(line))).toBe(true);
  const random = new RandomState(0);
  expect(sample_sentence(init_params(random, 9, 3), random, read_words(text, 99).vocabulary, 0)).toEqual([]);
});

afterAll(() => expect(compared.numbers).toBe(1124));
