/**
 * Where notebook 001 ends: "a solution for this problem is the LSTM". Embedded Reber words, whose last symbol but one
 * repeats the second one, learned through the library by gated cells and by the Elman net: batches of words of different
 * lengths, Adam, the gradient clipped by its norm.
 */
import { type CellName, CpuTrainer, initialParameters, tsEngine } from 'bptt';
import { embeddedNextSymbols, embeddedReberWord, REBER_SYMBOLS, wordToIds } from 'bptt/data';
import { adam } from 'bptt/optim';
import { RandomState } from 'bptt/tensor';

const V = REBER_SYMBOLS.length;
const T_SYMBOL = REBER_SYMBOLS.indexOf('T');
const P_SYMBOL = REBER_SYMBOLS.indexOf('P');

export interface EmbeddedReberOptions {
  cell: CellName;
  /** Updates, of one batch each. */
  updates: number;
  seed?: number;
  hidden?: number;
  batch?: number;
  progress?: (done: number, total: number, metrics: { loss: number }) => void;
}

export interface EmbeddedReberResult {
  cell: CellName;
  /** The mean cross-entropy of each update. */
  losses: Float64Array;
  /** Of how many fresh words the embedded symbol was right, and how many there were. */
  right: number;
  words: number;
  /** By how many steps back: the length of the gradient of the embedded symbol's loss that reaches a state, a geometric mean. */
  gradientBack: number[];
}

/** Words longer than this are drawn again, so that a window has an end. */
const LONGEST = 48;
/** Fresh words have inner words of at least this length. */
const INNER = 10;

/** Trains one cell and asks it for the embedded symbol of 1000 fresh words. */
export function run(options: EmbeddedReberOptions): EmbeddedReberResult {
  const { cell, updates, seed = 0, hidden = 20, batch: B = 40, progress } = options;
  const rng = new RandomState(seed);
  const trainer = new CpuTrainer(
    tsEngine('float32'),
    {
      cell,
      inputSize: V,
      hiddenSize: hidden,
      outputSize: V,
      initialState: 'learned',
      loss: 'sigmoidCrossEntropy',
      reduction: 'mean',
    },
    { steps: LONGEST, batch: B, optimizer: adam({ lr: 0.01 }), clip: { norm: 1 } },
  );
  const weights = initialParameters(trainer.spec, 'float32', 'orthogonal', rng);
  for (const [name, values] of Object.entries(weights)) trainer.model.parameters.get(name)!.set(values);
  const losses = new Float64Array(updates);
  for (let n = 0; n < updates; n++) {
    // Short gaps too: what bridges a short one is then stretched over longer ones.
    const words = draw(rng, B, rng.randint(INNER + 1));
    losses[n] = trainer.update(batchOf(words, B));
    progress?.(n + 1, updates, { loss: losses[n] });
  }
  return { cell, losses, ...ask(trainer, new RandomState(seed + 1), B) };
}

function draw(rng: RandomState, count: number, inner: number): string[] {
  const words: string[] = [];
  while (words.length < count) {
    const word = embeddedReberWord(rng, inner);
    if (word.length <= LONGEST) words.push(word);
  }
  return words;
}

/** Words side by side: inputs [T,B], targets [T,B,V] with a 1 for each symbol that may come next, and their lengths. */
function batchOf(
  words: readonly string[],
  B: number,
): { inputs: Int32Array; targets: Float32Array; lengths: number[] } {
  const T = Math.max(...words.map((word) => word.length)) - 1;
  const inputs = new Int32Array(T * B);
  const targets = new Float32Array(T * B * V);
  words.forEach((word, b) => {
    const next = embeddedNextSymbols(word);
    wordToIds(word.slice(0, -1)).forEach((id, t) => {
      inputs[t * B + b] = id;
      for (const symbol of next[t]) targets[(t * B + b) * V + REBER_SYMBOLS.indexOf(symbol)] = 1;
    });
  });
  return { inputs, targets, lengths: words.map((word) => word.length - 1) };
}

/** The embedded symbol of 1000 fresh words, and how far back the gradient of its loss is felt. */
function ask(
  trainer: CpuTrainer,
  rng: RandomState,
  B: number,
): Pick<EmbeddedReberResult, 'right' | 'words' | 'gradientBack'> {
  const words = draw(rng, 1000, INNER);
  const logs: number[] = [];
  let right = 0;
  for (let from = 0; from + B <= words.length; from += B) {
    const some = words.slice(from, from + B);
    const { inputs, targets, lengths } = batchOf(some, B);
    // Only the loss at the embedded symbol, the last target but one.
    const lossWeights = new Float32Array(inputs.length);
    some.forEach((_, b) => {
      lossWeights[(lengths[b] - 2) * B + b] = 1;
    });
    trainer.lossAndGradients({ inputs, targets, lengths, lossWeights });
    const outputs = trainer.model.outputs();
    some.forEach((word, b) => {
      const at = ((lengths[b] - 2) * B + b) * V;
      const says = outputs[at + T_SYMBOL] > outputs[at + P_SYMBOL] ? 'T' : 'P';
      if (says === word[1]) right++;
    });
    addGradients(logs, trainer, lengths, B);
  }
  const asked = words.length - (words.length % B);
  return { right, words: asked, gradientBack: logs.map((sum) => Math.exp(sum / asked)) };
}

/** Adds, for each number of steps back, the logarithm of the length of the gradient that reached that state. */
function addGradients(logs: number[], trainer: CpuTrainer, lengths: readonly number[], B: number): void {
  const H = trainer.spec.hiddenSize;
  const dh = trainer.model.stack.recurrence(trainer.model.window, 0).dh;
  lengths.forEach((length, b) => {
    for (let back = 0; back <= INNER; back++) {
      const row = ((length - 2 - back) * B + b) * H;
      logs[back] = (logs[back] ?? 0) + Math.log(Math.hypot(...dh.subarray(row, row + H)));
    }
  });
}
