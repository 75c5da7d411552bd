import { assertLength } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { assertEngineDtype } from './engine.ts';
import { assertOptions, BATCH_FIELDS } from './options.ts';
import { outputWidth, type ResolvedSpec } from './spec.ts';

/**
 * Inputs and targets of one window of sequences. Sizes may be smaller than the model's: say `steps` or `batch` where the
 * arrays' lengths leave doubt. What stands in padding (steps that `lengths` or `mask` leave out, targets of weight 0) is
 * never looked at: −1, −100 and NaN are as good as 0.
 */
export interface Batch {
  /** [steps,batch] symbols, or [steps,batch,D] vectors. */
  inputs: Int32Array | FloatArray;
  /**
   * [steps,batch] classes, or [steps,batch,V] values; without `steps` where the loss is at the last step. Labels of a loss
   * per sequence: [batch,S] ids, with `targetLengths`.
   */
  targets: Int32Array | FloatArray;
  /** Default: what follows from `batch` or the arrays' lengths. */
  steps?: number;
  /** Sequences. Default: what follows from `steps`, `lengths` or the arrays' lengths. */
  batch?: number;
  /** [batch], how many steps each sequence has, 0 … steps; the rest is padding. Left out: all. */
  lengths?: ArrayLike<number>;
  /** [steps,batch], 1 where a sequence has the step, else 0: padding anywhere. Instead of `lengths`. */
  mask?: ArrayLike<number>;
  /** [steps,batch] (or [batch] where there is a loss for each sequence), a weight ≥ 0 for each loss. Left out: 1. */
  lossWeights?: ArrayLike<number>;
  /** [batch], how many labels each sequence has, where targets are labels. Left out: all S. */
  targetLengths?: ArrayLike<number>;
}

/** The inputs alone: what a prediction needs. */
export type InputBatch = Omit<Batch, 'targets' | 'lossWeights' | 'targetLengths'>;

/** Where a window starts: true where a sequence goes on from its given state. */
export type Carry = boolean | ArrayLike<number>;

/** A validated batch of the model's B sequences, with its mask and loss weights worked out. */
export interface CheckedBatch {
  readonly steps: number;
  /** The sequences that the caller handed in; the others lack every step. */
  readonly sequences: number;
  /** Whether {@link mask} is needed: false where every sequence has every step. */
  readonly masked: boolean;
  readonly inputs: Batch['inputs'];
  /** Classes [R], values [R,V] or labels [B,S]; null where only a prediction is wanted. */
  readonly targets: Batch['targets'] | null;
  /** [steps,B], 1 where a sequence has the step, else 0. */
  readonly mask: FloatArray;
  /** A factor for each loss: the batch's own weight, 0 for padding, times the reduction's factor. */
  readonly weights: FloatArray;
  /** [B], 1 where a sequence goes on from its given state, 0 where it begins. */
  readonly carry: FloatArray;
  /** [B] each, of a loss per sequence: the steps and labels of each sequence, and S; else empty. */
  readonly lengths: Int32Array;
  readonly targetLengths: Int32Array;
  readonly labels: number;
}

/** Reads batches for a model of that spec: checks everything, then works out masks and the weights of the losses. */
export class BatchReader implements CheckedBatch {
  steps = 0;
  sequences = 0;
  masked = false;
  inputs: Batch['inputs'];
  targets: Batch['targets'] | null = null;
  labels = 0;
  mask: FloatArray;
  weights: FloatArray;
  readonly carry: FloatArray;
  readonly lengths: Int32Array;
  readonly targetLengths: Int32Array;

  private readonly spec: ResolvedSpec;
  private readonly T: number;
  private readonly B: number;
  private readonly S: number;
  private readonly V: number;
  private readonly dtype: Dtype;
  private readonly hostMask: FloatArray;
  private readonly hostWeights: FloatArray;
  private readonly hostInputs: Batch['inputs'];
  private readonly hostTargets: Batch['targets'];

  /** @param labels S, the most labels of a sequence where targets are labels */
  constructor(spec: ResolvedSpec, T: number, B: number, labels: number, dtype: Dtype) {
    const { loss } = spec;
    const perSequence = loss.per === 'sequence' || spec.lossAt === 'last';
    this.spec = spec;
    this.T = T;
    this.B = B;
    this.S = labels;
    this.V = outputWidth(spec);
    this.dtype = dtype;
    this.hostMask = zeros(dtype, T * B);
    this.hostWeights = zeros(dtype, perSequence ? B : T * B);
    this.hostInputs = spec.input === 'ids' ? new Int32Array(T * B) : zeros(dtype, T * B * spec.inputSize);
    const rows = spec.lossAt === 'last' ? B : T * B;
    const ids = loss.targets === 'labels' ? B * labels : rows;
    this.hostTargets = loss.targets === 'values' ? zeros(dtype, rows * this.V) : new Int32Array(ids);
    this.mask = this.hostMask;
    this.weights = this.hostWeights;
    this.inputs = this.hostInputs;
    this.carry = zeros(dtype, B);
    this.lengths = new Int32Array(loss.per === 'sequence' ? B : 0);
    this.targetLengths = new Int32Array(loss.per === 'sequence' ? B : 0);
  }

  /**
   * Checks a batch; the fields of {@link CheckedBatch} then describe it, until the next one is read. Arrays of the batch
   * that fit as they are, are not copied. A batch that is not right leaves no trace that is used.
   *
   * @param carry whether sequences go on from their given states or begin
   * @throws {RangeError | TypeError} naming what is wrong: a length that does not fit or leaves doubt, an id out of range, a
   *   NaN or infinity in the inputs and its step, lengths over the steps, a mask or weights that leave nothing to learn from.
   */
  read(batch: Batch, carry: Carry = false): void {
    assertBatch(batch);
    this.readInputs(batch, carry, true);
  }

  /** The same for inputs without targets. */
  readForPrediction(batch: InputBatch, carry: Carry = false): void {
    assertBatch(batch);
    this.readInputs({ ...batch, targets: NO_TARGETS }, carry, false);
  }

  private readInputs(batch: Batch, carry: Carry, withTargets: boolean): void {
    const [steps, sequences] = this.sizesOf(batch, withTargets);
    const masked = this.fillMask(batch, steps, sequences);
    this.assertInputs(batch.inputs, sequences);
    const { inputs } = batch;
    const { spec, B } = this;
    let targets: Batch['targets'] | null = null;
    if (withTargets) {
      this.fillWeights(batch, steps, sequences);
      targets = this.readTargets(batch, steps, sequences);
    }
    this.fillCarry(carry, sequences);
    const D = spec.input === 'dense' ? spec.inputSize : 1;
    this.inputs = masked ? this.spread(this.hostInputs, inputs, steps, sequences, D, this.hostMask) : inputs;
    this.targets = targets;
    this.mask = this.hostMask.subarray(0, steps * B);
    this.steps = steps;
    this.sequences = sequences;
    this.masked = masked;
  }

  /** The steps and sequences of a batch. */
  private sizesOf(batch: Batch, withTargets: boolean): [steps: number, sequences: number] {
    const { spec, T, B } = this;
    const { inputs, targets, lengths } = batch;
    if (!(ArrayBuffer.isView(inputs) && 'length' in inputs)) {
      throw new TypeError(
        `batch.inputs is ${typeName(inputs)}, expected ${spec.input === 'ids' ? 'an Int32Array' : 'numbers'}`,
      );
    }
    if (withTargets && !(ArrayBuffer.isView(targets) && 'length' in targets)) {
      throw new TypeError(`batch.targets is ${typeName(targets)}, expected an array of ${spec.loss.targets}`);
    }
    for (const [name, most] of [
      ['steps', T],
      ['batch', B],
    ] as const) {
      const value = batch[name];
      if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > most)) {
        throw new RangeError(`batch.${name} is ${String(value)}, expected a whole number from 1 to ${most}`);
      }
    }
    const D = spec.input === 'dense' ? spec.inputSize : 1;
    const shape = spec.input === 'ids' ? '[steps,batch]' : `[steps,batch,D], D = ${D},`;
    const rows = inputs.length / D;
    const told = `batch.inputs has ${inputs.length} elements, expected ${shape}`;
    let { steps, batch: sequences } = batch;
    if (sequences === undefined && lengths !== undefined && steps === undefined) sequences = lengths.length;
    if (steps === undefined && sequences === undefined) {
      if (rows === T * B) return [T, B];
      const pairs: number[] = [];
      for (let b = 1; b <= B; b++) if (rows % b === 0 && rows / b >= 1 && rows / b <= T) pairs.push(b);
      if (pairs.length > 1) {
        const ways = pairs.map((b) => `${rows / b} steps of ${b}`).join(', or ');
        throw new RangeError(`batch.inputs has ${inputs.length} elements: ${ways}? Say batch or steps`);
      }
      [sequences] = pairs;
    }
    if (steps === undefined) steps = rows / (sequences ?? Number.NaN);
    if (sequences === undefined) sequences = rows / steps;
    const fits = steps * sequences === rows && Number.isInteger(steps) && Number.isInteger(sequences);
    if (!fits || steps < 1 || steps > T || sequences < 1 || sequences > B) {
      throw new RangeError(
        `${told} with steps from 1 to ${T}${batch.steps === undefined ? '' : ` (${batch.steps})`} and batch from 1 to ${B}${batch.batch === undefined ? '' : ` (${batch.batch})`}`,
      );
    }
    return [steps, sequences];
  }

  private assertInputs(inputs: Batch['inputs'], sequences: number): void {
    const { spec, hostMask, B } = this;
    if (spec.input === 'ids') {
      if (!(inputs instanceof Int32Array)) {
        throw new TypeError(`batch.inputs is ${typeName(inputs)}, expected an Int32Array of ids`);
      }
      for (let i = 0; i < inputs.length; i++) {
        if (inputs[i] >= 0 && inputs[i] < spec.inputSize) continue;
        if (hostMask[Math.floor(i / sequences) * B + (i % sequences)] !== 1) continue;
        throw new RangeError(`batch.inputs[${i}] is ${inputs[i]}, expected an id from 0 to ${spec.inputSize - 1}`);
      }
      return;
    }
    if (inputs instanceof Int32Array) throw new TypeError('batch.inputs are ids, the model reads vectors');
    assertEngineDtype('batch', 'inputs', inputs, this.dtype);
    const D = spec.inputSize;
    for (let i = 0; i < inputs.length; i++) {
      if (Number.isFinite(inputs[i])) continue;
      const row = Math.floor(i / D);
      const step = Math.floor(row / sequences);
      if (hostMask[step * B + (row % sequences)] !== 1) continue;
      throw new RangeError(`batch.inputs[${i}] (step ${step}) is ${inputs[i]}, expected a finite number`);
    }
  }

  /** Fills the host's mask [steps,B] from lengths or mask; false where every sequence has every step. */
  private fillMask({ lengths, mask }: Batch, steps: number, sequences: number): boolean {
    const { B, hostMask } = this;
    if (lengths && mask) throw new TypeError('batch has both lengths and mask, expected one');
    const masked = lengths !== undefined || mask !== undefined || sequences < B;
    if (!masked) {
      hostMask.fill(1, 0, steps * B);
    } else if (mask) {
      assertLength('batch', 'mask', mask, '[steps,batch]', steps, sequences);
      for (let i = 0; i < mask.length; i++) {
        if (mask[i] !== 0 && mask[i] !== 1) throw new RangeError(`batch.mask[${i}] is ${mask[i]}, expected 0 or 1`);
      }
      if (this.spec.loss.per === 'sequence') {
        throw new RangeError(`batch.mask is given, but loss ${this.spec.loss.name} wants lengths`);
      }
      hostMask.fill(0, 0, steps * B);
      for (let t = 0; t < steps; t++) {
        for (let b = 0; b < sequences; b++) hostMask[t * B + b] = mask[t * sequences + b];
      }
    } else {
      if (lengths) assertLength('batch', 'lengths', lengths, '[batch]', sequences);
      for (let b = 0; b < B; b++) {
        const length = b < sequences ? (lengths?.[b] ?? steps) : 0;
        if (!Number.isInteger(length) || length < 0 || length > steps) {
          throw new RangeError(`batch.lengths[${b}] is ${length}, expected a whole number from 0 to steps = ${steps}`);
        }
        for (let t = 0; t < steps; t++) hostMask[t * B + b] = t < length ? 1 : 0;
      }
    }
    for (let b = 0; b < this.lengths.length; b++) {
      this.lengths[b] = b < sequences ? (lengths?.[b] ?? steps) : 0;
    }
    return masked;
  }

  /** Fills the host's loss weights: 0 for padding, times the batch's own weights, times the reduction's factor. */
  private fillWeights({ lossWeights }: Batch, steps: number, sequences: number): void {
    const { spec, B, V, dtype, hostMask, hostWeights } = this;
    const perRow = spec.loss.per === 'row' && spec.lossAt === 'every';
    const rows = perRow ? steps : 1;
    if (lossWeights) {
      if (perRow) assertLength('batch', 'lossWeights', lossWeights, '[steps,batch]', steps, sequences);
      else assertLength('batch', 'lossWeights', lossWeights, '[batch]', sequences);
    }
    let sum = 0;
    for (let t = 0; t < rows; t++) {
      for (let b = 0; b < B; b++) {
        const own = b < sequences && lossWeights ? lossWeights[t * sequences + b] : 1;
        if (!(own >= 0 && this.holds(own))) {
          const wanted = `a finite number ≥ 0 (${dtype})`;
          throw new RangeError(`batch.lossWeights[${t * sequences + b}] is ${own}, expected ${wanted}`);
        }
        const present = perRow ? hostMask[t * B + b] : hasStep(hostMask, b, steps, B);
        hostWeights[t * B + b] = own * present;
        sum += hostWeights[t * B + b];
      }
    }
    if (!(sum > 0)) throw new RangeError('batch: the mask, lengths and lossWeights leave no loss to learn from');
    if (!this.holds(sum))
      throw new RangeError(`batch.lossWeights: their sum is ${sum}, expected a finite one (${dtype})`);
    const { reduction } = spec;
    this.weights = hostWeights.subarray(0, rows * B);
    if (reduction === 'sum') return;
    const factor = reduction === 'mean' ? 1 / (sum * (spec.loss.meanOverOutputs ? V : 1)) : reduction;
    if (reduction === 'mean' && !this.holds(factor)) {
      const what = `batch.lossWeights: their sum is ${sum}, which is too small to divide by`;
      throw new RangeError(`${what}, expected one whose reciprocal is finite (${dtype})`);
    }
    for (let r = 0; r < rows * B; r++) {
      hostWeights[r] *= factor;
      if (Number.isFinite(hostWeights[r])) continue;
      throw new RangeError(
        `batch.lossWeights: with reduction ${factor} weight ${r} is ${hostWeights[r]}, expected a finite one (${dtype})`,
      );
    }
  }

  /** Whether a number is finite in the model's dtype. */
  private holds(value: number): boolean {
    return Number.isFinite(this.dtype === 'float32' ? Math.fround(value) : value);
  }

  private readTargets(batch: Batch, steps: number, sequences: number): Batch['targets'] {
    const { spec, V, B } = this;
    const { targets } = batch;
    if (spec.loss.targets === 'labels') return this.readLabels(batch, sequences);
    const rows = spec.lossAt === 'every' ? steps : 1;
    const values = spec.loss.targets === 'values';
    const width = values ? V : 1;
    const shape = `[${rows === 1 && spec.lossAt === 'last' ? 'batch' : 'steps,batch'}${values ? ',V' : ''}]`;
    if (values && targets instanceof Int32Array)
      throw new TypeError('batch.targets are classes, the loss compares values');
    if (!values && !(targets instanceof Int32Array))
      throw new TypeError(`batch.targets is ${typeName(targets)}, expected an Int32Array of classes`);
    if (values) assertEngineDtype('batch', 'targets', targets as FloatArray, this.dtype);
    if (targets.length !== rows * sequences * width) {
      throw new RangeError(
        `batch.targets has ${targets.length} elements, expected ${shape} = ${rows * sequences * width}`,
      );
    }
    let whole = sequences === B;
    for (let t = 0; t < rows; t++) {
      for (let b = 0; b < sequences; b++) {
        const row = (t * sequences + b) * width;
        for (let i = row; i < row + width; i++) {
          const fits = values ? Number.isFinite(targets[i]) : targets[i] >= 0 && targets[i] < V;
          if (fits) continue;
          if (this.weights[t * B + b] !== 0) {
            const wanted = values ? 'a finite number' : `a class from 0 to ${V - 1}`;
            throw new RangeError(`batch.targets[${i}] is ${targets[i]}, expected ${wanted}`);
          }
          whole = false;
        }
      }
    }
    if (whole) return targets;
    return this.spread(this.hostTargets, targets, rows, sequences, width, this.weights);
  }

  /** Labels [sequences,S] into [B,S]. */
  private readLabels({ targets, targetLengths }: Batch, sequences: number): Int32Array {
    const { V, B, S: most, weights } = this;
    if (!(targets instanceof Int32Array))
      throw new TypeError(`batch.targets is ${typeName(targets)}, expected an Int32Array of labels`);
    const S = targets.length / sequences;
    if (!Number.isInteger(S) || S > most) {
      throw new RangeError(
        `batch.targets has ${targets.length} elements, expected [batch,S] with batch = ${sequences} and S up to ${most}`,
      );
    }
    if (targetLengths) assertLength('batch', 'targetLengths', targetLengths, '[batch]', sequences);
    const own = (this.hostTargets as Int32Array).subarray(0, B * S).fill(0);
    for (let b = 0; b < B; b++) {
      const length = b < sequences ? (targetLengths?.[b] ?? S) : 0;
      if (!Number.isInteger(length) || length < 0 || length > S) {
        throw new RangeError(`batch.targetLengths[${b}] is ${length}, expected a whole number from 0 to S = ${S}`);
      }
      // What does not count has no labels: they may be anything.
      this.targetLengths[b] = weights[b] === 0 ? 0 : length;
      for (let s = 0; s < this.targetLengths[b]; s++) {
        const label = targets[b * S + s];
        if (!(label >= 0 && label < V)) {
          throw new RangeError(`batch.targets[${b * S + s}] is ${label}, expected a label from 0 to ${V - 1}`);
        }
        own[b * S + s] = label;
      }
    }
    this.spec.loss.assertLabels?.(own, this.targetLengths, this.lengths, B, S);
    this.labels = S;
    return own;
  }

  private fillCarry(carry: Carry, sequences: number): void {
    // Sequences that are not there keep their state.
    this.carry.fill(1, sequences);
    if (typeof carry === 'boolean') {
      this.carry.fill(carry ? 1 : 0, 0, sequences);
      return;
    }
    if (!isList(carry)) {
      throw new TypeError(`batch.carry is ${describe(carry)}, expected true, false or an array [batch] of 0 and 1`);
    }
    assertLength('batch', 'carry', carry, '[batch]', sequences);
    for (let b = 0; b < carry.length; b++) {
      if (carry[b] !== 0 && carry[b] !== 1) throw new RangeError(`batch.carry[${b}] is ${carry[b]}, expected 0 or 1`);
    }
    this.carry.set(carry);
  }

  /** Rows [rows,sequences,width] as [rows,B,width], 0 where `present` [rows,B] is 0. */
  private spread<A extends Batch['inputs']>(
    to: A,
    from: A,
    rows: number,
    sequences: number,
    width: number,
    present: FloatArray,
  ): A {
    const { B } = this;
    const out = to.subarray(0, rows * B * width) as A;
    out.fill(0);
    for (let t = 0; t < rows; t++) {
      for (let b = 0; b < sequences; b++) {
        if (present[t * B + b] === 0) continue;
        const [row, own] = [(t * B + b) * width, (t * sequences + b) * width];
        for (let i = 0; i < width; i++) out[row + i] = from[own + i];
      }
    }
    return out;
  }
}

/** Throws unless a batch is an object whose fields are those of a batch, lists where they are to be. */
export function assertBatch(batch: unknown): void {
  if (typeof batch !== 'object' || batch === null || Array.isArray(batch)) {
    throw new TypeError(`batch is ${describe(batch)}, expected an object with inputs and targets`);
  }
  assertOptions('batch', batch, BATCH_FIELDS);
  for (const name of ['lengths', 'mask', 'lossWeights', 'targetLengths'] as const) {
    const value = (batch as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined && !isList(value)) {
      throw new TypeError(`batch.${name} is ${describe(value)}, expected an array of numbers`);
    }
  }
}

function isList(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'length' in value;
}

const NO_TARGETS = new Int32Array(0);

function typeName(value: unknown): string {
  return (value as object | null | undefined)?.constructor?.name ?? String(value);
}

/** 1 where sequence b has any step at all. */
function hasStep(mask: FloatArray, b: number, steps: number, B: number): number {
  for (let t = 0; t < steps; t++) if (mask[t * B + b] === 1) return 1;
  return 0;
}
