/**
 * Notebook 000, "Minimal RNN": h_t = tanh(x_t·W_in + h_{t-1}·W_rec), y_t = softmax(-(h_t·W_out + b_out)). With the notebook's
 * names; where Theano derived gradients, `gparams` does it by hand. `np` is the corner of NumPy that is used.
 */
import { getNExamples } from 'bptt/data';
import { RandomState, singularValues } from 'bptt/tensor';
import { ndarray, outer, sumAxis } from 'bptt/tensor/ndarray';
import * as np from 'bptt/tensor/numpy';
import { arrayRepr, intsRepr, percentG, pyFloat } from './numpyPrint.ts';

type Matrix = np.Float64View;

/** In [9]: the four initialisers. */
export type Sample = 'unishape' | 'svd' | 'uni' | 'zero';

/** In [9]. `shape` is (rows, columns), or (n) for a bias, which only 'uni' and 'zero' can make. */
export function init_weight(random: RandomState, shape: number[], sample: Sample = 'uni'): Matrix {
  const uniform = (bound: number): Matrix =>
    ndarray(random.uniform(-bound, bound, np.zeros(...shape).size), shape.slice());
  if (sample === 'zero') return np.zeros(...shape);
  if (sample === 'uni') return uniform(0.1);
  if (shape.length !== 2) {
    throw new RangeError(`init_weight: shape is [${shape}], expected [rows,columns] for '${sample}'`);
  }
  if (sample === 'unishape') return uniform(Math.sqrt(6 / (shape[0] + shape[1])));
  const values = uniform(1);
  const svs = singularValues(values.data, shape[0], shape[1]);
  return np.divide(values, svs[0]); // svs[0] is the largest singular value
}

/** W_in (n_in, n_hid), W_out (n_hid, n_out), W_rec (n_hid, n_hid), b_out (n_out). */
export interface Params {
  W_in: Matrix;
  W_out: Matrix;
  W_rec: Matrix;
  b_out: Matrix;
}

/**
 * How Y meets y_vals in the cost. Theano's softmax of a vector is a (1, n) matrix, so y_vals is (T, 1, n) and in the
 * notebook Y (T, n) broadcasts: every prediction is compared with every target row. 'elementwise' is what the text means.
 */
export type Cost = 'broadcast' | 'elementwise';

/** In [10]. */
export class Rnn {
  readonly n_in: number;
  readonly n_hid: number;
  readonly n_out: number;
  readonly lr: number;
  readonly params: Params;
  readonly costOf: Cost;

  constructor(
    random: RandomState,
    n_in: number,
    n_hid: number,
    n_out: number,
    lr: number,
    costOf: Cost = 'broadcast',
    params?: Params,
  ) {
    this.n_in = n_in;
    this.n_hid = n_hid;
    this.n_out = n_out;
    this.lr = lr;
    this.costOf = costOf;
    this.params = params ?? {
      W_in: init_weight(random, [n_in, n_hid], 'svd'),
      W_out: init_weight(random, [n_hid, n_out], 'svd'),
      W_rec: init_weight(random, [n_hid, n_hid], 'svd'),
      b_out: init_weight(random, [n_out], 'zero'),
    };
  }

  /** x_t (n_in), h_tm1 (n_hid) → h_t (n_hid), y_t (1, n_out). */
  step(x_t: Matrix, h_tm1: Matrix): [h_t: Matrix, y_t: Matrix] {
    const { W_in, W_out, W_rec, b_out } = this.params;
    const h_t = np.tanh(np.add(np.dot(x_t, W_in), np.dot(h_tm1, W_rec)));
    const y_t = softmax(np.negative(np.add(np.dot(h_t, W_out), b_out))); // the minus is the notebook's
    return [h_t, y_t];
  }

  /** theano.scan: X (T, n_in) → h_vals (T, n_hid), y_vals (T, 1, n_out). */
  scan(X: Matrix): { h_vals: Matrix; y_vals: Matrix } {
    const T = X.shape[0];
    const h_vals = np.zeros(T, this.n_hid);
    const y_vals = np.zeros(T, 1, this.n_out);
    let h_tm1 = np.zeros(this.n_hid); // initial hidden state
    for (let t = 0; t < T; t++) {
      const [h_t, y_t] = this.step(np.row(X, t), h_tm1);
      np.copyto(np.row(h_vals, t), h_t);
      np.copyto(np.row(y_vals, t), y_t);
      h_tm1 = h_t;
    }
    return { h_vals, y_vals };
  }

  /** Cross-entropy cost of y_vals (T, 1, n_out) against Y (T, n_out). */
  cost(Y: Matrix, y_vals: Matrix): number {
    const y = this.#against(y_vals);
    const on = np.multiply(Y, np.log(y));
    const off = np.multiply(np.subtract(1, Y), np.log(np.subtract(1, y)));
    return -np.mean(np.add(on, off));
  }

  /** T.grad: backpropagation through time. */
  gparams(X: Matrix, Y: Matrix, h_vals: Matrix, y_vals: Matrix): Params {
    const { W_out, W_rec } = this.params;
    const T = X.shape[0];

    // through the cost; a prediction that was broadcast collects what all target rows ask of it
    const y = this.#against(y_vals);
    const each = np.subtract(np.divide(np.subtract(1, Y), np.subtract(1, y)), np.divide(Y, y));
    const mean = np.divide(each, each.size);
    const dy_vals = np.zeros(T, this.n_out);
    if (this.costOf === 'broadcast') sumAxis(dy_vals, mean, 1);
    else np.copyto(dy_vals, mean);

    const g: Params = {
      W_in: np.zerosLike(this.params.W_in),
      W_out: np.zerosLike(W_out),
      W_rec: np.zerosLike(W_rec),
      b_out: np.zerosLike(this.params.b_out),
    };
    let dh_next = np.zeros(this.n_hid);
    for (let t = T - 1; t >= 0; t--) {
      const [h_t, y_t, dy_t] = [np.row(h_vals, t), np.row(y_vals, t).pick(0), np.row(dy_vals, t)];
      const dz = np.multiply(y_t, np.subtract(dy_t, np.sum(np.multiply(dy_t, y_t)))); // through softmax
      const da = np.negative(dz); // through the minus
      outer(g.W_out, h_t, da, true);
      np.iadd(g.b_out, da);
      const dh = np.add(np.dot(da, np.T(W_out)), dh_next);
      const dr = np.multiply(dh, np.subtract(1, np.multiply(h_t, h_t))); // through tanh
      outer(g.W_in, np.row(X, t), dr, true);
      if (t > 0) outer(g.W_rec, np.row(h_vals, t - 1), dr, true); // h_{-1} = 0
      dh_next = np.dot(dr, np.T(W_rec));
    }
    return g;
  }

  /** One step of SGD on one sequence; returns the cost before it. */
  train(X: Matrix, Y: Matrix): number {
    const { h_vals, y_vals } = this.scan(X);
    const gparams = this.gparams(X, Y, h_vals, y_vals);
    for (const name of ['W_in', 'W_out', 'W_rec', 'b_out'] as const) {
      np.isub(this.params[name], np.multiply(gparams[name], this.lr));
    }
    return this.cost(Y, y_vals);
  }

  predictions(X: Matrix): Matrix {
    return this.scan(X).y_vals;
  }

  /** Shapes of X, Y, h_vals, y_vals. */
  debug(X: Matrix, Y: Matrix): number[][] {
    const { h_vals, y_vals } = this.scan(X);
    return [X.shape, Y.shape, h_vals.shape, y_vals.shape];
  }

  /** y_vals as it meets Y: as it is, or without the dimension too many. */
  #against(y_vals: Matrix): Matrix {
    return this.costOf === 'broadcast' ? y_vals : y_vals.pick(null, 0);
  }
}

/** T.nnet.softmax of a vector (n): a matrix (1, n). */
function softmax(z: Matrix): Matrix {
  const e = np.exp(np.subtract(z, z.get(np.argmax(z))));
  return ndarray(np.divide(e, np.sum(e)).data, [1, z.size]);
}

export interface MinimalRnnOptions {
  print?: (line: string) => void;
  progress?: (done: number, total: number, of: string) => void;
  seed?: number;
  nb_epochs?: number;
  /** Compares each prediction with its own target. */
  corrected?: boolean;
}

export interface MinimalRnnResult {
  /** The summed cost of each epoch of the loop at the end. */
  errors: number[];
}

/** The notebook from top to bottom. */
export function run(options: MinimalRnnOptions = {}): MinimalRnnResult {
  const { print = () => {}, progress = () => {}, seed = 0, nb_epochs = 100, corrected = false } = options;
  const random = new RandomState(seed);
  const costOf = corrected ? 'elementwise' : 'broadcast';

  // In [11]
  const model = new Rnn(random, 7, 50, 7, 0.1, costOf);

  // In [12]: sequences of 100 elements and vector size 7
  const X = ndarray(random.uniform(-0.1, 0.1, 700), [100, 7]);
  const Y = ndarray(random.uniform(-0.1, 0.1, 700), [100, 7]);
  print(`[${model.debug(X, Y).map(intsRepr).join(', ')}]`);
  print(arrayRepr(model.predictions(X), true));

  // In [13]
  print(`array(${pyFloat(model.train(X, Y))})`);

  // In [14]: the notebook has no train_data and stops with a NameError; Reber words have 7 symbols and fit
  const train_data = getNExamples(random, 20).map(({ T, inputs, targets }) => [
    ndarray(inputs, [T, 7]),
    ndarray(targets, [T, 7]),
  ]);
  const errors: number[] = [];
  // stupid and naive sgd
  for (let x = 0; x < nb_epochs; x++) {
    let error = 0;
    for (let j = 0; j < train_data.length; j++) {
      const index = random.randint(0, train_data.length);
      const [i, o] = train_data[index];
      const train_cost = model.train(i, o);
      error += train_cost;
    }
    errors.push(error);
    if (x % 10 === 0) print(`epoch ${x} error: ${percentG(error, 12)}`);
    progress(x + 1, nb_epochs, 'epoch');
  }
  return { errors };
}
