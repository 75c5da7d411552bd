import { sineData } from '../src/data/sine.ts';
import { createTrainer, type ModelSpec, type TrainerOptions, type TrainingBatch } from '../src/index.ts';
import { adagrad, adam, cosineDecay, rmsprop, sgd, stepDecay } from '../src/optim/index.ts';
import { RandomState } from '../src/tensor/random.ts';
import type { Dtype } from '../src/tensor/shape.ts';

/*
 * Short training runs, to see whether a host gives the bits that it should. Nothing here asks for Node, so that a page may
 * run them too.
 */

interface Run {
  spec: ModelSpec;
  options: TrainerOptions & { init?: 'minCharRnn' | 'torch' | 'orthogonal' };
  /** The batch of update n. */
  batch(n: number, dtype: Dtype): TrainingBatch;
}

/** [T,B] symbols below V, the same ones each time that n comes round. */
function symbols(n: number, T: number, B: number, V: number): { inputs: Int32Array; targets: Int32Array } {
  const ids = new RandomState(n % 7).randint(0, V, (T + 1) * B);
  return { inputs: Int32Array.from(ids.slice(0, T * B)), targets: Int32Array.from(ids.slice(B)) };
}

function floats(dtype: Dtype, values: ArrayLike<number>): Float32Array | Float64Array {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}

/** Between them they go through every exponential and logarithm, random stream and schedule. */
const RUNS: Readonly<Record<string, Run>> = {
  'min-char-rnn': {
    spec: { cell: 'elman', inputSize: 13, hiddenSize: 21, outputSize: 13, loss: 'softmaxCrossEntropy' },
    options: { steps: 10, batch: 1, optimizer: adagrad({ lr: 0.1 }), clip: { value: 5 }, init: 'minCharRnn' },
    batch: (n) => ({ ...symbols(n, 10, 1, 13), carry: n > 0 }),
  },
  'two layers of LSTM with dropout': {
    spec: {
      cell: 'lstm',
      inputSize: 9,
      hiddenSize: 11,
      outputSize: 9,
      layers: 2,
      dropout: 0.2,
      loss: 'softmaxCrossEntropy',
      reduction: 'mean',
    },
    options: { steps: 7, batch: 5, optimizer: adam({ lr: cosineDecay(0.03, 40, 0.001) }), clip: { norm: 1 }, l2: 1e-4 },
    batch: (n) => ({ ...symbols(n, 7, 5, 9), lengths: [7, 3, 5, 7, 1] }),
  },
  'GRU on sines, both directions': {
    spec: {
      cell: 'gru',
      input: 'dense',
      inputSize: 2,
      hiddenSize: 6,
      outputSize: 2,
      bidirectional: true,
      initialState: 'learned',
      loss: 'squaredError',
    },
    options: { steps: 32, batch: 2, optimizer: rmsprop({ lr: stepDecay(0.01, 10, 0.7) }), init: 'torch' },
    batch(_, dtype) {
      const { S, T } = sineData(0.2, 'time-first');
      return { inputs: floats(dtype, S), targets: floats(dtype, T) };
    },
  },
  'every layer around the recurrence': {
    spec: {
      ...{ cell: 'gru', inputSize: 9, hiddenSize: 6, outputSize: 9, layers: 2, loss: 'softmaxCrossEntropy' },
      ...{ embedding: { size: 5, tied: true }, inputDense: { size: 6, activation: 'tanh' }, layerNorm: true },
      ...{ residual: 'all', outputDense: { size: 5, activation: 'sigmoid' } },
      dropout: { input: 0.1, between: 0.2, output: 0.3 },
    },
    options: { steps: 7, batch: 5, optimizer: adam({ lr: 0.01 }), clip: { norm: 1 } },
    batch: (n) => ({ ...symbols(n, 7, 5, 9), lengths: [7, 3, 5, 7, 1] }),
  },
  'logistic units, yes or no': {
    spec: {
      cell: 'elman',
      nonlinearity: 'sigmoid',
      inputSize: 4,
      hiddenSize: 8,
      outputSize: 3,
      loss: 'sigmoidCrossEntropy',
      lossAt: 'last',
    },
    options: { steps: 6, batch: 3, optimizer: sgd({ lr: 0.1, momentum: 0.9 }), clip: { norm: 2 } },
    batch: (n, dtype) => ({ inputs: symbols(n, 6, 3, 4).inputs, targets: floats(dtype, symbols(n, 3, 3, 2).inputs) }),
  },
};

/**
 * What {@link hashOfTraining} gives on every host. Who changes the order of an engine's sums, or a kernel's formula, puts the
 * new ones here, all from one host; that another one gives the same is then for the tests to say.
 */
export const HASHES: readonly (readonly [run: string, engine: 'ts' | 'wasm', dtype: Dtype, hash: string])[] = [
  ['min-char-rnn', 'ts', 'float32', '54fdf151d4fee26da24dd4081779fbfe'],
  ['min-char-rnn', 'ts', 'float64', '1e82e299616428d85ea4bf1eb1772b84'],
  ['min-char-rnn', 'wasm', 'float32', 'b2932f2b1cb2862a96a4f66786107aa5'],
  ['two layers of LSTM with dropout', 'ts', 'float32', '8ecfce8600c10daa5e4958e1c728ac91'],
  ['two layers of LSTM with dropout', 'ts', 'float64', '61b9116c69722dd91898e72f8f7a742c'],
  ['two layers of LSTM with dropout', 'wasm', 'float32', 'b9d48220efe6a1285aa6856ed27b6560'],
  ['GRU on sines, both directions', 'ts', 'float32', '6bd11b4bf26b7e3bb68a9f970e85f293'],
  ['GRU on sines, both directions', 'ts', 'float64', '22aac3480f1b700b2c3404a9ed8f54f8'],
  ['GRU on sines, both directions', 'wasm', 'float32', '6fbac1c10b073357420184b050545786'],
  ['every layer around the recurrence', 'ts', 'float32', 'b227c38d1de52b96bdd114ae393556b6'],
  ['every layer around the recurrence', 'ts', 'float64', '1b7fd9e2398923a204f99edb54d861e9'],
  ['every layer around the recurrence', 'wasm', 'float32', 'bba4ab0190a972f38d3152949fc5b66f'],
  ['logistic units, yes or no', 'ts', 'float32', '1fbb09c31143fd888e5d46a7596917fe'],
  ['logistic units, yes or no', 'ts', 'float64', '30ab36c7c379860bfe2d4bf98bf36f96'],
  ['logistic units, yes or no', 'wasm', 'float32', '6a0a8ceb97367aaae4ba7d0c69af2b0e'],
];

/** The first half of SHA-256 over the losses of 50 updates and the parameters after them. */
export async function hashOfTraining(name: string, engine: 'ts' | 'wasm', dtype: Dtype): Promise<string> {
  const { spec, options, batch } = RUNS[name];
  const trainer = await createTrainer(spec, { ...options, engine, dtype, seed: 1 });
  const losses = await trainer.train(Array.from({ length: 50 }, (_, n) => batch(n, dtype)));
  const parts = [losses, ...Object.values(await trainer.parameters())];
  trainer.dispose();
  const bytes = parts.flatMap(({ buffer, byteOffset, byteLength }) => [
    ...new Uint8Array(buffer, byteOffset, byteLength),
  ]);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
