import { availableParallelism } from 'node:os';
import type { Clip, EngineName, ModelSpec, Scheme } from 'bptt';
import { adagrad, adam, adamw, type Optimizer, rmsprop, rprop, sgd } from 'bptt/optim';
import type { Dtype } from 'bptt/tensor';
import { allowFusedMultiplyAdd } from './fusedMultiplyAdd.ts';
import { PRESETS, type PresetName } from './presets.ts';
import type { Unit } from './symbols.ts';
import { UsageError } from './usageError.ts';

export const CELLS = ['elman', 'gru', 'lstm'] as const;
export const SCHEMES = ['minCharRnn', 'torch', 'orthogonal'] as const;
export const DTYPES = ['float32', 'float64'] as const;
/** How the losses of a window become one: summed over its steps and averaged over the sequences, or averaged over both. */
export const LOSSES = ['sum', 'mean'] as const;

type Rate = number | ((step: number) => number);

interface Rule {
  title: string;
  /** The rate where none is given. */
  lr: number;
  make(lr: Rate, beta2: number | undefined): Optimizer;
}

const OPTIMIZERS = {
  adagrad: { title: 'Adagrad', lr: 0.1, make: (lr) => adagrad({ lr }) },
  sgd: { title: 'SGD', lr: 0.01, make: (lr) => sgd({ lr }) },
  rmsprop: { title: 'RMSprop', lr: 0.002, make: (lr) => rmsprop({ lr }) },
  adam: { title: 'Adam', lr: 0.002, make: (lr, beta2) => adam({ lr, ...(beta2 && { beta2 }) }) },
  adamw: { title: 'AdamW', lr: 0.002, make: (lr, beta2) => adamw({ lr, ...(beta2 && { beta2 }) }) },
  rprop: { title: 'Rprop', lr: 0.001, make: (lr) => rprop({ lr: numberOf(lr) }) },
} satisfies Record<string, Rule>;

/** Rprop has steps of its own for each weight: its rate is where these begin. */
function numberOf(lr: Rate): number {
  if (typeof lr !== 'number') throw new RangeError('--lr-decay means nothing to rprop');
  return lr;
}

export type OptimizerName = keyof typeof OPTIMIZERS;
export const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as OptimizerName[];

/** The learning rates of the other update rules, in words. */
export const DEFAULT_RATES = OPTIMIZER_NAMES.map((name) => `${name} ${OPTIMIZERS[name].lr}`).join(', ');

/** The most threads by default: more of them share too little of a small batch. */
const MOST_THREADS = 2;

/** Everything that decides what a run computes, beside the text. It stands in the model file. */
export interface Settings {
  preset: PresetName;
  cell: (typeof CELLS)[number];
  hidden: number;
  layers: number;
  dropout: number;
  steps: number;
  batch: number;
  loss: (typeof LOSSES)[number];
  optimizer: OptimizerName;
  lr: number;
  /** Whether the rate rises over the first twentieth of the run and falls along half a cosine to 0 at its end. */
  lrDecay: boolean;
  /** Adam's second decay rate, where it is not the usual one. */
  beta2?: number;
  clip: Clip | null;
  l2: number;
  init: Scheme;
  seed: number;
  dtype: Dtype;
  /** Share of the text that is held out. */
  validation: number;
  unit: Unit;
  /** With words: the most that are known. */
  mostWords: number;
  engine: EngineName;
  threads: number;
  fma: boolean;
}

/** Settings as the command line gives them: what is missing depends on the preset and on the rest. */
export type GivenSettings = Partial<Omit<Settings, 'clip' | 'unit' | 'preset' | 'mostWords'>> & {
  preset: PresetName;
  clip?: number;
  clipNorm?: number;
  /** Words instead of characters: how many of them at most. */
  words?: number | true;
};

/** The most words known where it is not said. */
export const MOST_WORDS = 10_000;

/** Fills in the preset, and what depends on other settings or on the host: learning rate, initialiser, clipping, threads. */
export function settingsFrom({ preset, clip, clipNorm, words, ...given }: GivenSettings): Settings {
  const from = PRESETS[preset].settings;
  const merged = { ...from, ...definedOf(given) };
  const { cell, layers, batch, optimizer } = merged;
  const { engine = 'auto', dtype = 'float32' } = given;
  const otherRule = optimizer !== from.optimizer;
  const byValue = clip === undefined ? from.clip : clip > 0 ? { value: clip } : null;
  const { beta2, ...rest } = merged;
  return {
    ...{ l2: 0, seed: 0, validation: 0.1 },
    ...rest,
    ...{ engine, dtype },
    dropout: given.dropout ?? (layers > 1 ? from.dropout : 0),
    preset,
    lrDecay: given.lrDecay ?? (from.lrDecay && optimizer !== 'rprop'),
    lr: given.lr ?? (otherRule ? OPTIMIZERS[optimizer].lr : from.lr),
    ...(beta2 !== undefined && hasBeta2(optimizer) && { beta2 }),
    clip: clipNorm === undefined ? byValue : { norm: clipNorm },
    init: given.init ?? (cell === 'elman' && layers === 1 ? 'minCharRnn' : 'orthogonal'),
    threads:
      given.threads ??
      (engine === 'webgpu' || engine === 'ts' ? 1 : Math.min(MOST_THREADS, availableParallelism(), batch)),
    fma: given.fma ?? (['auto', 'wasm'].includes(engine) && dtype === 'float32' && allowFusedMultiplyAdd()),
    unit: words === undefined ? 'character' : 'word',
    mostWords: typeof words === 'number' ? words : MOST_WORDS,
  };
}

/** @throws {UsageError} where these options have no effect together, or exclude each other. */
export function assertTogether(given: GivenSettings, patience: number | undefined): void {
  const { dropout, layers, optimizer, engine, threads, dtype, validation } = settingsFrom(given);
  const { beta2 } = given;
  const problems = [
    dropout > 0 && layers === 1 && '--dropout works between layers: it needs --layers 2 or more',
    beta2 !== undefined && !hasBeta2(optimizer) && `--beta2 is Adam's: --optimizer ${optimizer} has none`,
    threads > 1 &&
      (engine === 'ts' || engine === 'webgpu') &&
      `--threads is ${threads}: engine ${engine} has one thread`,
    dtype === 'float64' &&
      (engine === 'wasm' || engine === 'webgpu') &&
      `--dtype is float64: engine ${engine} computes in float32; --engine ts has both`,
    patience !== undefined &&
      validation === 0 &&
      '--patience waits for the held-out figure: it needs --validation above 0',
  ];
  const problem = problems.find((text) => text !== false);
  if (problem !== undefined) throw new UsageError(problem);
}

function hasBeta2(optimizer: string): boolean {
  return optimizer === 'adam' || optimizer === 'adamw';
}

function definedOf<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The net for V symbols. */
export function specOf({ cell, hidden, layers, dropout, batch, loss }: Settings, V: number): ModelSpec {
  return {
    ...{ cell, inputSize: V, hiddenSize: hidden, layers, dropout, bias: 'input', outputSize: V },
    ...{ loss: 'softmaxCrossEntropy', reduction: loss === 'mean' ? 'mean' : 1 / batch },
  };
}

/** Symbols that the loss of a window is a mean over, so that loss times this is the sum of nats over all of them. */
export function summedOver({ loss, batch }: Settings, symbols: number): number {
  return loss === 'mean' ? symbols : batch;
}

const WARM_UP = 0.05;

/** The learning rate where `progress`, from 0 to 1, of a run is done. */
export function rateAt({ lr, lrDecay }: Pick<Settings, 'lr' | 'lrDecay'>, progress: number): number {
  if (!lrDecay) return lr;
  if (progress < WARM_UP) return (lr * progress) / WARM_UP;
  return (lr * (1 + Math.cos((Math.PI * (progress - WARM_UP)) / (1 - WARM_UP)))) / 2;
}

/** @param lr the rate, or that of each update */
export function optimizerOf({ optimizer, beta2 }: Settings, lr: Rate): Optimizer {
  return OPTIMIZERS[optimizer].make(lr, beta2);
}

/** Net and settings in a line, such as `Elman 100 · Adagrad 0.1 · 25 steps`. */
export function describe(settings: Settings): string {
  const { cell, hidden, layers, dropout, steps, batch, optimizer, lr, lrDecay, l2, unit } = settings;
  const net = `${cell === 'elman' ? 'Elman' : cell.toUpperCase()} ${layers > 1 ? `${layers}×` : ''}${hidden}`;
  const facts = [net, `${OPTIMIZERS[optimizer].title} ${lr}${lrDecay ? ' falling to 0' : ''}`, `${steps} steps`];
  if (batch > 1) facts.push(`batch ${batch}`);
  if (dropout > 0) facts.push(`dropout ${dropout}`);
  if (l2 > 0) facts.push(`L2 ${l2}`);
  if (unit === 'word') facts.push('words');
  return facts.join(' · ');
}
