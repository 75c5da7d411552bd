import { describe } from '../check/describe.ts';
import { bucketByLength } from '../data/bucketByLength.ts';
import { padSequences } from '../data/padSequences.ts';
import type { RandomState } from '../tensor/random.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { outputWidth, type ResolvedSpec } from './spec.ts';
import type { TrainingBatch } from './trainer.ts';

/** One sequence with its targets. */
export interface Sequence {
  /** [T] ids, or [T,D] vectors. */
  inputs: ArrayLike<number>;
  /**
   * [T] classes or [T,V] values; where the loss is at the last step one class or [V] values; [S] labels of a loss per
   * sequence.
   */
  targets: ArrayLike<number> | number;
}

/** Windows of one length, as `seriesWindows` of `bptt/data` cuts them. */
export interface Windows {
  /** [W,N,D] */
  readonly inputs: FloatArray;
  /** [N,V], the targets at the last step of each window. */
  readonly targets: FloatArray;
  /** [N] */
  readonly starts: ArrayLike<number>;
}

/** Sizes of the batches that sequences are put into. */
export interface BatchSizes {
  /** The most steps of a sequence. */
  readonly steps: number;
  readonly labels: number;
  /** Sequences of a batch. */
  readonly batch: number;
}

type Numbers = Int32Array | FloatArray;

/** Sequences, checked and in the arrays of a model: they are put into batches of similar length, padded. */
export class SequenceBatches {
  /** [N], the steps of each sequence. */
  readonly lengths: Int32Array;
  private readonly spec: ResolvedSpec;
  private readonly sizes: BatchSizes;
  private readonly inputs: readonly Numbers[];
  private readonly targets: readonly Numbers[];

  /**
   * @param fn the prefix of errors
   * @throws {RangeError | TypeError} naming the sequence that does not fit.
   */
  constructor(fn: string, spec: ResolvedSpec, dtype: Dtype, sizes: BatchSizes, sequences: readonly Sequence[]) {
    if (!Array.isArray(sequences) || sequences.length === 0) {
      const got = Array.isArray(sequences) ? 'empty' : describe(sequences);
      throw new TypeError(`${fn}: sequences is ${got}, expected a list of at least one sequence`);
    }
    this.spec = spec;
    this.sizes = sizes;
    this.lengths = new Int32Array(sequences.length);
    const D = spec.input === 'dense' ? spec.inputSize : 1;
    const inputs: Numbers[] = [];
    const targets: Numbers[] = [];
    for (const [i, sequence] of sequences.entries()) {
      const what = `${fn}: sequences[${i}]`;
      const values = numbersOf(`${what}.inputs`, sequence?.inputs, spec.input === 'ids', dtype);
      const steps = values.length / D;
      if (!Number.isInteger(steps) || steps === 0) {
        throw new RangeError(
          `${what}.inputs has ${values.length} elements, expected [T${D > 1 ? `,${D}` : ''}], T ≥ 1`,
        );
      }
      if (steps > sizes.steps) {
        throw new RangeError(`${what} has ${steps} steps, the trainer was made for steps: ${sizes.steps}`);
      }
      this.lengths[i] = steps;
      inputs.push(values);
      targets.push(this.targetsOf(`${what}.targets`, sequence.targets, steps, dtype));
    }
    this.inputs = inputs;
    this.targets = targets;
  }

  /** All sequences in batches, each batch made when it is asked for; with `rng` in random order. */
  *batches(indices: Int32Array, bucket: boolean, rng?: RandomState): Generator<TrainingBatch> {
    const { batch } = this.sizes;
    for (const part of partsOf(indices, bucket ? this.lengths : null, batch, rng)) yield this.batchOf(part);
  }

  private batchOf(indices: Int32Array): TrainingBatch {
    const { spec, lengths } = this;
    const own = Array.from(indices, (i) => this.inputs[i]);
    const features = spec.input === 'dense' ? spec.inputSize : 1;
    const { values: inputs, steps } = padSequences(own as Int32Array[], { features });
    const batch = indices.length;
    const ownLengths = indices.map((i) => lengths[i]);
    const padded = ownLengths.some((length) => length < steps);
    return { inputs, steps, batch, ...(padded ? { lengths: ownLengths } : {}), ...this.batchTargets(indices) };
  }

  private batchTargets(indices: Int32Array): Pick<TrainingBatch, 'targets' | 'targetLengths'> {
    const { spec } = this;
    const own = Array.from(indices, (i) => this.targets[i]);
    if (spec.loss.targets === 'labels') {
      const S = own.reduce((most, { length }) => Math.max(most, length), 1);
      const targets = new Int32Array(own.length * S);
      for (const [b, labels] of own.entries()) targets.set(labels, b * S);
      return { targets, targetLengths: own.map(({ length }) => length) };
    }
    const width = spec.loss.targets === 'values' ? outputWidth(spec) : 1;
    // At the last step there is one step of targets for each sequence, so that nothing is padded.
    return { targets: padSequences(own as Int32Array[], { features: width }).values };
  }

  private targetsOf(what: string, given: Sequence['targets'], steps: number, dtype: Dtype): Numbers {
    const { spec, sizes } = this;
    const { targets } = spec.loss;
    const last = spec.lossAt === 'last';
    const values = numbersOf(what, typeof given === 'number' ? [given] : given, targets !== 'values', dtype);
    if (targets === 'labels') {
      if (values.length > sizes.labels) {
        throw new RangeError(`${what} has ${values.length} labels, the trainer was made for labels: ${sizes.labels}`);
      }
      return values;
    }
    const V = targets === 'values' ? outputWidth(spec) : 1;
    if (values.length !== (last ? 1 : steps) * V) {
      const shape = `[${[...(last ? [] : [steps]), ...(V > 1 || last ? [V] : [])].join(',')}]`;
      throw new RangeError(`${what} has ${values.length} elements, expected ${shape}`);
    }
    return values;
  }
}

/** Indices cut into batches: of similar length where there are lengths, else as they come. */
export function partsOf(
  indices: Int32Array,
  lengths: Int32Array | null,
  batch: number,
  rng?: RandomState,
): Int32Array[] {
  if (lengths !== null) {
    const own = indices.map((i) => lengths[i]);
    return bucketByLength(own, batch, rng).map((part) => part.map((k) => indices[k]));
  }
  const order = rng === undefined ? indices : rng.permutation(indices.length).map((k) => indices[k]);
  const parts: Int32Array[] = [];
  for (let i = 0; i < order.length; i += batch) parts.push(order.slice(i, i + batch));
  return parts;
}

/** Windows as sequences, in their order. */
export function sequencesOfWindows(fn: string, { input, inputSize }: ResolvedSpec, windows: Windows): Sequence[] {
  const { inputs, targets, starts } = windows;
  const N = starts?.length ?? 0;
  const D = input === 'dense' ? inputSize : 1;
  const W = inputs?.length / (N * D);
  const V = targets?.length / N;
  if (N === 0 || !Number.isInteger(W) || !Number.isInteger(V)) {
    const got = `${inputs?.length} inputs, ${targets?.length} targets, ${N} starts`;
    throw new RangeError(`${fn}: windows has ${got}, expected [W,N,${D}], [N,V] and [N], as seriesWindows gives them`);
  }
  return Array.from({ length: N }, (_, n) => {
    const own = inputs.slice(0, W * D);
    for (let t = 0; t < W; t++) own.set(inputs.subarray((t * N + n) * D, (t * N + n + 1) * D), t * D);
    return { inputs: own, targets: targets.subarray(n * V, (n + 1) * V) };
  });
}

/** A copy in an array of the model's kind. */
function numbersOf(what: string, values: ArrayLike<number> | undefined, ids: boolean, dtype: Dtype): Numbers {
  if (typeof values !== 'object' || values === null || !Number.isInteger(values.length)) {
    throw new TypeError(`${what} is ${describe(values)}, expected a list of ${ids ? 'ids' : 'numbers'}`);
  }
  const own = ids ? new Int32Array(values.length) : zeros(dtype, values.length);
  for (let i = 0; i < own.length; i++) {
    own[i] = values[i];
    if (ids ? own[i] !== values[i] : !Number.isFinite(own[i])) {
      throw new RangeError(`${what}[${i}] is ${String(values[i])}, expected ${ids ? 'an id' : 'a finite number'}`);
    }
  }
  return own;
}
