import { afterAll, describe, expect, it } from 'vitest';
import { type Cost, init_weight, type Params, Rnn, run, type Sample } from '../../examples/minimalRnn.ts';
import { ndarray } from '../../src/tensor/ndarray.ts';
import { array, zeros } from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { compared, expectAllClose, expectClose, type Golden, readGolden } from './support.ts';

const TOLERANCE = 1e-11;

interface Case {
  name: string;
  seed: number;
  n_in: number;
  n_hid: number;
  n_out: number;
  T: number;
  lr: number;
  updates: number;
  targets: 'uniform' | 'one_hot';
  X: Golden;
  Y: Golden;
  params: Record<string, Golden>;
  h_vals: Golden;
  y_vals: Golden;
  modes: Record<
    Cost,
    {
      cost: number;
      grads: Record<string, Golden>;
      losses_before_each_update: number[];
      params_after_1: Record<string, Golden>;
      params_after_all: Record<string, Golden>;
      predictions_after_all: Golden;
    }
  >;
}

const cases = ['nb000_minimal_rnn', 'nb000_minimal_rnn_true_size'].flatMap(
  (f) => readGolden<{ cases: Case[] }>(f).cases,
);

describe.each(cases.map((c) => [c.name, c] as const))('notebook 000, %s', (_, c) => {
  it.each<Cost>(['elementwise', 'broadcast'])('%s cost, gradients and training', (mode) => {
    const random = new RandomState(c.seed);
    const model = new Rnn(random, c.n_in, c.n_hid, c.n_out, c.lr, mode);
    expectAllClose('params', model.params as Params & Record<string, never>, c.params, TOLERANCE);

    const X = ndarray(random.uniform(-0.1, 0.1, c.T * c.n_in), [c.T, c.n_in]);
    const Y = zeros(c.T, c.n_out);
    if (c.targets === 'uniform') random.fillUniform(Y.data, -0.1, 0.1);
    else for (let t = 0; t < c.T; t++) Y.set(t, random.randint(c.n_out), 1);
    expectClose('X', X, c.X, TOLERANCE);
    expectClose('Y', Y, c.Y, TOLERANCE);

    const want = c.modes[mode];
    const { h_vals, y_vals } = model.scan(X);
    expect(y_vals.shape).toEqual([c.T, 1, c.n_out]);
    expectClose('h_vals', h_vals, c.h_vals, TOLERANCE);
    expectClose('y_vals', y_vals.pick(null, 0), c.y_vals, TOLERANCE);
    expectClose('cost', model.cost(Y, y_vals), want.cost, TOLERANCE);
    const grads = model.gparams(X, Y, h_vals, y_vals);
    expectAllClose('grads', grads as Params & Record<string, never>, want.grads, TOLERANCE);

    for (let n = 0; n < c.updates; n++) {
      expectClose(`loss ${n}`, model.train(X, Y), want.losses_before_each_update[n], TOLERANCE);
      const after = n === 0 ? want.params_after_1 : n === c.updates - 1 ? want.params_after_all : {};
      expectAllClose(`after ${n + 1}`, model.params as Params & Record<string, never>, after, TOLERANCE);
    }
    expectClose('predictions', model.predictions(X).pick(null, 0), want.predictions_after_all, TOLERANCE);
  });
});

describe('init_weight', () => {
  const { init_weight: want } = readGolden<{ init_weight: Record<Sample, Golden> & { seed: number; shape: number[] } }>(
    'nb000_minimal_rnn',
  );

  it('draws the four schemes from one stream', () => {
    const random = new RandomState(want.seed);
    for (const sample of ['unishape', 'svd', 'uni', 'zero'] as const) {
      expectClose(sample, init_weight(random, want.shape, sample), want[sample], TOLERANCE);
    }
  });

  it('makes a bias, and says which schemes need a matrix', () => {
    expect(init_weight(new RandomState(0), [3], 'zero').shape).toEqual([3]);
    expect(() => init_weight(new RandomState(0), [3], 'svd')).toThrow(
      "init_weight: shape is [3], expected [rows,columns] for 'svd'",
    );
  });
});

it('prints shapes with the dimension too many, and learns only once the cost is corrected', () => {
  const lines: string[] = [];
  const asWritten = run({ nb_epochs: 11, print: (line) => lines.push(line) });
  expect(lines[0]).toBe('[array([100,   7]), array([100,   7]), array([100,  50]), array([100,   1,   7])]');
  expect(lines[1]).toMatch(/^array\(\[\[\[ 0\.\d{8}, {2}0\.\d+/);
  expect(lines[2]).toMatch(/^array\(0\.1\d+\)$/);
  expect(lines.slice(3)).toEqual([
    expect.stringMatching(/^epoch 0 error: /),
    expect.stringMatching(/^epoch 10 error: /),
  ]);
  const corrected = run({ nb_epochs: 11, corrected: true });
  expect(corrected.errors.at(-1)).toBeLessThan(asWritten.errors.at(-1)! - 1);
});

it('broadcasting is training on the mean of the target rows', () => {
  const random = new RandomState(3);
  const broadcast = new Rnn(random, 2, 3, 2, 0.1, 'broadcast');
  const elementwise = new Rnn(random, 2, 3, 2, 0.1, 'elementwise', broadcast.params);
  const X = array([
    [1, 0],
    [0, 1],
    [1, 1],
  ]);
  const { h_vals, y_vals } = broadcast.scan(X);
  const Y = array([
    [1, 0],
    [0, 0],
    [0.5, 0.6],
  ]);
  const mean = array([
    [0.5, 0.2],
    [0.5, 0.2],
    [0.5, 0.2],
  ]);
  const want = elementwise.gparams(X, mean, h_vals, y_vals);
  const got = broadcast.gparams(X, Y, h_vals, y_vals);
  for (const name of ['W_in', 'W_out', 'W_rec', 'b_out'] as const) {
    got[name].data.forEach((value, i) => {
      expect(value).toBeCloseTo(want[name].data[i], 14);
    });
  }
});

afterAll(() => expect(compared.numbers).toBe(2106));
