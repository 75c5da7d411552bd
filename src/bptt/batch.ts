import { expectIds } from '../tensor/gather.ts';
import { type Dtype, expectLength, type FloatArray, zeros } from '../tensor/shape.ts';
import { expectEngineDtype } from './engine.ts';
import { type FullSpec, outputWidth } from './spec.ts';

/** What a model is to read and to say: one window of B sequences. */
export interface Batch {
  /** [T,B] symbols, or [T,B,D] vectors; T may be shorter than the model's. */
  inputs: Int32Array | FloatArray;
  /** [T,B] classes for the softmax cross-entropy, else [T,B,V] values; without T where the loss is at the last step. */
  targets: Int32Array | FloatArray;
  /** [B], how many steps each sequence has, 0 … T; the rest is padding. Left out: all T. */
  lengths?: ArrayLike<number>;
  /** [T,B], 1 where a sequence has the step, else 0: padding anywhere. Instead of `lengths`. */
  mask?: ArrayLike<number>;
  /** [T,B] (or [B] where the loss is at the last step), a weight ≥ 0 for each loss. Left out: 1. */
  lossWeights?: ArrayLike<number>;
}

/** Where a window starts: true where a sequence goes on from its given state. */
export type Keep = boolean | ArrayLike<number>;

/** A batch that was found right, as numbers to be copied: of a window of `steps` steps of B sequences. */
export interface ReadBatch {
  readonly steps: number;
  /** Whether {@link mask} is to be looked at: false where every sequence has every step. */
  readonly masked: boolean;
  readonly inputs: Batch['inputs'];
  readonly targets: Batch['targets'];
  /** [steps,B], 1 where a sequence has the step, else 0. */
  readonly mask: FloatArray;
  /** [R], a factor for each loss: the mask, times the batch's own weight, times the reduction's factor. */
  readonly weights: FloatArray;
  /** [B], 1 where a sequence goes on from its given state, 0 where it begins. */
  readonly keep: FloatArray;
}

/** Reads batches for a model of that spec: checks everything, and works out masks and the weights of the losses. */
export class BatchReader implements ReadBatch {
  steps = 0;
  masked = false;
  inputs: Batch['inputs'] = new Int32Array(0);
  targets: Batch['targets'] = new Int32Array(0);
  readonly keep: FloatArray;

  private readonly spec: FullSpec;
  private readonly T: number;
  private readonly B: number;
  private readonly V: number;
  private readonly dtype: Dtype;
  private readonly hostMask: FloatArray;
  private readonly hostWeights: FloatArray;
  private readonly views = new Map<number, { mask: FloatArray; weights: FloatArray }>();

  constructor(spec: FullSpec, T: number, B: number, dtype: Dtype) {
    this.spec = spec;
    this.T = T;
    this.B = B;
    this.V = outputWidth(spec);
    this.dtype = dtype;
    this.keep = zeros(dtype, B);
    this.hostMask = zeros(dtype, T * B);
    this.hostWeights = zeros(dtype, spec.lossAt === 'every' ? T * B : B);
  }

  get mask(): FloatArray {
    return this.window().mask;
  }

  get weights(): FloatArray {
    return this.window().weights;
  }

  /**
   * Checks a batch; {@link ReadBatch} then tells of it, until the next one is read. A batch that is not right leaves no
   * trace that is used.
   *
   * @param keep whether sequences go on from their given states or begin
   * @throws {RangeError | TypeError} naming what is wrong: a length that does not fit, an id out of range, a NaN or
   *   infinity in the inputs and its step, lengths over T, a mask or weights that leave nothing to learn from.
   */
  read(batch: Batch, keep: Keep = false): void {
    const { B, spec } = this;
    const D = spec.input === 'dense' ? spec.inputSize : 1;
    const steps = batch.inputs.length / (B * D);
    if (!Number.isInteger(steps) || steps < 1 || steps > this.T) {
      throw new RangeError(
        `SequenceModel.load: inputs has ${batch.inputs.length} elements, expected ${
          spec.input === 'ids' ? '[T,B]' : '[T,B,D]'
        } with T from 1 to ${this.T}, B = ${B}${spec.input === 'ids' ? '' : `, D = ${spec.inputSize}`}`,
      );
    }
    this.expectInputs(batch.inputs);
    const R = spec.lossAt === 'every' ? steps * B : B;
    this.expectTargets(batch.targets, R);
    const masked = this.fillMask(batch, steps);
    this.fillWeights(batch, steps, R);
    if (typeof keep === 'boolean') this.keep.fill(keep ? 1 : 0);
    else {
      this.expectKeep(keep);
      this.keep.set(keep);
    }
    this.steps = steps;
    this.masked = masked;
    this.inputs = batch.inputs;
    this.targets = batch.targets;
  }

  private expectInputs(inputs: Int32Array | FloatArray): void {
    const { spec, B } = this;
    if (spec.input === 'ids') {
      if (!(inputs instanceof Int32Array))
        throw new TypeError('SequenceModel.load: inputs must be an Int32Array of ids');
      expectIds('SequenceModel.load', 'inputs', inputs, spec.inputSize);
      return;
    }
    if (inputs instanceof Int32Array)
      throw new TypeError('SequenceModel.load: inputs are ids, the model reads vectors');
    expectEngineDtype('SequenceModel.load', 'inputs', inputs, this.dtype);
    const bad = inputs.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) {
      const step = Math.floor(bad / (B * spec.inputSize));
      throw new RangeError(
        `SequenceModel.load: inputs[${bad}] (step ${step}) is ${inputs[bad]}, expected a finite number`,
      );
    }
  }

  private expectKeep(keep: ArrayLike<number>): void {
    expectLength('SequenceModel.load', 'keep', keep, '[B]', this.B);
    for (let b = 0; b < keep.length; b++) {
      if (keep[b] !== 0 && keep[b] !== 1) {
        throw new RangeError(`SequenceModel.load: keep[${b}] is ${keep[b]}, expected 0 or 1`);
      }
    }
  }

  private expectTargets(targets: Int32Array | FloatArray, R: number): void {
    const { spec, V } = this;
    const fn = 'SequenceModel.load';
    const rows = spec.lossAt === 'every' ? 'T·B' : 'B';
    if (spec.loss === 'softmaxCrossEntropy') {
      if (!(targets instanceof Int32Array)) throw new TypeError(`${fn}: targets must be an Int32Array of classes`);
      expectLength(fn, 'targets', targets, `[${rows}]`, R);
      expectIds(fn, 'targets', targets, V);
      return;
    }
    if (targets instanceof Int32Array) throw new TypeError(`${fn}: targets are classes, the loss compares values`);
    expectLength(fn, 'targets', targets, `[${rows},V]`, R, V);
    expectEngineDtype(fn, 'targets', targets, this.dtype);
    const bad = targets.findIndex((v) => !Number.isFinite(v));
    if (bad >= 0) throw new RangeError(`${fn}: targets[${bad}] is ${targets[bad]}, expected a finite number`);
  }

  /** Fills the host's mask from lengths or mask; false where every sequence has every step. */
  private fillMask({ lengths, mask }: Batch, steps: number): boolean {
    const { B, hostMask } = this;
    const fn = 'SequenceModel.load';
    if (lengths && mask) throw new TypeError(`${fn}: got both lengths and mask, expected one`);
    if (!lengths && !mask) {
      hostMask.fill(1);
      return false;
    }
    if (mask) {
      expectLength(fn, 'mask', mask, '[T,B]', steps, B);
      for (let i = 0; i < mask.length; i++) {
        if (mask[i] !== 0 && mask[i] !== 1) throw new RangeError(`${fn}: mask[${i}] is ${mask[i]}, expected 0 or 1`);
      }
      hostMask.set(mask);
    } else if (lengths) {
      expectLength(fn, 'lengths', lengths, '[B]', B);
      for (let b = 0; b < B; b++) {
        const length = lengths[b];
        if (!Number.isInteger(length) || length < 0 || length > steps) {
          throw new RangeError(`${fn}: lengths[${b}] is ${length}, expected 0 … T = ${steps}`);
        }
        for (let t = 0; t < steps; t++) hostMask[t * B + b] = t < length ? 1 : 0;
      }
    }
    return true;
  }

  /** Fills the host's loss weights [R]: the mask, times the batch's own weights, times the reduction's factor. */
  private fillWeights({ lossWeights }: Batch, steps: number, R: number): void {
    const { spec, B, V, hostMask, hostWeights } = this;
    const fn = 'SequenceModel.load';
    if (lossWeights) expectLength(fn, 'lossWeights', lossWeights, spec.lossAt === 'every' ? '[T·B]' : '[B]', R);
    let sum = 0;
    for (let r = 0; r < R; r++) {
      const weight = lossWeights ? lossWeights[r] : 1;
      if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
        throw new RangeError(`${fn}: lossWeights[${r}] is ${weight}, expected a finite number ≥ 0`);
      }
      const present = spec.lossAt === 'every' ? hostMask[r] : hasStep(hostMask, r, steps, B);
      hostWeights[r] = weight * present;
      sum += hostWeights[r];
    }
    if (!(sum > 0)) throw new RangeError(`${fn}: the mask, lengths and lossWeights leave no loss to learn from`);
    const { reduction } = spec;
    if (reduction === 'sum') return;
    const perStep = spec.loss === 'softmaxCrossEntropy' ? 1 : V;
    const factor = reduction === 'mean' ? 1 / (sum * perStep) : reduction;
    for (let r = 0; r < R; r++) hostWeights[r] *= factor;
  }

  /** Views of the loaded window's part of the buffers, made once for each length. */
  private window(): { mask: FloatArray; weights: FloatArray } {
    const { steps, B, spec } = this;
    let views = this.views.get(steps);
    if (!views) {
      const R = spec.lossAt === 'every' ? steps * B : B;
      views = { mask: this.hostMask.subarray(0, steps * B), weights: this.hostWeights.subarray(0, R) };
      this.views.set(steps, views);
    }
    return views;
  }
}

/** 1 where sequence b has any step at all. */
function hasStep(mask: FloatArray, b: number, steps: number, B: number): number {
  for (let t = 0; t < steps; t++) if (mask[t * B + b] === 1) return 1;
  return 0;
}
