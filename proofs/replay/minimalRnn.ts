import type { ModelSpec } from 'bptt';
import { glorotInit, spectralInit, uniformInit, zeroInit } from 'bptt/layers';
import { sgd } from 'bptt/optim';
import { RandomState, singularValues, sumAxis } from 'bptt/tensor';
import { binaryCrossEntropyOfSoftmax } from '../../examples/binaryCrossEntropyOfSoftmax.ts';
import type { Check } from './check.ts';
import type { Fields } from './fields.ts';
import {
  type Arrays,
  compareArrays,
  given,
  givenParameters,
  gradientsOf,
  type Layout,
  parametersOf,
  statesOf,
  trainerOf,
  trainOn,
} from './layout.ts';

/** The notebook's y = softmax(−(h·W_out + b_out)): the library's output layer is the negative of the notebook's. */
export const layout: Layout = {
  W_in: { parameter: 'weight_ih_l0', transposed: true },
  W_out: { parameter: 'weight_ho', transposed: true, negated: true },
  W_rec: { parameter: 'weight_hh_l0', transposed: true },
  b_out: { parameter: 'bias_ho', negated: true },
};

interface Sizes {
  n_in: number;
  n_hid: number;
  n_out: number;
  T: number;
}

export function spec({ n_in, n_hid, n_out }: Sizes): ModelSpec {
  return {
    cell: 'elman',
    input: 'dense',
    inputSize: n_in,
    hiddenSize: n_hid,
    outputSize: n_out,
    bias: 'none',
    loss: binaryCrossEntropyOfSoftmax,
    reduction: 'mean',
  };
}

/** Notebook 000: `nb000_minimal_rnn*.json`. */
export function replay(file: Fields, check: Check): void {
  const arrays = file.object('meta').has('arrays') ? file.object('meta').text('arrays') : '';
  if (!arrays.startsWith('checksums')) replayInitialisers(file.optional('init_weight'), check);
  for (const fields of file.cases()) replayCase(fields, check);
}

function replayInitialisers(golden: Fields | null, check: Check): void {
  if (!golden) return;
  const rng = new RandomState(golden.whole('seed'));
  const [rows, cols] = golden.array('shape', [2]);
  const { values } = check.tolerances.minimalRnn;
  const w = new Float64Array(rows * cols);
  glorotInit(w, rng, rows, cols);
  check.compareData(golden.golden('unishape'), w, values);
  spectralInit(w, rng, rows, cols);
  check.compareData(golden.golden('svd'), w, values);
  uniformInit(w, rng);
  check.compareData(golden.golden('uni'), w, values);
  zeroInit(w);
  check.compareData(golden.golden('zero'), w);
}

function replayCase(fields: Fields, check: Check): void {
  const { values } = check.tolerances.minimalRnn;
  const sizes: Sizes = {
    n_in: fields.whole('n_in', 1),
    n_hid: fields.whole('n_hid', 1),
    n_out: fields.whole('n_out', 1),
    T: fields.whole('T', 1),
  };
  const drawn = draw(fields, sizes, check);
  const params = givenParameters(check, spec(sizes), layout, fields.object('params'), drawn?.params ?? null, values);
  const X = given(check, fields, 'X', drawn?.X ?? null, [sizes.T, sizes.n_in], 0);
  const Y = given(check, fields, 'Y', drawn?.Y ?? null, [sizes.T, sizes.n_out], 0);
  const options = { steps: sizes.T, batch: 1, optimizer: sgd({ lr: fields.number('lr') }) };
  const updates = fields.whole('updates', 1);
  const modes = fields.object('modes');
  for (const mode of ['elementwise', 'broadcast'] as const) {
    const golden = modes.object(mode);
    const trainer = trainerOf(check, spec(sizes), options, layout, params);
    const targets = mode === 'elementwise' ? Y : columnMeans(Y, sizes);
    const batch = { inputs: check.floats(X), targets: check.floats(targets) };
    const cost = trainer.lossAndGradients(batch);
    if (mode === 'elementwise') {
      check.compare(fields.golden('h_vals', [sizes.T, sizes.n_hid]), statesOf(trainer, sizes.T), values);
      check.compare(fields.golden('y_vals', [sizes.T, sizes.n_out]), trainer.model.outputs(), values);
    }
    check.compare(golden.golden('cost'), cost, values);
    compareArrays(check, golden.optional('grads'), gradientsOf(trainer, layout), values);
    const { losses, afterFirst } = trainOn(trainer, layout, updates, () => batch);
    check.compareLosses(golden.golden('losses_before_each_update'), losses, values);
    compareArrays(check, golden.optional('params_after_1'), afterFirst, values);
    compareArrays(check, golden.optional('params_after_all'), parametersOf(trainer, layout), values);
    trainer.lossOf(batch);
    check.compare(golden.golden('predictions_after_all'), trainer.model.outputs(), values);
  }
}

/** Every prediction against every target row is the same as each against the mean of all rows. */
export function columnMeans(Y: ArrayLike<number>, { T, n_out }: Sizes): Float64Array {
  const mean = new Float64Array(n_out);
  sumAxis(mean, Float64Array.from(Y), 1, T, n_out);
  return Float64Array.from({ length: T * n_out }, (_, i) => mean[i % n_out] / T);
}

/** Parameters and data from the seed: W_in, W_out, W_rec, X, Y. */
function draw(fields: Fields, sizes: Sizes, check: Check): { params: Arrays; X: Float64Array; Y: Float64Array } | null {
  const { n_in, n_hid, n_out, T } = sizes;
  const seed = fields.seed();
  if (seed === null) return null;
  const rng = new RandomState(seed);
  const raws = fields.optional('init_raw_before_svd_scaling');
  const largest = fields.optional('init_largest_singular_values');
  const matrix = (name: string, rows: number, cols: number): Float64Array => {
    const before = rng.getState();
    const raw = rng.uniform(-1, 1, rows * cols);
    if (raws) check.compareData(raws.golden(name), raw);
    if (largest)
      check.compareData(largest.golden(name), singularValues(raw, rows, cols)[0], check.tolerances.minimalRnn.values);
    rng.setState(before);
    const w = new Float64Array(rows * cols);
    spectralInit(w, rng, rows, cols);
    return w;
  };
  const params = {
    W_in: matrix('W_in', n_in, n_hid),
    W_out: matrix('W_out', n_hid, n_out),
    W_rec: matrix('W_rec', n_hid, n_hid),
    b_out: new Float64Array(n_out),
  };
  const X = rng.uniform(-0.1, 0.1, T * n_in);
  const targets = fields.text('targets');
  if (targets === 'uniform') return { params, X, Y: rng.uniform(-0.1, 0.1, T * n_out) };
  if (targets !== 'one_hot') throw fields.error('targets', `is '${targets}', expected uniform or one_hot`);
  const Y = new Float64Array(T * n_out);
  for (let t = 0; t < T; t++) Y[t * n_out + rng.randint(n_out)] = 1;
  return { params, X, Y };
}
