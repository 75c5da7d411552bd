import type { CreateTrainerOptions } from './createTrainer.ts';
import type { FitOptions } from './fit.ts';
import type { ModelSpec } from './spec.ts';
import type { TrainerOptions, TrainingBatch } from './trainer.ts';

/** A type with an entry for each field of `T`: who adds a field has to list it, too. */
type FieldsOf<T> = Readonly<Record<keyof T, true>>;

/** The fields of a spec. */
export const SPEC_FIELDS: FieldsOf<ModelSpec> = {
  ...{ cell: true, inputSize: true, hiddenSize: true, outputSize: true, loss: true, input: true, nonlinearity: true },
  ...{ layers: true, bidirectional: true, bias: true, initialState: true, dropout: true, outputBias: true },
  ...{ outputActivation: true, lossAt: true, reduction: true },
};

/** The options of a trainer, and those that say where it runs. */
export const TRAINER_OPTIONS: FieldsOf<TrainerOptions> = {
  ...{ steps: true, batch: true, labels: true, optimizer: true, clip: true, l2: true, backSteps: true, stride: true },
  ...{ frozen: true, accumulate: true, seed: true },
};

/** The options of `createTrainer`. */
export const CREATE_TRAINER_OPTIONS: FieldsOf<CreateTrainerOptions> = {
  ...TRAINER_OPTIONS,
  ...{ engine: true, webgpu: true, threads: true, threadWorker: true, fma: true, dtype: true, init: true },
};

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
const COMMON_NAMES: Readonly<Record<string, readonly string[]>> = {
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
};

/**
 * Throws unless every name of an object is one of `known`: a misspelt option would otherwise be ignored.
 *
 * @param fn the prefix of the message
 * @param known the names, as keys
 * @throws {TypeError} naming the unknown name and the one that was meant: one that other libraries use for it, or the nearest;
 *   where there is none, all of them. Also where `options` is no object.
 */
export function assertOptions(fn: string, options: unknown, known: Readonly<Record<string, unknown>>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${fn}: options is ${describe(options)}, expected an object with ${namesOf(known)}`);
  }
  for (const name in options) {
    if (!Object.hasOwn(known, name)) throw new TypeError(`${fn}: unknown option ${name}, ${hintFor(name, known)}`);
  }
}

function hintFor(name: string, known: Readonly<Record<string, unknown>>): string {
  const own = Object.keys(known);
  const meant = nearestName(name, own);
  if (meant !== null) {
    const example = EXAMPLES[meant];
    return example === undefined ? `did you mean ${meant}?` : `did you mean ${meant}? (${example})`;
  }
  for (const [place, fields] of PLACES) {
    const there = otherName(name, Object.keys(fields));
    if (there !== null) return there === name ? `it is ${place}` : `${there} is ${place}`;
  }
  return `expected ${own.join(', ')}`;
}

function namesOf(known: Readonly<Record<string, unknown>>): string {
  return Object.keys(known).join(', ');
}

/** The known name that is the same but for case and underscores, or that other libraries have another name for. */
function otherName(name: string, known: readonly string[]): string | null {
  const plain = plainly(name);
  const same = known.find((own) => plainly(own) === plain);
  const common = Object.hasOwn(COMMON_NAMES, plain) ? COMMON_NAMES[plain] : [];
  return same ?? common.find((own) => known.includes(own)) ?? null;
}

/**
 * The known name that was probably meant: the same but for case and underscores, one that other libraries have another name
 * for, or the nearest by single edits (at most one for each three letters). Null where there is none.
 */
export function nearestName(name: string, known: readonly string[]): string | null {
  const other = otherName(name, known);
  if (other !== null) return other;
  const plain = plainly(name);
  let best: string | null = null;
  let least = Math.floor(plain.length / 3) + 1;
  for (const own of known) {
    const edits = editDistance(plain, plainly(own));
    if (edits < least) {
      least = edits;
      best = own;
    }
  }
  return best;
}

function plainly(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** The least number of letters inserted, deleted, replaced, or swapped with their neighbour (Damerau 1964). */
function editDistance(a: string, b: string): number {
  let [before, last] = [new Array<number>(b.length + 1).fill(0), Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j] + 1, row[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}

/** A value in an error message: its type where it is an object, else itself. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const { name } = value.constructor ?? {};
  return name === undefined || name === 'Object' ? `{ ${Object.keys(value).join(', ')} }` : name;
}
