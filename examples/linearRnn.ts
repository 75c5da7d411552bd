/**
 * Notebook 003, "RNN From Scratch": a linear net s_k = x_k·wx + s_{k-1}·wRec that learns to count the ones of a sequence.
 * Cell by cell and bit for bit, with the notebook's names; `np` is the corner of NumPy that it uses.
 */
import { RandomState } from 'bptt/tensor';
import * as np from 'bptt/tensor/numpy';
import { arrayRepr, pyFloat, pyShape } from './numpyPrint.ts';

type Matrix = np.Float64View;

/** The input that the notebook prints: 20 samples of 10 bits, drawn without a seed. */
const printedX = [
  [0, 0, 0, 1, 1, 0, 1, 1, 1, 1],
  [1, 1, 1, 0, 0, 0, 1, 1, 1, 1],
  [0, 0, 1, 0, 1, 0, 0, 0, 0, 0],
  [0, 1, 1, 1, 0, 1, 0, 0, 0, 0],
  [1, 0, 1, 0, 0, 1, 0, 1, 1, 0],
  [1, 0, 0, 1, 1, 0, 1, 1, 1, 1],
  [1, 0, 0, 0, 1, 1, 1, 1, 1, 0],
  [1, 0, 1, 0, 0, 1, 0, 1, 1, 0],
  [1, 1, 1, 0, 1, 0, 0, 1, 0, 0],
  [1, 1, 1, 1, 0, 0, 1, 0, 0, 1],
  [1, 1, 1, 0, 0, 0, 1, 1, 0, 0],
  [0, 1, 0, 1, 1, 0, 1, 0, 1, 0],
  [0, 1, 0, 1, 0, 1, 1, 1, 0, 0],
  [0, 1, 1, 1, 1, 1, 1, 1, 0, 0],
  [0, 1, 1, 0, 0, 1, 0, 0, 1, 1],
  [1, 1, 1, 0, 1, 1, 1, 0, 0, 0],
  [1, 1, 1, 0, 1, 0, 1, 0, 1, 0],
  [0, 1, 1, 1, 0, 1, 0, 1, 1, 1],
  [0, 0, 0, 0, 0, 0, 1, 0, 1, 0],
  [1, 0, 1, 1, 0, 1, 1, 1, 0, 1],
];

/** In [3]: X (m, sequence_len) of zeros and ones. */
export function createDataset(random: RandomState, m = 20, sequence_len = 10): Matrix {
  const X = np.zeros(m, sequence_len);
  for (let row_idx = 0; row_idx < m; row_idx++) {
    for (let k = 0; k < sequence_len; k++) X.set(row_idx, k, np.roundHalfEven(random.rand()));
  }
  return X;
}

/** In [3]: t (m) = np.sum(X, axis=1). */
export function targets(X: Matrix): Matrix {
  return np.array(Array.from({ length: X.shape[0] }, (_, row_idx) => np.sum(np.row(X, row_idx))));
}

/** In [7]: xk, sk (m) → the next state (m). */
export function update_state(xk: Matrix, sk: Matrix, wx: number, wRec: number): Matrix {
  return np.add(np.multiply(xk, wx), np.multiply(sk, wRec));
}

/** In [8]: X (m, len) → S (m, len+1); column 0 is the zero state, the last one the output. */
export function forward_states(X: Matrix, wx: number, wRec: number): Matrix {
  const S = np.zeros(X.shape[0], X.shape[1] + 1);
  for (let k = 0; k < X.shape[1]; k++) {
    np.copyto(np.column(S, k + 1), update_state(np.column(X, k), np.column(S, k), wx, wRec));
  }
  return S;
}

/** In [9]: mean squared error over the m samples. */
export function cost(y_hat: Matrix, y: Matrix): number {
  const error = np.subtract(y, y_hat);
  return np.sum(np.multiply(error, error)) / y.size;
}

/** In [34]: ∂cost/∂y_hat (m). */
export function output_gradient(y_hat: Matrix, y: Matrix): Matrix {
  return np.divide(np.multiply(2, np.subtract(y_hat, y)), y.size);
}

/** In [17]: [∂cost/∂wx, ∂cost/∂wRec] and grad_over_time (m, len+1), the gradient that reaches each state. */
export function backward_gradient(
  X: Matrix,
  S: Matrix,
  grad_out: Matrix,
  wRec: number,
): [W_grads: [wx_grad: number, wRec_grad: number], grad_over_time: Matrix] {
  const grad_over_time = np.zeros(X.shape[0], X.shape[1] + 1);
  np.copyto(np.column(grad_over_time, -1), grad_out);
  let wx_grad = 0;
  let wRec_grad = 0;
  for (let k = X.shape[1]; k > 0; k--) {
    const grad = np.column(grad_over_time, k);
    wx_grad += np.sum(np.multiply(grad, np.column(X, k - 1)));
    wRec_grad += np.sum(np.multiply(grad, np.column(S, k - 1)));
    np.copyto(np.column(grad_over_time, k - 1), np.multiply(grad, wRec));
  }
  return [[wx_grad, wRec_grad], grad_over_time];
}

export interface GradientCheck {
  numerical: number;
  backprop: number;
  isclose: boolean;
}

/** In [28]: central differences. `params` are changed and reset in place, up to rounding, as in the notebook. */
export function gradient_check(X: Matrix, t: Matrix, params: [number, number], eps = 1e-7): GradientCheck[] {
  const S = forward_states(X, params[0], params[1]);
  const grad_out = output_gradient(np.column(S, -1), t);
  const [backprop_grads] = backward_gradient(X, S, grad_out, params[1]);
  return params.map((_, p_idx) => {
    const grad_backprop = backprop_grads[p_idx];
    params[p_idx] += eps;
    const plus_cost = cost(np.column(forward_states(X, params[0], params[1]), -1), t);
    params[p_idx] -= 2 * eps;
    const min_cost = cost(np.column(forward_states(X, params[0], params[1]), -1), t);
    params[p_idx] += eps;
    const grad_num = (plus_cost - min_cost) / (2 * eps);
    return { numerical: grad_num, backprop: grad_backprop, isclose: np.isclose(grad_num, grad_backprop) };
  });
}

export interface RpropState {
  W: number[];
  W_delta: number[];
  W_sign: number[];
}

/** In [29]: new update values and signs, W_delta in place; there is no limit and no backtracking. Returns the gradient. */
export function update_rprop(X: Matrix, t: Matrix, state: RpropState, eta_p: number, eta_n: number): [number, number] {
  const { W, W_delta } = state;
  const S = forward_states(X, W[0], W[1]);
  const grad_out = output_gradient(np.column(S, -1), t);
  const [W_grads] = backward_gradient(X, S, grad_out, W[1]);
  const W_sign = W_grads.map(np.sign);
  for (let i = 0; i < W.length; i++) W_delta[i] *= W_sign[i] === state.W_sign[i] ? eta_p : eta_n;
  state.W_sign = W_sign;
  return W_grads;
}

export interface LinearRnnOptions {
  print?: (line: string) => void;
  progress?: (done: number, total: number) => void;
  /** Draws other inputs; without a seed X is the one the notebook prints. */
  seed?: number;
  iterations?: number;
  /** Shows the gradient that belongs to the code, where the notebook shows a stale one. */
  corrected?: boolean;
}

export interface LinearRnnResult {
  X: Matrix;
  t: Matrix;
  /** The weights before the first iteration and after each. */
  ls_of_ws: [wx: number, wRec: number][];
}

/** The notebook from top to bottom. */
export function run(options: LinearRnnOptions = {}): LinearRnnResult {
  const { print = () => {}, progress = () => {}, iterations = 10000, corrected = false } = options;

  const X = options.seed === undefined ? np.array(printedX) : createDataset(new RandomState(options.seed));
  const t = targets(X);
  print(pyShape(X.shape));
  print(arrayRepr(X));
  print(arrayRepr(t));

  // In [21]
  const S = forward_states(X, 1.2, 1.2);
  print(pyShape(S.shape));
  let grad_out = output_gradient(np.column(S, -1), t);
  // The cell ran before output_gradient was corrected, so the notebook shows the gradient with the opposite sign.
  if (!corrected) grad_out = np.negative(grad_out);
  print(pyShape(grad_out.shape));
  const [backprop_grads, grad_over_time] = backward_gradient(X, S, grad_out, 1.2);
  print(`(${backprop_grads.map(pyFloat).join(', ')}) ${pyShape(grad_over_time.shape)}`);

  // In [28]
  for (const { numerical, backprop, isclose } of gradient_check(X, t, [1.2, 1.2])) {
    if (isclose) continue;
    const [num, back] = [numerical.toFixed(6), backprop.toFixed(6)];
    print(`Numerical gradient of ${num} is not close to the backpropagation gradient of ${back}!`);
  }
  print('No gradient errors found'); // also where there were some

  // In [44]
  const eta_p = 1.2;
  const eta_n = 0.5;
  const state: RpropState = { W: [-10, 7], W_delta: [0.001, 0.001], W_sign: [0, 0] };
  const { W } = state;
  const ls_of_ws: [number, number][] = [[W[0], W[1]]];
  for (let i = 0; i < iterations; i++) {
    update_rprop(X, t, state, eta_p, eta_n);
    for (let j = 0; j < W.length; j++) W[j] -= state.W_sign[j] * state.W_delta[j];
    ls_of_ws.push([W[0], W[1]]);
    progress(i + 1, iterations);
  }
  print(`Final weights are: wx = ${pyFloat(W[0])},  wRec = ${pyFloat(W[1])}`);

  // In [32], [33], [35]
  for (const bits of ['011000010011', '011000011111', '000000000011']) {
    const test_inpt = np.array([Array.from(bits, Number)]);
    const test_outpt = np.column(forward_states(test_inpt, W[0], W[1]), -1);
    print(`Target output: ${np.sum(test_inpt)} vs Model output: ${test_outpt.get(0).toFixed(2)}`);
  }
  return { X, t, ls_of_ws };
}

/** The error surface behind the picture: cost at each pair of weights, [wRec.length, wx.length]. */
export function errorSurface(X: Matrix, t: Matrix, wx: readonly number[], wRec: readonly number[]): Float64Array {
  const surface = new Float64Array(wRec.length * wx.length);
  for (const [r, wr] of wRec.entries()) {
    for (const [c, w] of wx.entries()) surface[r * wx.length + c] = cost(np.column(forward_states(X, w, wr), -1), t);
  }
  return surface;
}
