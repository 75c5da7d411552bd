import { CharWindows, reberWord, wordToIds } from 'bptt/data';
import { RandomState } from 'bptt/tensor';
import type { Product, Sampling, Task, Tensors, Training } from './contender.ts';

export interface Workload {
  /** `W4-256` is one of the group `W4`. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly task: Task;
  /** Multiplications and additions of the matrix products of one unit of work. */
  readonly flops: number;
  /** How many units of work are done to see whether an engine does them right. */
  readonly checked: number;
  /** How far losses may be from those in float64, relative to them. */
  readonly tolerance?: number;
  /** Where the float64 TypeScript loops are too slow to run every time: what they gave. */
  readonly recordedLosses?: readonly number[];
  /** Weights and data, the same at every call. */
  tensors(): Tensors;
}

const SEED = 12345;

const W1: Training = {
  kind: 'training',
  cell: 'elman',
  D: 80,
  H: 100,
  V: 80,
  T: 25,
  B: 1,
  loss: 'softmaxCrossEntropy',
  reduction: 'sum',
  optimizer: 'adagrad',
  lr: 0.1,
  clip: 5,
  carry: true,
};

export const W2: Training = {
  kind: 'training',
  cell: 'elman',
  D: 98,
  H: 256,
  V: 98,
  T: 50,
  B: 32,
  loss: 'softmaxCrossEntropy',
  reduction: 'mean',
  optimizer: 'adam',
  lr: 0.002,
  clip: 5,
  carry: false,
};

const W3: Training = { ...W2, cell: 'lstm', H: 512, T: 64, B: 64 };

/** For a cell of the user's own beside the bundled one. */
const W3user: Training = { ...W2, cell: 'lstm' };

const W5: Training = {
  kind: 'training',
  cell: 'elman',
  D: 7,
  H: 10,
  V: 7,
  T: 12,
  B: 1,
  loss: 'sigmoidCrossEntropy',
  reduction: 'sum',
  optimizer: 'sgd',
  lr: 0.03,
  clip: 5,
  carry: false,
};

/** As defined for all engines and peers; ARCHITECTURE.md has the letters. */
export const WORKLOADS: readonly Workload[] = [
  {
    id: 'W1',
    title: 'min-char-rnn step: V 80, H 100, T 25, batch 1, Adagrad',
    unit: 'steps/s',
    task: W1,
    flops: trainingFlops(W1),
    // Adagrad's first updates move nearly every weight by 0.1: rounding is blown up from step to step, and float32 leaves
    // the path of float64 after six. Worst seen over four: 1e-5.
    checked: 4,
    tolerance: 1e-4,
    tensors: () => textTensors(W1, 8000, { input: 0.01, recurrent: 0.01, output: 0.01 }),
  },
  {
    id: 'W2',
    title: 'Elman over characters: V 98, H 256, T 50, batch 32, Adam',
    unit: 'steps/s',
    task: W2,
    flops: trainingFlops(W2),
    checked: 4,
    tolerance: 1e-5, // worst seen: 1.5e-6
    tensors: () => textTensors(W2, 16, { input: 0.05, recurrent: 0.05, output: 0.05 }),
  },
  {
    id: 'W3',
    title: 'LSTM over characters: V 98, H 512, T 64, batch 64, Adam',
    unit: 'steps/s',
    task: W3,
    flops: trainingFlops(W3),
    checked: 2,
    tolerance: 1e-5, // worst seen: 1.0e-6
    recordedLosses: [4.588830173727804, 4.440676818540996],
    tensors: () => textTensors(W3, 8, { input: 0.04, recurrent: 0.04, output: 0.04 }),
  },
  {
    id: 'W3user',
    title: 'an LSTM written by a user (formula, loops) and the bundled one: V 98, H 256, T 50, batch 32, Adam',
    unit: 'steps/s',
    task: W3user,
    flops: trainingFlops(W3user),
    checked: 2,
    tolerance: 1e-5, // worst seen: 6.1e-8
    tensors: () => textTensors(W3user, 8, { input: 0.04, recurrent: 0.04, output: 0.04 }),
  },
  ...[64, 128, 256, 512, 1024].map(productWorkload),
  {
    id: 'W5',
    title: 'tiny Elman 7-10-7 on Reber words of 12 steps, batch 1, SGD',
    unit: 'sequences/s',
    task: W5,
    flops: trainingFlops(W5),
    checked: 64,
    tolerance: 2e-5, // worst seen: 2.1e-6
    tensors: reberTensors,
  },
  // Weights so large that what is drawn depends on every number.
  samplingWorkload(
    'W6-rnn',
    'sampling from a tanh RNN, one character at a time: V 80, H 100',
    {
      kind: 'sampling',
      seed: SEED,
      cell: 'elman',
      H: 100,
      V: 80,
    },
    { input: 0.8, recurrent: 0.12, output: 0.2 },
  ),
  samplingWorkload(
    'W6-lstm',
    'sampling from an LSTM, one character at a time: V 98, H 512',
    {
      kind: 'sampling',
      seed: SEED,
      cell: 'lstm',
      H: 512,
      V: 98,
    },
    { input: 0.8, recurrent: 0.05, output: 0.2 },
  ),
];

/** Whether a name means that workload: its id, or its group. */
export function isNamed({ id }: Workload, name: string): boolean {
  return id === name || id.startsWith(`${name}-`);
}

/** Training on a text, with losses that differ little between two engines in float32. */
export function trainingWorkload(id: string, task: Training): Workload {
  const scales = { input: 0.02, recurrent: 0.02, output: 0.02 };
  return {
    id,
    title: id,
    unit: 'steps/s',
    task,
    flops: trainingFlops(task),
    checked: 2,
    tolerance: 1e-5,
    tensors: () => textTensors(task, 4, scales),
  };
}

function productWorkload(N: number): Workload {
  const task: Product = { kind: 'product', N };
  return {
    id: `W4-${N}`,
    title: `C = A·B, ${N} × ${N}`,
    unit: 'products/s',
    task,
    flops: 2 * N ** 3,
    checked: 1,
    tensors() {
      const rng = new RandomState(SEED);
      return { a: Float32Array.from(rng.randn(N * N)), b: Float32Array.from(rng.randn(N * N)) };
    },
  };
}

function samplingWorkload(id: string, title: string, task: Sampling, scales: Scales): Workload {
  const { cell, H, V } = task;
  return {
    id,
    title,
    unit: 'chars/s',
    task,
    flops: 2 * (gates(cell) * H * H + H * V),
    checked: 100,
    tensors() {
      const uniforms = new RandomState(task.seed).randomSample(20_000);
      return { ...weights(new RandomState(SEED + 1), { cell, D: V, H, V }, scales), uniforms };
    },
  };
}

/**
 * The products of a step, recurrent and output, and from layer to layer: forward, and twice that backward. Ids are looked
 * up, not multiplied.
 */
export function trainingFlops(
  { cell, H, V, T, B }: Pick<Training, 'cell' | 'H' | 'V' | 'T' | 'B'>,
  layers = 1,
): number {
  return 3 * 2 * T * B * ((2 * layers - 1) * gates(cell) * H * H + H * V);
}

function gates(cell: 'elman' | 'lstm'): number {
  return cell === 'lstm' ? 4 : 1;
}

/** Standard deviations of the weights. */
interface Scales {
  input: number;
  recurrent: number;
  output: number;
}

/** Normal weights, biases of zero but the LSTM's forget gate, which begins open at 1. */
function weights(
  rng: RandomState,
  { cell, D, H, V }: Pick<Training, 'cell' | 'D' | 'H' | 'V'>,
  { input, recurrent, output }: Scales,
): Tensors {
  const G = gates(cell);
  const randn = (n: number, scale: number): Float32Array => Float32Array.from(rng.randn(n), (x) => x * scale);
  const bias = new Float32Array(G * H);
  if (cell === 'lstm') bias.fill(1, H, 2 * H); // gates i, f, g, o
  return {
    weight_ih_l0: randn(G * H * D, input),
    weight_hh_l0: randn(G * H * H, recurrent),
    bias_ih_l0: bias,
    weight_ho: randn(V * H, output),
    bias_ho: new Float32Array(V),
  };
}

/** Weights, and windows of a text with something to learn: two likely successors of each symbol, and some noise. */
function textTensors(task: Training, batches: number, scales: Scales): Tensors {
  const { V, T, B } = task;
  const rng = new RandomState(SEED);
  const text = new Int32Array(batches * T * B + 1);
  for (let i = 1; i < text.length; i++) {
    const u = rng.randomSample();
    const s = text[i - 1];
    text[i] = u < 0.6 ? (s * 7 + 3) % V : u < 0.85 ? (s * 5 + 11) % V : Math.floor(rng.randomSample() * V);
  }
  const windows = new CharWindows(text, T, B);
  const inputs = new Int32Array(batches * T * B);
  const targets = new Int32Array(batches * T * B);
  for (let at = 0; at < inputs.length; at += T * B) {
    windows.next(inputs.subarray(at, at + T * B), targets.subarray(at, at + T * B));
  }
  return { ...weights(rng, task, scales), inputs, targets };
}

/** Weights, and 256 words of the Reber grammar with twelve transitions each. */
function reberTensors(): Tensors {
  const { T } = W5;
  const rng = new RandomState(SEED);
  const words: Int32Array[] = [];
  while (words.length < 256) {
    const word = wordToIds(reberWord(rng, T + 1));
    if (word.length === T + 1) words.push(word);
  }
  return {
    ...weights(rng, W5, { input: 0.3, recurrent: 0.3, output: 0.3 }),
    inputs: Int32Array.from(words.flatMap((word) => [...word.subarray(0, T)])),
    targets: Int32Array.from(words.flatMap((word) => [...word.subarray(1)])),
  };
}
