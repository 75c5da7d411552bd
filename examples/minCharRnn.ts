/**
 * Notebook 004, second part: min-char-rnn, which learns a text character by character. With the notebook's names, its random
 * stream and its order of characters; `np` is the corner of NumPy that it uses.
 */
import { CharVocabulary } from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import { matmulNT, ndarray } from 'bptt/tensor/ndarray';
import * as np from 'bptt/tensor/numpy';
import { drawFirstPart } from './binaryAddition.ts';
import { arrayStr } from './numpyPrint.ts';

type Matrix = np.Float64View;

/** Wxh (H, V), Whh (H, H), Why (V, H), bh (H, 1), by (V, 1). */
export interface Model {
  Wxh: Matrix;
  Whh: Matrix;
  Why: Matrix;
  bh: Matrix;
  by: Matrix;
}

/** In [25], [27]: what the notebook's text holds, in the order in which Python's set gave its characters. */
const printed = {
  chars: `bm/4T(pQeKM-tguINzfGs?6JUal;PqBRjS0) ,"ç!hWk5:x9i'c$w.FVYAd1ECo\n7r8D*yvOn@X3HL2%`,
  data_size: 137628,
  beginning: 'One morning, when Gregor S',
};

/** In [None], [31]: small random weights, zero biases. */
export function init_model(random: RandomState, vocab_size: number, hidden_size = 100, scale = 0.01): Model {
  const randn = (rows: number, columns: number): Matrix =>
    np.multiply(ndarray(random.randn(rows * columns), [rows, columns]), scale);
  return {
    Wxh: randn(hidden_size, vocab_size), // input to hidden
    Whh: randn(hidden_size, hidden_size), // hidden to hidden
    Why: randn(vocab_size, hidden_size), // hidden to output
    bh: np.zeros(hidden_size, 1),
    by: np.zeros(vocab_size, 1),
  };
}

export interface Loss {
  loss: number;
  dWxh: Matrix;
  dWhh: Matrix;
  dWhy: Matrix;
  dbh: Matrix;
  dby: Matrix;
  /** The state after the last character (H, 1). */
  hprev: Matrix;
  /** States, unnormalized log probabilities and probabilities at each step. */
  hs: Matrix[];
  ys: Matrix[];
  ps: Matrix[];
}

export interface LossOptions {
  /** Adds the line `dby += dy`, which the notebook lacks: its output bias never learns. */
  withDby?: boolean;
  /** The notebook clips inside; a gradient check wants the bare gradients. */
  clip?: boolean;
}

/** In [45]: forward and backward through one chunk. hprev (H, 1) is left as it is. */
export function lossFun(
  model: Model,
  inputs: ArrayLike<number>,
  targets: ArrayLike<number>,
  hprev: Matrix,
  { withDby = false, clip = true }: LossOptions = {},
): Loss {
  const { Wxh, Whh, Why, bh, by } = model;
  const vocab_size = by.shape[0];
  const xs: Matrix[] = []; // one-hot inputs (V, 1)
  const hs: Matrix[] = []; // hidden states (H, 1)
  const ys: Matrix[] = []; // unnormalized log probabilities (V, 1)
  const ps: Matrix[] = []; // probabilities (V, 1)
  const hs_before = (t: number): Matrix => (t === 0 ? hprev : hs[t - 1]); // hs[t-1] with hs[-1] = hprev
  let loss = 0;

  // forward pass
  for (let t = 0; t < inputs.length; t++) {
    xs[t] = np.zeros(vocab_size, 1);
    xs[t].set(inputs[t], 0, 1);
    hs[t] = np.tanh(np.add(np.dot(Wxh, xs[t]), np.dot(Whh, hs_before(t)), bh)); // hidden state
    ys[t] = np.add(np.dot(Why, hs[t]), by); // unnormalized log probabilities for next chars
    ps[t] = np.divide(np.exp(ys[t]), np.sum(np.exp(ys[t]))); // probabilities for next chars; no maximum is taken off
    loss += -Math.log(ps[t].get(targets[t], 0)); // softmax (cross-entropy loss)
  }

  // backward pass: compute gradients going backwards
  const dWxh = np.zerosLike(Wxh);
  const dWhh = np.zerosLike(Whh);
  const dWhy = np.zerosLike(Why);
  const dbh = np.zerosLike(bh);
  const dby = np.zerosLike(by);
  let dhnext = np.zerosLike(bh);
  for (let t = inputs.length - 1; t >= 0; t--) {
    const dy = np.copy(ps[t]);
    dy.set(targets[t], 0, dy.get(targets[t], 0) - 1); // backprop into y
    matmulNT(dWhy, dy, hs[t], true); // dWhy += np.dot(dy, hs[t].T)
    if (withDby) np.iadd(dby, dy); // the line that the notebook lacks
    const dh = np.add(np.dot(np.T(Why), dy), dhnext); // backprop into h
    const dhraw = np.multiply(np.subtract(1, np.multiply(hs[t], hs[t])), dh); // backprop into tanh nonlinearity
    np.iadd(dbh, dhraw);
    matmulNT(dWxh, dhraw, xs[t], true);
    matmulNT(dWhh, dhraw, hs_before(t), true);
    dhnext = np.dot(np.T(Whh), dhraw);
  }
  if (clip) {
    for (const dparam of [dWxh, dWhh, dWhy, dbh, dby]) np.clipInPlace(dparam, -5, 5); // mitigate exploding gradients
  }
  return { loss, dWxh, dWhh, dWhy, dbh, dby, hprev: hs.at(-1) ?? hprev, hs, ys, ps };
}

/** In [46]: n characters, each drawn from what the net predicts after the last; seed_ix is the one before the first. */
export function sample(model: Model, random: RandomState, h: Matrix, seed_ix: number, n: number): number[] {
  const { Wxh, Whh, Why, bh, by } = model;
  const vocab_size = by.shape[0];
  let x = np.zeros(vocab_size, 1);
  x.set(seed_ix, 0, 1);
  const ixes: number[] = [];
  for (let t = 0; t < n; t++) {
    h = np.tanh(np.add(np.dot(Wxh, x), np.dot(Whh, h), bh));
    const y = np.add(np.dot(Why, h), by); // unnormalized output
    const p = np.divide(np.exp(y), np.sum(np.exp(y))); // probabilities for next chars
    const ix = random.choice(vocab_size, { p: p.data });
    x = np.zeros(vocab_size, 1);
    x.set(ix, 0, 1);
    ixes.push(ix);
  }
  return ixes;
}

/** In [48]: Adagrad, `mem` and the parameters in place. */
export function adagrad(model: Model, grads: Loss, memory: Model, learning_rate: number): void {
  const triples: [param: Matrix, dparam: Matrix, mem: Matrix][] = [
    [model.Wxh, grads.dWxh, memory.Wxh],
    [model.Whh, grads.dWhh, memory.Whh],
    [model.Why, grads.dWhy, memory.Why],
    [model.bh, grads.dbh, memory.bh],
    [model.by, grads.dby, memory.by],
  ];
  for (const [param, dparam, mem] of triples) {
    np.iadd(mem, np.multiply(dparam, dparam));
    np.iadd(param, np.divide(np.multiply(-learning_rate, dparam), np.sqrt(np.add(mem, 1e-8))));
  }
}

/** Zeros like the parameters: Adagrad's memory before the first step. */
export function zerosLikeModel({ Wxh, Whh, Why, bh, by }: Model): Model {
  return {
    Wxh: np.zerosLike(Wxh),
    Whh: np.zerosLike(Whh),
    Why: np.zerosLike(Why),
    bh: np.zerosLike(bh),
    by: np.zerosLike(by),
  };
}

export interface Step {
  /** Iteration and where in the data its chunk begins. */
  n: number;
  p: number;
  inputs: Int32Array;
  /** The state after the chunk (H, 1). */
  hprev: Matrix;
  reset: boolean;
  loss: number;
  smooth_loss: number;
  memory: Model;
}

export interface TrainOptions extends LossOptions {
  seq_length?: number;
  learning_rate?: number;
}

/**
 * In [48]: the loop, which never ends by itself. Each step comes between gradient and update, where the notebook prints and
 * samples; asking for the next step makes the update.
 */
export function* train(model: Model, data: Int32Array, options: TrainOptions = {}): Generator<Step, never> {
  const { seq_length = 25, learning_rate = 1e-1 } = options;
  const vocab_size = model.by.shape[0];
  const memory = zerosLikeModel(model);
  let smooth_loss = -Math.log(1 / vocab_size) * seq_length; // loss at iteration 0
  let hprev = np.zerosLike(model.bh);
  for (let n = 0, p = 0; ; n++) {
    const reset = p + seq_length + 1 > data.length || n === 0;
    if (reset) {
      hprev = np.zerosLike(model.bh); // reset RNN memory
      p = 0; // go from start of data
    }
    const inputs = data.subarray(p, p + seq_length);
    const targets = data.subarray(p + 1, p + seq_length + 1);

    // forward seq_length chars through the net & fetch gradients
    const grads = lossFun(model, inputs, targets, hprev, options);
    hprev = grads.hprev;
    smooth_loss = smooth_loss * 0.999 + grads.loss * 0.001;
    yield { n, p, inputs, hprev, reset, loss: grads.loss, smooth_loss, memory };

    // perform parameter update w/ Adagrad
    adagrad(model, grads, memory, learning_rate);
    p += seq_length; // move data pointer
  }
}

export interface MinCharRnnOptions {
  print?: (line: string) => void;
  progress?: (done: number, total: number) => void;
  /** The text to learn. Without it the run ends at iteration 0, for which the notebook shows the characters. */
  text?: string;
  seed?: number;
  iterations?: number;
  /** Adds the missing `dby += dy`. */
  corrected?: boolean;
}

export interface MinCharRnnResult {
  /** Of each iteration. */
  losses: number[];
  smooth_losses: number[];
}

/** The notebook from top to bottom. */
export function run(options: MinCharRnnOptions = {}): MinCharRnnResult {
  const { print = () => {}, progress = () => {}, text, seed = 0, corrected = false } = options;
  const iterations = text === undefined ? 0 : (options.iterations ?? 4000);

  // np.random goes on where the first part left it
  const random = new RandomState(seed);
  drawFirstPart(random);

  // In [25], [27]: list(set(data)) has an order of its own in every run of Python; the printed one is used where it fits
  const vocabulary = vocabularyOf(text);
  const data = vocabulary.encode(text ?? printed.beginning);
  const vocab_size = vocabulary.size;
  print(`data has ${text === undefined ? printed.data_size : data.length} chars, ${vocab_size} unique`);
  const entries = vocabulary.chars.map((ch, i) => [pyString(ch), i]);
  print(`{${entries.map(([ch, i]) => `${ch}: ${i}`).join(', ')}}`);
  print(`{${entries.map(([ch, i]) => `${i}: ${ch}`).join(', ')}}`);

  // In [29]
  const seed_ix = vocabulary.has('a') ? vocabulary.encode('a')[0] : 0;
  const vector_for_char_a = np.zeros(vocab_size);
  vector_for_char_a.set(seed_ix, 1);
  print(arrayStr(vector_for_char_a));

  // In [32], [None], [31]
  const hidden_size = 100;
  const seq_length = 25;
  const model = init_model(random, vocab_size, hidden_size);

  // In [46]
  const show = (ixes: number[]): void => print(`----\n ${vocabulary.decode(ixes)} \n----`);
  const hprev = np.zeros(hidden_size, 1); // reset RNN memory
  sample(model, random, hprev, seed_ix, 200); // the cell ran twice; its first output is lost
  show(sample(model, random, hprev, seed_ix, 200)); // predict the 200 next characters given 'a'

  // In [47]
  print(`inputs [${data.subarray(0, seq_length).join(', ')}]`);
  print(`targets [${data.subarray(1, seq_length + 1).join(', ')}]`);

  // In [48]
  const losses: number[] = [];
  const smooth_losses: number[] = [];
  for (const step of train(model, data, { seq_length, withDby: corrected })) {
    losses.push(step.loss);
    smooth_losses.push(step.smooth_loss);

    // sample from the model now & then
    if (step.n % 1000 === 0) {
      print(`iter ${step.n}, loss ${step.smooth_loss.toFixed(6)}`); // print progress
      show(sample(model, random, step.hprev, step.inputs[0], 200));
    }
    progress(step.n, iterations);
    if (step.n >= iterations) break;
  }
  return { losses, smooth_losses };
}

function vocabularyOf(text: string | undefined): CharVocabulary {
  const known = new CharVocabulary(printed.chars);
  if (text === undefined) return known;
  const own = CharVocabulary.fromText(text, 'sorted');
  return own.size === known.size && own.chars.every((ch) => known.has(ch)) ? known : own;
}

/** `repr(ch)` of one character. */
function pyString(ch: string): string {
  const escaped: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };
  return ch === "'" ? `"'"` : `'${escaped[ch] ?? ch}'`;
}
