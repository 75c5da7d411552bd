import { assertOptions as assertKnown, otherName, type Synonyms } from '../check/options.ts';
import type { CreateTrainerOptions, WebgpuOptions } from './createTrainer.ts';
import type { FitOptions } from './fit.ts';
import type { ModelSpec } from './spec.ts';
import type { TrainerOptions, TrainingBatch } from './trainer.ts';

/** A type with an entry for each field of `T`: who adds a field has to list it, too. */
type FieldsOf<T> = Readonly<Record<keyof T, true>>;

/** The fields of a spec. */
export const SPEC_FIELDS: FieldsOf<ModelSpec> = {
  ...{ cell: true, inputSize: true, hiddenSize: true, outputSize: true, loss: true, input: true, nonlinearity: true },
  ...{ layers: true, bidirectional: true, bias: true, initialState: true, dropout: true, outputBias: true },
  ...{ outputActivation: true, lossAt: true, reduction: true, embedding: true, inputDense: true, outputDense: true },
  ...{ layerNorm: true, residual: true },
};

/** The options of a trainer, and those that say where it runs. */
export const TRAINER_OPTIONS: FieldsOf<TrainerOptions> = {
  ...{ steps: true, batch: true, labels: true, optimizer: true, clip: true, l2: true, backSteps: true, stride: true },
  ...{ groups: true, frozen: true, accumulate: true, seed: true },
};

/** The options of `createTrainer`. */
export const CREATE_TRAINER_OPTIONS: FieldsOf<CreateTrainerOptions> = {
  ...TRAINER_OPTIONS,
  ...{ engine: true, webgpu: true, threads: true, threadWorker: true, fma: true, dtype: true, init: true },
};

/** What belongs to engine `webgpu` alone. */
export const WEBGPU_OPTIONS: FieldsOf<WebgpuOptions> = { device: true, deviceOptions: true, snapshotEvery: true };

/** The fields of a batch. */
export const BATCH_FIELDS: FieldsOf<TrainingBatch> = {
  ...{ inputs: true, targets: true, steps: true, batch: true, lengths: true, mask: true, lossWeights: true },
  ...{ targetLengths: true, carry: true },
};

/** The options of `fit`. */
export const FIT_OPTIONS: FieldsOf<FitOptions> = {
  ...{ epochs: true, batch: true, shuffle: true, bucket: true, seed: true, validation: true, metrics: true },
  ...{ monitor: true, patience: true, minDelta: true, restoreBest: true, onBatch: true, onEpoch: true, signal: true },
};

/** Where a name belongs that was given elsewhere. */
const PLACES: readonly (readonly [place: string, fields: Readonly<Record<string, true>>])[] = [
  ['a field of the spec', SPEC_FIELDS],
  ['an option of createTrainer', CREATE_TRAINER_OPTIONS],
  ['a field of a batch', BATCH_FIELDS],
  ['an option of fit', FIT_OPTIONS],
];

/**
 * Names that other libraries give to what has another name here: each with the fields that are meant, the first of which
 * that a function has is suggested. Written without case and underscores.
 */
export const COMMON_NAMES: Synonyms = {
  learningrate: ['lr', 'optimizer'],
  lr: ['optimizer'],
  momentum: ['optimizer'],
  weightdecay: ['l2', 'optimizer'],
  schedule: ['optimizer'],
  scheduler: ['optimizer'],
  opt: ['optimizer'],
  batchsize: ['batch'],
  sequences: ['batch'],
  seqlen: ['steps'],
  seqlength: ['steps'],
  sequencelength: ['steps'],
  timesteps: ['steps'],
  windowlength: ['steps'],
  time: ['steps'],
  epoch: ['epochs'],
  iterations: ['epochs'],
  hidden: ['hiddenSize'],
  hiddenunits: ['hiddenSize'],
  hiddenlayers: ['layers'],
  units: ['hiddenSize'],
  numlayers: ['layers'],
  depth: ['layers'],
  features: ['inputSize'],
  inputdim: ['inputSize'],
  inputs: ['inputSize', 'input'],
  embeddingsize: ['embedding'],
  embeddingdim: ['embedding'],
  embeddim: ['embedding'],
  tied: ['embedding'],
  tieweights: ['embedding'],
  dense: ['outputDense'],
  layernormalization: ['layerNorm'],
  norm: ['layerNorm'],
  skip: ['residual'],
  skipconnections: ['residual'],
  vocabsize: ['inputSize'],
  vocabularysize: ['inputSize'],
  outputs: ['outputSize'],
  outputdim: ['outputSize'],
  classes: ['outputSize'],
  numclasses: ['outputSize'],
  activation: ['nonlinearity', 'outputActivation'],
  type: ['cell'],
  rnntype: ['cell'],
  usebias: ['bias'],
  returnsequences: ['lossAt'],
  criterion: ['loss'],
  lossfunction: ['loss'],
  clipnorm: ['clip'],
  clipvalue: ['clip'],
  gradientclip: ['clip'],
  gradclip: ['clip'],
  maxnorm: ['clip'],
  gradientaccumulation: ['accumulate'],
  accumulationsteps: ['accumulate'],
  tbptt: ['backSteps'],
  truncate: ['backSteps'],
  span: ['backSteps'],
  advance: ['stride'],
  keep: ['carry'],
  stateful: ['carry'],
  x: ['inputs'],
  y: ['targets'],
  xs: ['inputs'],
  ys: ['targets'],
  labels: ['targets'],
  label: ['targets'],
  sequencelengths: ['lengths'],
  sampleweight: ['lossWeights'],
  weights: ['lossWeights'],
  backend: ['engine'],
  device: ['engine'],
  randomstate: ['seed'],
  randomseed: ['seed'],
  initializer: ['init'],
  precision: ['dtype'],
  validationsplit: ['validation'],
  validationdata: ['validation'],
  valdata: ['validation'],
  earlystopping: ['patience'],
  callbacks: ['onEpoch'],
  callback: ['onEpoch'],
};

/** What a suggested field looks like, where its name alone does not tell. */
const EXAMPLES: Readonly<Record<string, string>> = {
  optimizer: 'the learning rate and its like belong to it, as in optimizer: adam({ lr: 0.001 })',
  clip: 'clip: { norm: 5 } or clip: { value: 5 }',
  lossAt: "'every' or 'last'",
  embedding: 'embedding: { size: 64, tied: true }',
  outputDense: "outputDense: { size: 64, activation: 'tanh' }, or inputDense",
};

/**
 * Throws unless every name of an object is one of `known`.
 *
 * @param fn the prefix of the message
 * @param known the names, as keys
 * @throws {TypeError} naming the unknown name and the one that was meant, or where the name belongs.
 */
export function assertOptions(fn: string, options: unknown, known: Readonly<Record<string, unknown>>): void {
  assertKnown(fn, options, Object.keys(known), COMMON_NAMES, (name, meant) => {
    if (meant !== null) return Object.hasOwn(EXAMPLES, meant) ? `did you mean ${meant}? (${EXAMPLES[meant]})` : null;
    for (const [place, fields] of PLACES) {
      const there = otherName(name, Object.keys(fields), COMMON_NAMES);
      if (there !== null) return there === name ? `it is ${place}` : `${there} is ${place}`;
    }
    return null;
  });
}
