import { afterAll, describe, expect, it } from 'vitest';
import {
  classification_grads,
  get_parameter,
  gradient_over_time,
  type Params,
  regression_grads,
  regression_predictions,
  run,
  sample_word,
  scan,
  toExample,
  update,
} from '../../examples/elmanReber.ts';
import { getNEmbeddedExamples, getNExamples, sineData } from '../../src/data/index.ts';
import { ndarray } from '../../src/tensor/ndarray.ts';
import { subtract } from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { compared, expectAllClose, expectClose, type Golden, readGolden, toViews } from './support.ts';

const TOLERANCE = 1e-11;

interface Common {
  name: string;
  seed: number;
  n_in: number;
  n_hid: number;
  n_out: number;
  lr: number;
  updates: number;
  params: Record<string, Golden>;
  params_after_1: Record<string, Golden>;
  params_after_all: Record<string, Golden>;
}

interface Classification extends Common {
  task: 'classification';
  embedded: boolean;
  n_words: number;
  min_len: number;
  words: string[];
  first_word: { h_vals: Golden; o_vals: Golden; cost: number; grads: Record<string, Golden> };
  update_indices: number[];
  losses_before_each_update: number[];
  predictions_first_word_after_all: Golden;
  samples?: { seed: number; words: string[]; params?: Record<string, Golden> };
}

interface Regression extends Common {
  task: 'regression';
  step: number;
  S: Golden;
  T: Golden;
  h_vals: Golden;
  O_vals: Golden;
  cost: number;
  grads: Record<string, Golden>;
  loss_before_update: [n: number, loss: number][];
  cost_after_all: number;
  P_minus_T_after_all: Golden;
}

const cases = ['nb001_elman', 'nb001_elman_true_size'].flatMap(
  (f) => readGolden<{ cases: (Classification | Regression)[] }>(f).cases,
);
const views = (params: Params) => params as Params & Record<string, never>;

describe('notebook 001', () => {
  it.each(cases.filter((c) => c.task === 'classification').map((c) => [c.name, c] as const))('%s', (_, c) => {
    const random = new RandomState(c.seed);
    const params = get_parameter(random, c.n_in, c.n_out, c.n_hid);
    expectAllClose('params', views(params), c.params, TOLERANCE);
    const examples = (c.embedded ? getNEmbeddedExamples : getNExamples)(random, c.n_words, c.min_len);
    expect(examples.map(({ word }) => word)).toEqual(c.words);
    const data = examples.map(toExample);

    const { h_vals, o_vals } = scan(data[0][0], params, 'classification');
    expectClose('h_vals', h_vals, c.first_word.h_vals, TOLERANCE);
    expectClose('o_vals', o_vals, c.first_word.o_vals, TOLERANCE);
    const first = classification_grads(params, ...data[0]);
    expectClose('cost', first.cost, c.first_word.cost, TOLERANCE);
    expectAllClose('grads', views(first.gparams), c.first_word.grads, TOLERANCE);

    for (let n = 0; n < c.updates; n++) {
      const index = random.randint(0, c.n_words);
      expect(index).toBe(c.update_indices[n]);
      const { cost, gparams } = classification_grads(params, ...data[index]);
      expectClose(`loss ${n}`, cost, c.losses_before_each_update[n], TOLERANCE);
      update(params, gparams, c.lr);
      if (n === 0) expectAllClose('after 1', views(params), c.params_after_1, TOLERANCE);
    }
    expectAllClose('after all', views(params), c.params_after_all, TOLERANCE);
    const { o_vals: after } = scan(data[0][0], params, 'classification');
    expectClose('predictions', after, c.predictions_first_word_after_all, TOLERANCE);

    if (c.samples === undefined) return;
    const srng = new RandomState(c.samples.seed);
    const trained = c.samples.params === undefined ? params : toViews<Params>(c.samples.params);
    expect(c.samples.words.map(() => sample_word(trained, srng))).toEqual(c.samples.words);
  });

  it.each(cases.filter((c) => c.task === 'regression').map((c) => [c.name, c] as const))('%s', (_, c) => {
    const { S, T, steps } = sineData(c.step);
    const [V, Ta] = [ndarray(S, [2, steps, 2]), ndarray(T, [2, steps, 2])];
    expectClose('S', V, c.S, TOLERANCE);
    expectClose('T', Ta, c.T, TOLERANCE);
    const params = get_parameter(new RandomState(c.seed), c.n_in, c.n_out, c.n_hid);
    expectAllClose('params', views(params), c.params, TOLERANCE);

    expectClose('O_vals', regression_predictions(params, V), c.O_vals, TOLERANCE);
    const losses = new Map(c.loss_before_update);
    const updates = Math.min(c.updates, 1000); // of 10000, which would take a minute
    for (let n = 0; n < updates; n++) {
      const { cost, gparams } = regression_grads(params, V, Ta);
      if (n === 0) {
        expectClose('cost', cost, c.cost, TOLERANCE);
        expectAllClose('grads', views(gparams), c.grads, TOLERANCE);
      }
      const loss = losses.get(n);
      if (loss !== undefined) expectClose(`loss ${n}`, cost, loss, TOLERANCE);
      update(params, gparams, c.lr);
      if (n === 0) expectAllClose('after 1', views(params), c.params_after_1, TOLERANCE);
    }
    if (updates === c.updates) expectAllClose('after all', views(params), c.params_after_all, TOLERANCE);
    const trained = toViews<Params>(c.params_after_all);
    expectClose('cost after all', regression_grads(trained, V, Ta).cost, c.cost_after_all, TOLERANCE * 100);
    const error = subtract(regression_predictions(trained, V), Ta);
    expectClose('P - T', error, c.P_minus_T_after_all, TOLERANCE * 100); // small differences of numbers near 1
  });
});

it('gradients vanish on their way back to the first symbol', () => {
  const random = new RandomState(0);
  const params = get_parameter(random, 7, 7, 10);
  const words = getNEmbeddedExamples(random, 20, 10).map(toExample);
  const lengths = gradient_over_time(params, words);
  expect(lengths.length).toBe(Math.max(...words.map(([i]) => i.shape[0])) - 1);
  expect(lengths[10]).toBeLessThan(lengths[0] / 50);
});

it('prints in the format of the notebook', () => {
  const lines: string[] = [];
  const { regression_errors, embedded_symbol } = run({
    n_words: 40,
    nb_epochs: 3,
    embedded_epochs: 1,
    regression_updates: 3,
    print: (line) => lines.push(line),
  });
  expect(lines[0]).toMatch(/^\[ .*\d\s*\]$/s);
  expect(lines[1]).toBe('[ 0.  1.  0.  0.  1.  0.  0.]');
  expect(lines[2]).toBe('');
  expect(lines.filter((line) => /^inGrammar\( B[BTSXPVE]* \) = {2}(True|False)$/.test(line))).toHaveLength(20);
  expect(lines.some((line) => /^\d+ of 200 sampled words are in the grammar$/.test(line))).toBe(true);
  expect(lines.at(-2)).toBe(`array(${regression_errors[2]})`);
  expect(lines.at(-1)).toMatch(/^array\(\[\[\[[ -]/);
  expect(embedded_symbol).toHaveLength(200);
});

afterAll(() => expect(compared.numbers).toBe(3103));
