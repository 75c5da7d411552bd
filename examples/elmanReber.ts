/**
 * Notebook 001: an Elman net h_t = tanh(x_t·W_ih + h_{t-1}·W_hh + b_h) with a learned h0 reads Reber words, fails at embedded
 * ones because gradients vanish, and says sines one step late. With the notebook's names; where Theano derived gradients,
 * `bptt` does it by hand. `np` is the corner of NumPy that is used.
 */
import * as reberGrammar from 'bptt/data';
import { RandomState, singularValues } from 'bptt/tensor';
import { ndarray, outer } from 'bptt/tensor/ndarray';
import * as np from 'bptt/tensor/numpy';
import { arrayRepr, arrayStr, pyFloat } from './numpyPrint.ts';

type Matrix = np.Float64View;

/** W_ih (n_in, n_hid), W_hh (n_hid, n_hid), b_h (n_hid), W_ho (n_hid, n_out), b_o (n_out), h0 (n_hid). */
export interface Params {
  W_ih: Matrix;
  W_hh: Matrix;
  b_h: Matrix;
  W_ho: Matrix;
  b_o: Matrix;
  h0: Matrix;
}

/** What the outputs are: logistic units with cross-entropy, or numbers with squared error. */
export type Task = 'classification' | 'regression';

/** Uniform in [-1, 1), then the largest singular value scaled to 1. */
export function sample_weights(random: RandomState, sizeX: number, sizeY: number): Matrix {
  const values = ndarray(random.uniform(-1, 1, sizeX * sizeY), [sizeX, sizeY]);
  const svs = singularValues(values.data, sizeX, sizeY);
  return np.divide(values, svs[0]);
}

export function get_parameter(random: RandomState, n_in: number, n_out: number, n_hid: number): Params {
  const b_h = np.zeros(n_hid);
  const h0 = np.zeros(n_hid);
  const W_ih = sample_weights(random, n_in, n_hid);
  const W_hh = sample_weights(random, n_hid, n_hid);
  const W_ho = sample_weights(random, n_hid, n_out);
  const b_o = np.zeros(n_out);
  return { W_ih, W_hh, b_h, W_ho, b_o, h0 };
}

export function logistic_function(x: Matrix): Matrix {
  return np.divide(1, np.add(1, np.exp(np.negative(x))));
}

/** x_t (n_in), h_tm1 (n_hid) → h_t (n_hid), y_t (n_out). */
export function one_step(x_t: Matrix, h_tm1: Matrix, params: Params, task: Task): [h_t: Matrix, y_t: Matrix] {
  const { W_ih, W_hh, b_h, W_ho, b_o } = params;
  const h_t = np.tanh(np.add(np.dot(x_t, W_ih), np.dot(h_tm1, W_hh), b_h));
  const y_t = np.add(np.dot(h_t, W_ho), b_o);
  return [h_t, task === 'classification' ? logistic_function(y_t) : y_t];
}

/** theano.scan: v (T, n_in) → h_vals (T, n_hid), o_vals (T, n_out). */
export function scan(v: Matrix, params: Params, task: Task): { h_vals: Matrix; o_vals: Matrix } {
  const T = v.shape[0];
  const h_vals = np.zeros(T, params.h0.size);
  const o_vals = np.zeros(T, params.b_o.size);
  let h_tm1 = params.h0;
  for (let t = 0; t < T; t++) {
    const [h_t, y_t] = one_step(np.row(v, t), h_tm1, params, task);
    np.copyto(np.row(h_vals, t), h_t);
    np.copyto(np.row(o_vals, t), y_t);
    h_tm1 = h_t;
  }
  return { h_vals, o_vals };
}

/** Mean cross-entropy of independent outputs. */
export function cross_entropy(o_vals: Matrix, target: Matrix): number {
  const on = np.multiply(target, np.log(o_vals));
  const off = np.multiply(np.subtract(1, target), np.log(np.subtract(1, o_vals)));
  return -np.mean(np.add(on, off));
}

/**
 * Backpropagation through time, from da (T, n_out), the gradient before the output function. dh_vals (T, n_hid) is the
 * gradient that reaches each hidden state.
 */
export function bptt(params: Params, v: Matrix, h_vals: Matrix, da: Matrix): { gparams: Params; dh_vals: Matrix } {
  const { W_hh, W_ho, h0 } = params;
  const W_ih_grad = np.zerosLike(params.W_ih);
  const W_hh_grad = np.zerosLike(W_hh);
  const b_h_grad = np.zerosLike(params.b_h);
  const W_ho_grad = np.zerosLike(W_ho);
  const b_o_grad = np.zerosLike(params.b_o);
  const dh_vals = np.zerosLike(h_vals);
  let dh_next = np.zerosLike(h0);
  for (let t = v.shape[0] - 1; t >= 0; t--) {
    const h_t = np.row(h_vals, t);
    const h_tm1 = t > 0 ? np.row(h_vals, t - 1) : h0;
    outer(W_ho_grad, h_t, np.row(da, t), true);
    np.iadd(b_o_grad, np.row(da, t));
    const dh = np.add(np.dot(np.row(da, t), np.T(W_ho)), dh_next);
    const dr = np.multiply(dh, np.subtract(1, np.multiply(h_t, h_t))); // through tanh
    outer(W_ih_grad, np.row(v, t), dr, true);
    outer(W_hh_grad, h_tm1, dr, true);
    np.iadd(b_h_grad, dr);
    dh_next = np.dot(dr, np.T(W_hh));
    np.copyto(np.row(dh_vals, t), dh);
  }
  const gparams = { W_ih: W_ih_grad, W_hh: W_hh_grad, b_h: b_h_grad, W_ho: W_ho_grad, b_o: b_o_grad, h0: dh_next };
  return { gparams, dh_vals };
}

/** T.grad of the classification cost; v (T, n_in), target (T, n_out). */
export function classification_grads(params: Params, v: Matrix, target: Matrix): { cost: number; gparams: Params } {
  const { h_vals, o_vals } = scan(v, params, 'classification');
  const da = np.divide(np.subtract(o_vals, target), target.size); // through logistic function and cross-entropy
  return { cost: cross_entropy(o_vals, target), gparams: bptt(params, v, h_vals, da).gparams };
}

/** T.grad of the regression cost over a batch: V (N, T, n_in), Ta (N, T, n_out); the sequences share weights and h0. */
export function regression_grads(params: Params, V: Matrix, Ta: Matrix): { cost: number; gparams: Params } {
  const gparams = get_zeros(params);
  let squares = 0;
  for (let n = 0; n < V.shape[0]; n++) {
    const { h_vals, o_vals } = scan(np.row(V, n), params, 'regression');
    const error = np.subtract(o_vals, np.row(Ta, n));
    squares += np.sum(np.multiply(error, error));
    const { gparams: of_one } = bptt(params, np.row(V, n), h_vals, np.multiply(error, 2 / Ta.size));
    for (const name of names) np.iadd(gparams[name], of_one[name]);
  }
  return { cost: squares / Ta.size, gparams };
}

/** O_vals (N, T, n_out): the outer scan, over examples. */
export function regression_predictions(params: Params, V: Matrix): Matrix {
  const O_vals = np.zeros(V.shape[0], V.shape[1], params.b_o.size);
  for (let n = 0; n < V.shape[0]; n++) np.copyto(np.row(O_vals, n), scan(np.row(V, n), params, 'regression').o_vals);
  return O_vals;
}

const names = ['W_ih', 'W_hh', 'b_h', 'W_ho', 'b_o', 'h0'] as const;

function get_zeros(params: Params): Params {
  return Object.fromEntries(names.map((name) => [name, np.zerosLike(params[name])])) as unknown as Params;
}

/** The updates of learn_rnn_fn: plain SGD, on h0 as well. */
export function update(params: Params, gparams: Params, learning_rate: number): void {
  for (const name of names) np.isub(params[name], np.multiply(gparams[name], learning_rate));
}

/** A word as the notebook has it: i (T, 7) one-hots, o (T, 7) what may come next. */
export type Example = [i: Matrix, o: Matrix];

export function toExample({ T, inputs, targets }: reberGrammar.ReberExample): Example {
  return [ndarray(inputs, [T, 7]), ndarray(targets, [T, 7])];
}

/** SGD on words drawn at random; returns the summed cost of each epoch. */
export function train_rnn(
  random: RandomState,
  params: Params,
  train_data: Example[],
  nb_epochs = 50,
  learning_rate = 0.2,
  progress: (done: number, total: number) => void = () => {},
): number[] {
  const train_errors: number[] = [];
  for (let x = 0; x < nb_epochs; x++) {
    let error = 0;
    for (let j = 0; j < train_data.length; j++) {
      const index = random.randint(0, train_data.length);
      const [i, o] = train_data[index];
      const { cost: train_cost, gparams } = classification_grads(params, i, o);
      update(params, gparams, learning_rate);
      error += train_cost;
    }
    train_errors.push(error);
    progress(x + 1, nb_epochs);
  }
  return train_errors;
}

/** A word from the net: B first, then outputs divided by their sum, one drawn and fed back, until E. */
export function sample_word(params: Params, srng: RandomState, n_steps = 10000): string {
  const y0 = np.array([1, 0, 0, 0, 0, 0, 0]);
  const samples = [y0];
  let [h_t, y_t] = [params.h0, y0];
  for (let step = 0; step < n_steps; step++) {
    [h_t, y_t] = one_step(y_t, h_t, params, 'classification');
    y_t = np.divide(y_t, np.sum(y_t)); // normalize probabilities to all outputs
    y_t = np.array(Array.from(srng.multinomial(1, y_t.data)));
    samples.push(y_t);
    if (y_t.get(6) > 0.99) break;
  }
  return reberGrammar.sequenceToWord(Float64Array.from(samples.flatMap((y) => Array.from(y.data))));
}

/**
 * How much of the error at the embedded symbol, the last output but one, reaches the hidden states before it: the length of
 * the gradient at 0, 1, 2 … steps back, the geometric mean over words.
 */
export function gradient_over_time(params: Params, words: Example[]): number[] {
  const sums: number[] = [];
  const counts: number[] = [];
  for (const [i, o] of words) {
    const at = o.shape[0] - 2;
    const { h_vals, o_vals } = scan(i, params, 'classification');
    const da = np.zerosLike(o);
    np.copyto(np.row(da, at), np.subtract(np.row(o_vals, at), np.row(o, at)));
    const { dh_vals } = bptt(params, i, h_vals, da);
    for (let back = 0; back <= at; back++) {
      const dh = np.row(dh_vals, at - back);
      sums[back] = (sums[back] ?? 0) + Math.log(np.sum(np.multiply(dh, dh))) / 2;
      counts[back] = (counts[back] ?? 0) + 1;
    }
  }
  return sums.map((sum, back) => Math.exp(sum / counts[back]));
}

export interface ElmanReberOptions {
  print?: (line: string) => void;
  progress?: (done: number, total: number, of: string) => void;
  seed?: number;
  /** Words of an epoch. */
  n_words?: number;
  nb_epochs?: number;
  embedded_epochs?: number;
  regression_updates?: number;
}

export interface ElmanReberResult {
  train_errors: number[];
  embedded_errors: number[];
  /** Of 200 sampled words. */
  in_grammar: number;
  /** What the trained net says for T and P at the embedded symbol, a row a word. */
  embedded_symbol: [T: number, P: number][];
  /** Gradient lengths by steps back, before and after training on embedded words. */
  vanishing: { before: number[]; after: number[] };
  regression_errors: number[];
  /** Inputs, targets and predictions (2, T, 2) of the sine task. */
  sine: { S: Matrix; T: Matrix; P: Matrix };
}

/** The notebook from top to bottom. */
export function run(options: ElmanReberOptions = {}): ElmanReberResult {
  const { print = () => {}, progress = () => {}, seed = 0 } = options;
  const { n_words = 1000, nb_epochs = 10, embedded_epochs = 50, regression_updates = 10000 } = options;
  const random = new RandomState(seed);
  const n_in = 7;
  const n_hid = 10;
  const n_out = 7;

  // Reber words
  const params = get_parameter(random, n_in, n_out, n_hid);
  const train_data = reberGrammar.getNExamples(random, n_words).map(toExample);
  const train_errors = train_rnn(random, params, train_data, nb_epochs, 0.2, (done, total) =>
    progress(done, total, 'epoch on Reber words'),
  );

  // Predictions
  const [inp, outp] = toExample(reberGrammar.getOneExample(random, 10));
  const pre = scan(inp, params, 'classification').o_vals;
  for (let t = 0; t < inp.shape[0]; t++) {
    print(arrayStr(np.row(pre, t), true)); // prediction
    print(arrayStr(np.row(outp, t), true)); // target
    print('');
  }

  // Sampling
  const srng = new RandomState(234);
  let in_grammar = 0;
  for (let i = 0; i < 200; i++) {
    const word = sample_word(params, srng);
    const isIn = reberGrammar.inGrammar(word);
    if (isIn) in_grammar++;
    if (i < 20) print(`inGrammar( ${word} ) =  ${isIn ? 'True' : 'False'}`);
  }
  print(`${in_grammar} of 200 sampled words are in the grammar`);

  // Long-range dependencies: inner words of at least 10 symbols stand between the second symbol and its repetition
  const minLength = 10;
  const [i, o] = toExample(reberGrammar.getOneEmbeddedExample(random, minLength));
  print(arrayStr(np.row(i, 1), true));
  print(arrayStr(np.row(o, -2), true));
  const embedded = get_parameter(random, n_in, n_out, n_hid);
  const embedded_data = reberGrammar.getNEmbeddedExamples(random, n_words, minLength).map(toExample);
  const before = gradient_over_time(embedded, embedded_data);
  const embedded_errors = train_rnn(random, embedded, embedded_data, embedded_epochs, 0.2, (done, total) =>
    progress(done, total, 'epoch on embedded words'),
  );
  const after = gradient_over_time(embedded, embedded_data);
  const embedded_symbol: [T: number, P: number][] = [];
  for (let n = 0; n < 200; n++) {
    const [i, o] = toExample(reberGrammar.getOneEmbeddedExample(random, minLength));
    const at = np.row(scan(i, embedded, 'classification').o_vals, -2);
    embedded_symbol.push([at.get(1), at.get(4)]);
    if (n > 0) continue;
    print(arrayStr(np.row(i, 1), true));
    print(arrayStr(np.row(o, -2), true));
    print(arrayStr(at, true));
  }
  const [T_mean, P_mean] = [0, 1].map((k) => np.mean(np.array(embedded_symbol.map((pair) => pair[k]))).toFixed(3));
  print(`predicted at the embedded symbol, mean of 200 words: T ${T_mean}, P ${P_mean}`);

  // Exercise: sine and cosine, and the same one step late. The target is the input rolled by one: the *previous* input, and
  // at the first step the last one, which no net can know.
  const { S: s, T: t, steps } = reberGrammar.sineData(0.2);
  const S_ = ndarray(s, [2, steps, 2]);
  const T_ = ndarray(t, [2, steps, 2]);
  const sine_params = get_parameter(random, 2, 2, 4);
  const regression_errors: number[] = [];
  for (let k = 0; k < regression_updates; k++) {
    const { cost, gparams } = regression_grads(sine_params, S_, T_);
    update(sine_params, gparams, 0.1);
    regression_errors.push(cost);
    progress(k + 1, regression_updates, 'update on the sine task');
  }
  print(`array(${pyFloat(regression_errors.at(-1) ?? Number.NaN)})`);
  const P = regression_predictions(sine_params, S_);
  print(arrayRepr(np.subtract(P, T_), true));

  return {
    train_errors,
    embedded_errors,
    in_grammar,
    embedded_symbol,
    vanishing: { before, after },
    regression_errors,
    sine: { S: S_, T: T_, P },
  };
}
