/**
 * Notebook 002, "char RNN with explicit loop": fixed windows without carried state, one-hot by row lookup, L2 on the three
 * matrices inside the loss, clipping after it, SGD; and the word-level net that its last heading announces. With the
 * notebook's names; where Theano derived gradients, `gradients` does it by hand. `np` is the corner of NumPy that is used.
 */
import {
  CharVocabulary,
  joinTokens,
  SENTENCE_END,
  SENTENCE_START,
  tokenizeWords,
  UNKNOWN,
  WordVocabulary,
} from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import { ndarray, outer } from 'bptt/tensor/ndarray';
import * as np from 'bptt/tensor/numpy';
import { percentG, pyFloat } from './numpyPrint.ts';

type Matrix = np.Float64View;

/** Wxh (D, H), Whh (H, H), bh (H), Why (H, D), by (D). */
export interface Params {
  Wxh: Matrix;
  Whh: Matrix;
  bh: Matrix;
  Why: Matrix;
  by: Matrix;
}

const names = ['Wxh', 'Whh', 'bh', 'Why', 'by'] as const;

/** In [113]: gaussian, scaled down by the square root of the number of inputs. */
export function init_params(random: RandomState, D: number, H: number): Params {
  const randn = (rows: number, columns: number): Matrix =>
    np.divide(ndarray(random.randn(rows * columns), [rows, columns]), Math.sqrt(rows));
  return {
    Wxh: randn(D, H),
    Whh: randn(H, H),
    bh: np.zeros(H),
    Why: randn(H, D),
    by: np.zeros(D),
  };
}

/** In [113]: x (L) → states hs (H) and probabilities probs (D) of each step. No state is carried between windows. */
export function forward(params: Params, x: ArrayLike<number>): { hs: Matrix[]; probs: Matrix[] } {
  const { Wxh, Whh, bh, Why, by } = params;
  const L = x.length;
  const hs: Matrix[] = new Array(L + 1);
  const probs: Matrix[] = new Array(L);
  hs[L] = np.zerosLike(bh); // hs[-1], the last slot: the constant zero state, which the loop never overwrites
  for (let i = 0; i < L; i++) {
    // Whh times a column here, but a row times Why below
    hs[i] = np.tanh(np.add(np.row(Wxh, x[i]), np.dot(Whh, hs.at(i - 1)!), bh));
    probs[i] = softmax(np.add(np.dot(hs[i], Why), by));
  }
  return { hs, probs };
}

function softmax(z: Matrix): Matrix {
  const e = np.exp(np.subtract(z, z.get(np.argmax(z))));
  return np.divide(e, np.sum(e));
}

export interface Loss {
  loss: number;
  data_loss: number;
  reg_loss: number;
}

/** In [113]: loss = data_loss + lmbda * reg_loss; biases are not penalized. */
export function loss_of(params: Params, probs: Matrix[], y: ArrayLike<number>, lmbda: number): Loss {
  const { Wxh, Whh, Why } = params;
  let data_loss = 0;
  for (let i = 0; i < probs.length; i++) data_loss += -Math.log(probs[i].get(y[i]));
  const reg_loss = [Wxh, Whh, Why].reduce((total, W) => total + np.sum(np.multiply(W, W)), 0);
  return { loss: data_loss + lmbda * reg_loss, data_loss, reg_loss };
}

/** T.grad of the loss, not clipped. x, y (L). */
export function gradients(
  params: Params,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  lmbda: number,
): Loss & { grads: Params } {
  const { Wxh, Whh, Why } = params;
  const { hs, probs } = forward(params, x);
  const grads: Params = {
    Wxh: np.multiply(Wxh, 2 * lmbda),
    Whh: np.multiply(Whh, 2 * lmbda),
    bh: np.zerosLike(params.bh),
    Why: np.multiply(Why, 2 * lmbda),
    by: np.zerosLike(params.by),
  };
  let dh_next = np.zerosLike(params.bh);
  for (let i = x.length - 1; i >= 0; i--) {
    const da = np.copy(probs[i]);
    da.set(y[i], da.get(y[i]) - 1); // through softmax and logarithm
    outer(grads.Why, hs[i], da, true); // +=
    np.iadd(grads.by, da);
    const dh = np.add(np.dot(Why, da), dh_next);
    const dr = np.multiply(dh, np.subtract(1, np.multiply(hs[i], hs[i]))); // through tanh
    np.iadd(np.row(grads.Wxh, x[i]), dr);
    outer(grads.Whh, dr, hs.at(i - 1)!, true);
    np.iadd(grads.bh, dr);
    dh_next = np.dot(np.T(Whh), dr);
  }
  return { ...loss_of(params, probs, y, lmbda), grads };
}

/** In [113]: one step of SGD on gradients clipped to ±5; returns the loss before it. */
export function train_on_seq(
  params: Params,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  { lr = 0.01, lmbda = 0.01 } = {},
): number {
  const { loss, grads } = gradients(params, x, y, lmbda);
  for (const name of names) {
    np.clipInPlace(grads[name], -5, 5);
    np.isub(params[name], np.multiply(grads[name], lr));
  }
  return loss;
}

/** In [113]: the probabilities (D) after the last character. */
export function predict_prob(params: Params, x: ArrayLike<number>): Matrix {
  return forward(params, x).probs.at(-1)!;
}

export function predict(params: Params, x: ArrayLike<number>): number {
  return np.argmax(predict_prob(params, x));
}

export interface Window {
  iseq: number;
  /** Where the window begins, and where the next one will. */
  start: number;
  ichar: number;
  loss: number;
  /** Set at the end of a pass: its number and the mean loss that the notebook prints. */
  iteration?: number;
  mean?: number;
}

export interface TrainOptions {
  L?: number;
  lr?: number;
  lmbda?: number;
  /** Divides by the number of windows that ran; the notebook divides by N/L, one more, so its mean is low. */
  corrected?: boolean;
}

/** In [115], [107]: windows of L over the first N characters, again and again, `windows` in all. */
export function* train(
  params: Params,
  data: Int32Array,
  N: number,
  windows: number,
  options: TrainOptions = {},
): Generator<Window> {
  const { L = 25, corrected = false } = options;
  let ichar = 0;
  let iteration = 0;
  let total_loss = 0;
  let ran = 0;
  for (let iseq = 0; iseq < windows; iseq++) {
    const start = ichar;
    const xval = data.subarray(ichar, ichar + L);
    const yval = data.subarray(ichar + 1, ichar + 1 + L);
    const loss = train_on_seq(params, xval, yval, options);
    total_loss += loss;
    ran++;
    ichar += L;
    if (ichar + 1 + L >= N) {
      ichar = 0;
      iteration++;
      yield { iseq, start, ichar, loss, iteration, mean: total_loss / (corrected ? ran : N / L) };
      total_loss = 0;
      ran = 0;
    } else {
      yield { iseq, start, ichar, loss };
    }
  }
}

export interface Words {
  vocabulary: WordVocabulary;
  /** Ids of one sentence each, `<s>` first, `</s>` last. */
  sentences: Int32Array[];
}

/** The announced word-level net reads whole sentences; words that are not among the most frequent ones are `<unk>`. */
export function read_words(text: string, maxSize: number): Words {
  const tokens = tokenizeWords(text);
  const vocabulary = WordVocabulary.fromTokens(tokens, { maxSize });
  const sentences: Int32Array[] = [];
  for (let end = tokens.indexOf(SENTENCE_END), begin = 0; end >= 0; end = tokens.indexOf(SENTENCE_END, begin)) {
    sentences.push(vocabulary.encode(tokens.slice(begin, end + 1)));
    begin = end + 1;
  }
  return { vocabulary, sentences };
}

/** A sentence from the net, without `<s>` and `</s>`; `<unk>` is never drawn. */
export function sample_sentence(
  params: Params,
  random: RandomState,
  { words }: WordVocabulary,
  longest = 30,
): string[] {
  const { Wxh, Whh, bh, Why, by } = params;
  const sentence: string[] = [];
  let h = np.zerosLike(bh);
  let id = words.indexOf(SENTENCE_START);
  while (sentence.length < longest) {
    h = np.tanh(np.add(np.row(Wxh, id), np.dot(Whh, h), bh));
    const p = softmax(np.add(np.dot(h, Why), by));
    for (const never of [UNKNOWN, SENTENCE_START]) p.set(words.indexOf(never), 0);
    id = random.choice(words.length, { p: np.divide(p, np.sum(p)).data });
    if (words[id] === SENTENCE_END) break;
    sentence.push(words[id]);
  }
  return sentence;
}

export interface CharRnnL2Options {
  /** The text to learn. */
  text: string;
  print?: (line: string) => void;
  progress?: (done: number, total: number, of: string) => void;
  seed?: number;
  /** Windows of the full text; by default one pass where the notebook makes ten. 0 leaves the full text out. */
  windows?: number;
  /** Sentences that the word-level net reads; by default each once. 0 leaves it out. */
  sentences?: number;
  corrected?: boolean;
}

export interface CharRnnL2Result {
  /** The loss of each window and the means of the passes, on 1000 characters. */
  overfit_losses: number[];
  overfit_means: number[];
  /** The loss of each window on the full text. */
  losses: number[];
  /** Nats a word of each sentence. */
  word_losses: number[];
}

/** The notebook from top to bottom. */
export function run(options: CharRnnL2Options): CharRnnL2Result {
  const { text, print = () => {}, progress = () => {}, seed = 2, corrected = false } = options;
  const random = new RandomState(seed);
  const L = 25; // window length
  const H = 100; // hidden dimension

  // In [3]: Python's set has an order of its own in every run
  const vocabulary = CharVocabulary.fromText(text);
  const data = vocabulary.encode(text);
  const D = vocabulary.size;
  print(`${D} ${data.length}`);

  // In [114]: test initialization, which is also a step of training. The notebook's copy of the text had 98 characters
  const params = init_params(random, D, H);
  const zeros = new Int32Array(L);
  for (const size of new Set([98, D])) {
    const loss = train_on_seq(size === D ? params : init_params(random, size, H), zeros, zeros);
    print(`([array(${pyFloat(loss)})], ${pyFloat(-Math.log(1 / size) * L)})`);
  }

  // In [115]: overfit a small dataset
  const N = Math.min(1000, data.length);
  const overfit_losses: number[] = [];
  const overfit_means: number[] = [];
  const show = ({ iteration, iseq, ichar, mean }: Window): void =>
    print(`iteration=${iteration}, iseq=${iseq}, ichar=${ichar}, loss=${percentG(mean!)}`);
  for (const window of train(params, data, N, Math.floor((10 * N) / L), { L, corrected })) {
    overfit_losses.push(window.loss);
    if (window.mean === undefined) continue;
    overfit_means.push(window.mean);
    show(window);
  }

  // In [107]: the full text, on from there
  const pass = Math.floor((data.length - 2) / L);
  const { windows = pass } = options;
  const losses: number[] = [];
  for (const window of train(params, data, data.length, windows, { L, corrected })) {
    losses.push(window.loss);
    if (window.mean !== undefined) show(window);
    progress(window.iseq + 1, windows, 'window of the full text');
  }

  // The heading without a cell: word RNN
  const words = read_words(text, 1000);
  const { sentences = words.sentences.length } = options;
  const word_losses: number[] = [];
  const word_params = init_params(random, words.vocabulary.size, 50);
  for (let n = 0; n < sentences; n++) {
    const sentence = words.sentences[random.randint(words.sentences.length)];
    const [x, y] = [sentence.subarray(0, -1), sentence.subarray(1)];
    // with so few steps larger ones, and less decay
    const { data_loss, grads } = gradients(word_params, x, y, 1e-4);
    for (const name of names) {
      np.clipInPlace(grads[name], -5, 5);
      np.isub(word_params[name], np.multiply(grads[name], 0.02));
    }
    word_losses.push(data_loss / y.length);
    progress(n + 1, sentences, 'sentence');
  }
  if (sentences > 0) {
    const known = words.vocabulary;
    print(`${known.size} words, ${words.sentences.length} sentences`);
    const last = word_losses.slice(-1000);
    print(`nats a word over the last ${last.length} sentences: ${percentG(np.mean(np.array(last)))}`);
    for (let n = 0; n < 10; n++) print(joinTokens(sample_sentence(word_params, random, known)));
  }
  return { overfit_losses, overfit_means, losses, word_losses };
}
