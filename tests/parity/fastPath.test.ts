import { expect, test } from 'vitest';
import * as binaryAddition from '../../examples/binaryAddition.ts';
import * as charRnn from '../../examples/charRnnL2.ts';
import * as elman from '../../examples/elmanReber.ts';
import * as linearRnn from '../../examples/linearRnn.ts';
import * as minCharRnn from '../../examples/minCharRnn.ts';
import { Rnn } from '../../examples/minimalRnn.ts';
import * as cli004a from '../../proofs/replay/binaryAddition.ts';
import * as cli002 from '../../proofs/replay/charRnn.ts';
import { relativeError } from '../../proofs/replay/check.ts';
import * as cli001 from '../../proofs/replay/elman.ts';
import {
  type Arrays,
  fromModel,
  intoModel,
  type Layout,
  swapFirstAxes,
  transpose,
} from '../../proofs/replay/layout.ts';
import * as cli003 from '../../proofs/replay/linearRnn.ts';
import * as cli004b from '../../proofs/replay/minCharRnn.ts';
import * as cli000 from '../../proofs/replay/minimalRnn.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { CpuTrainer, type TrainerOptions, type TrainingBatch } from '../../src/bptt/trainer.ts';
import { additionProblem } from '../../src/data/binaryAddition.ts';
import { getOneExample } from '../../src/data/reber.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { ndarray } from '../../src/tensor/ndarray.ts';
import * as np from '../../src/tensor/numpy.ts';
import { RandomState } from '../../src/tensor/random.ts';

const TOLERANCE = 1e-12;
const rng = new RandomState(2024);

type Views = Record<string, np.Float64View>;

/** Random matrices and vectors of these shapes; biases too, which the notebooks begin at zero. */
function random<N extends string>(shapes: Record<N, readonly number[]>): Record<N, np.Float64View> {
  const view = (shape: readonly number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return ndarray(rng.uniform(-0.7, 0.7, size), [...shape]);
  };
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, view(shape as number[])])) as Record<
    N,
    np.Float64View
  >;
}

/** Loss and gradients of the library for the notebook's parameters, by the notebook's names. */
function library(
  spec: ModelSpec,
  options: Omit<TrainerOptions, 'optimizer'>,
  layout: Layout,
  parameters: Views,
  batch: TrainingBatch,
): { loss: number; gradients: Arrays } {
  const trainer = new CpuTrainer(tsEngine('float64'), spec, { ...options, optimizer: sgd({ lr: 1 }) });
  const { model } = trainer;
  const flat = Object.fromEntries(Object.entries(parameters).map(([name, view]) => [name, view.data]));
  intoModel(model.parameters.flat, model.parameters.layout, layout, flat);
  const loss = trainer.lossAndGradients(batch);
  return { loss, gradients: fromModel(model.gradients.flat, model.gradients.layout, layout) };
}

function expectSame(got: { loss: number; gradients: Arrays }, loss: number, gradients: Views): void {
  expect(relativeError([got.loss], [loss])).toBeLessThanOrEqual(TOLERANCE);
  const names = Object.keys(got.gradients);
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) {
    const expected = gradients[name].data;
    expect(
      expected.some((v) => v !== 0),
      name,
    ).toBe(true);
    expect(relativeError(got.gradients[name], expected), name).toBeLessThanOrEqual(TOLERANCE);
  }
}

test.each(['elementwise', 'broadcast'] as const)('000: minimal RNN, %s cost', (cost) => {
  const sizes = { n_in: 4, n_hid: 6, n_out: 5, T: 9 };
  const { n_in, n_hid, n_out, T } = sizes;
  const params = random({ W_in: [n_in, n_hid], W_out: [n_hid, n_out], W_rec: [n_hid, n_hid], b_out: [n_out] });
  const { X, Y } = random({ X: [T, n_in], Y: [T, n_out] });
  const mirror = new Rnn(rng, n_in, n_hid, n_out, 0.1, cost, params);
  const { h_vals, y_vals } = mirror.scan(X);
  const gradients = mirror.gparams(X, Y, h_vals, y_vals);
  const targets = cost === 'broadcast' ? cli000.columnMeans(Y.data, sizes) : Y.data;
  const batch = { inputs: X.data, targets };
  const got = library(cli000.spec(sizes), { steps: T, batch: 1 }, cli000.layout, params, batch);
  expectSame(got, mirror.cost(Y, y_vals), { ...gradients });
});

function elmanParams(n_in: number, n_hid: number, n_out: number) {
  return random({
    W_ih: [n_in, n_hid],
    W_hh: [n_hid, n_hid],
    b_h: [n_hid],
    W_ho: [n_hid, n_out],
    b_o: [n_out],
    h0: [n_hid],
  });
}

test('001: Elman net on a Reber word, with its learned h0', () => {
  const params = elmanParams(7, 6, 7);
  const word = getOneExample(rng, 12);
  const { cost, gparams } = elman.classification_grads(params, ...elman.toExample(word));
  const spec = cli001.spec('classification', { n_in: 7, n_hid: 6, n_out: 7 });
  const batch = { inputs: word.ids, targets: word.targets };
  expectSame(library(spec, { steps: word.T, batch: 1 }, cli001.layout, params, batch), cost, { ...gparams });
});

test('001: regression over a batch of sequences', () => {
  const [N, T, n_in, n_hid, n_out] = [3, 8, 2, 5, 2];
  const params = elmanParams(n_in, n_hid, n_out);
  const { V, Ta } = random({ V: [N, T, n_in], Ta: [N, T, n_out] });
  const { cost, gparams } = elman.regression_grads(params, V, Ta);
  const batch = { inputs: swapFirstAxes(V.data, N, T, n_in), targets: swapFirstAxes(Ta.data, N, T, n_out) };
  const spec = cli001.spec('regression', { n_in, n_hid, n_out });
  expectSame(library(spec, { steps: T, batch: N }, cli001.layout, params, batch), cost, { ...gparams });
});

test('002: char RNN with L2', () => {
  const [D, H, L, lmbda] = [7, 6, 9, 0.03];
  const params = random({ Wxh: [D, H], Whh: [H, H], bh: [H], Why: [H, D], by: [D] });
  const [inputs, targets] = [0, 1].map(() => Int32Array.from(rng.randint(0, D, L)));
  const { loss, grads } = charRnn.gradients(params, inputs, targets, lmbda);
  const options = { steps: L, batch: 1, l2: lmbda };
  expectSame(library(cli002.spec(D, H), options, cli002.layout, params, { inputs, targets }), loss, { ...grads });
});

test('003: linear RNN', () => {
  const [m, len, wx, wRec] = [11, 7, 1.1, 0.8];
  const X = linearRnn.createDataset(rng, m, len);
  const t = linearRnn.targets(X);
  const S = linearRnn.forward_states(X, wx, wRec);
  const grad_out = linearRnn.output_gradient(np.column(S, -1), t);
  const [gradients] = linearRnn.backward_gradient(X, S, grad_out, wRec);
  const layout = { wx: { parameter: 'weight_ih_l0' }, wRec: { parameter: 'weight_hh_l0' } };
  const params = { wx: np.array([wx]), wRec: np.array([wRec]) };
  const batch = { inputs: transpose(X.data, m, len), targets: t.data };
  const got = library(cli003.spec(m), { steps: len, batch: m }, layout, params, batch);
  expect(relativeError([got.loss], [linearRnn.cost(np.column(S, -1), t)])).toBeLessThanOrEqual(TOLERANCE);
  expect(relativeError([got.gradients.wx[0], got.gradients.wRec[0]], gradients)).toBeLessThanOrEqual(TOLERANCE);
});

test('004a: binary addition, whose updates are minus the gradient of half the squared error', () => {
  const [H, bits] = [6, 8];
  const params = random({ synapse_0: [2, H], synapse_1: [H, 1], synapse_h: [H, H] });
  const { a, b, c } = additionProblem(rng, bits);
  const mirror = binaryAddition.add(params, a, b, c);
  const batch = {
    inputs: Float64Array.from(
      Array.from(a, (bit, i) => [bit, b[i]])
        .reverse()
        .flat(),
    ),
    targets: Float64Array.from(c.toReversed()),
  };
  const got = library(cli004a.spec(H), { steps: bits, batch: 1 }, cli004a.layout, params, batch);
  const errors = mirror.layer_2_values.map((o, t) => batch.targets[t] - o.get(0, 0));
  const loss = errors.reduce((sum, e) => sum + (e * e) / 2, 0);
  expectSame(got, loss, {
    synapse_0: np.negative(mirror.synapse_0_update),
    synapse_1: np.negative(mirror.synapse_1_update),
    synapse_h: np.negative(mirror.synapse_h_update),
  });
});

test.each([true, false])('004b: min-char-rnn, with dby: %s', (withDby) => {
  const [V, H, L] = [8, 6, 10];
  const params = random({ Wxh: [H, V], Whh: [H, H], Why: [V, H], bh: [H, 1], by: [V, 1] });
  const [inputs, targets] = [0, 1].map(() => Int32Array.from(rng.randint(0, V, L)));
  const mirror = minCharRnn.lossFun(params, inputs, targets, np.zeros(H, 1), { withDby, clip: false });
  const options = { steps: L, batch: 1, frozen: withDby ? [] : ['bias_ho'] };
  const got = library(cli004b.spec(V, H), options, cli004b.layout, params, { inputs, targets });
  const { dWxh, dWhh, dWhy, dbh, dby } = mirror;
  if (!withDby) {
    expect([...Array.from(got.gradients.by), ...dby.data].every((v) => v === 0)).toBe(true);
    delete got.gradients.by;
  }
  expectSame(got, mirror.loss, { Wxh: dWxh, Whh: dWhh, Why: dWhy, bh: dbh, by: dby });
});
