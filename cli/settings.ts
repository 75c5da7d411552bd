import type { Clip, ModelSpec, Scheme } from 'bptt';
import { adagrad, adam, adamw, type Optimizer, rmsprop, rprop, sgd } from 'bptt/optim';
import type { Dtype } from 'bptt/tensor';

export const CELLS = ['elman', 'gru', 'lstm'] as const;
export const SCHEMES = ['minCharRnn', 'torch', 'orthogonal'] as const;
export const DTYPES = ['float32', 'float64'] as const;

const OPTIMIZERS = {
  adagrad: { title: 'Adagrad', lr: 0.1, make: (lr: number) => adagrad({ lr }) },
  sgd: { title: 'SGD', lr: 0.01, make: (lr: number) => sgd({ lr }) },
  rmsprop: { title: 'RMSprop', lr: 0.002, make: (lr: number) => rmsprop({ lr }) },
  adam: { title: 'Adam', lr: 0.002, make: (lr: number) => adam({ lr }) },
  adamw: { title: 'AdamW', lr: 0.002, make: (lr: number) => adamw({ lr }) },
  rprop: { title: 'Rprop', lr: 0.001, make: (lr: number) => rprop({ lr }) },
} as const;

export type OptimizerName = keyof typeof OPTIMIZERS;
export const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as OptimizerName[];

/** The learning rates where none is given, in words. */
export const DEFAULT_RATES = OPTIMIZER_NAMES.map((name) => `${name} ${OPTIMIZERS[name].lr}`).join(', ');

/** Everything that decides what a run computes, beside the text. It stands in the model file. */
export interface Settings {
  cell: (typeof CELLS)[number];
  hidden: number;
  layers: number;
  dropout: number;
  steps: number;
  batch: number;
  optimizer: OptimizerName;
  lr: number;
  clip: Clip | null;
  l2: number;
  init: Scheme;
  seed: number;
  dtype: Dtype;
  /** Share of the text that is held out. */
  validation: number;
}

/** Settings as the command line gives them: what is missing depends on the rest. */
export interface GivenSettings extends Omit<Settings, 'lr' | 'clip' | 'init'> {
  lr?: number;
  clip: number;
  clipNorm?: number;
  init?: Scheme;
}

/** Fills in what depends on other settings: learning rate, initialiser, clipping. */
export function settingsFrom(given: GivenSettings): Settings {
  const { cell, hidden, layers, dropout, steps, batch, optimizer, l2, seed, dtype, validation } = given;
  const notebook = cell === 'elman' && layers === 1;
  const byValue = given.clip > 0 ? { value: given.clip } : null;
  return {
    ...{ cell, hidden, layers, dropout, steps, batch, optimizer, l2, seed, dtype, validation },
    lr: given.lr ?? OPTIMIZERS[optimizer].lr,
    clip: given.clipNorm === undefined ? byValue : { norm: given.clipNorm },
    init: given.init ?? (notebook ? 'minCharRnn' : 'orthogonal'),
  };
}

/**
 * The net for a vocabulary of V characters. Its loss is the cross-entropy summed over the steps, as in the notebook, and
 * averaged over the sequences of a batch.
 */
export function specOf({ cell, hidden, layers, dropout, batch }: Settings, V: number): ModelSpec {
  return {
    cell,
    inputSize: V,
    hiddenSize: hidden,
    layers,
    dropout,
    bias: 'input',
    outputSize: V,
    loss: 'softmaxCrossEntropy',
    reduction: 1 / batch,
  };
}

export function optimizerOf({ optimizer, lr }: Settings): Optimizer {
  return OPTIMIZERS[optimizer].make(lr);
}

/** Net and settings in a line, such as `Elman 100 · Adagrad 0.1 · 25 steps`. */
export function describe(settings: Settings): string {
  const { cell, hidden, layers, dropout, steps, batch, optimizer, lr, l2 } = settings;
  const net = `${cell === 'elman' ? 'Elman' : cell.toUpperCase()} ${layers > 1 ? `${layers}×` : ''}${hidden}`;
  const facts = [net, `${OPTIMIZERS[optimizer].title} ${lr}`, `${steps} steps`];
  if (batch > 1) facts.push(`batch ${batch}`);
  if (dropout > 0) facts.push(`dropout ${dropout}`);
  if (l2 > 0) facts.push(`L2 ${l2}`);
  return facts.join(' · ');
}
