import { drawDropoutMask } from '../layers/dropout.ts';
import { expectIds } from '../tensor/gather.ts';
import type { RandomState } from '../tensor/random.ts';
import { expectLength, type FloatArray, zeros } from '../tensor/shape.ts';
import { type Engine, expectEngineDtype } from './engine.ts';
import { ParameterBlock } from './parameters.ts';
import { RecurrentStack } from './recurrent.ts';
import {
  directionsOf,
  type FullSpec,
  fullSpec,
  hasCellState,
  type ModelSpec,
  outputWidth,
  parameterPlaces,
  stateWidth,
} from './spec.ts';

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

/** Options of {@link SequenceModel}. */
export interface ModelOptions {
  /** T, the most steps of a window. */
  steps: number;
  /** B, the sequences of a batch. */
  batch: number;
  /** Whether backward is to give the gradient of the inputs (vectors only). Default false. */
  inputGradient?: boolean;
}

/** The most numbers that a model's workspace may hold: 2³² bytes of float32. */
const LARGEST_WORKSPACE = 2 ** 30;

/**
 * A stack of recurrent layers, an output layer and a loss, on one engine: `load` a batch, `forward`, `backward`.
 *
 *     z_t = Who·h_t + bho,   loss = Σ w·loss(z_t, target_t)
 *
 * Everything stays in the engine's buffers, which are made here, once.
 */
export class SequenceModel<F, I> {
  readonly spec: FullSpec;
  readonly T: number;
  readonly B: number;
  readonly engine: Engine<F, I>;
  readonly parameters: ParameterBlock<F>;
  readonly gradients: ParameterBlock<F>;
  readonly stack: RecurrentStack<F, I>;
  /** [1], the loss of the last forward pass. */
  readonly loss: F;

  private readonly inputSize: number;
  private readonly V: number;
  /** [R,V]: logits, what they become (probabilities, or values), and the gradient of the logits. */
  private readonly z: F;
  private readonly o: F;
  private readonly dz: F;
  /** [B, H·directions], the final states side by side where the loss is at the last step. */
  private readonly last: F;
  private readonly dlast: F;
  /** [R] each. */
  private readonly losses: F;
  private readonly lossWeights: F;
  private readonly targetIds: I;
  private readonly targetValues: F;
  private readonly views = new Map<number, OutputViews<F, I>>();
  /** Host side of `mask`, `lossWeights`. */
  private readonly hostMask: FloatArray;
  private readonly hostWeights: FloatArray;
  private readonly hostDropout: FloatArray;
  private loaded = { steps: 0, masked: false };

  /**
   * @throws {RangeError | TypeError} where the spec or a size makes no sense or the workspace would be absurdly large.
   */
  constructor(engine: Engine<F, I>, spec: ModelSpec, options: ModelOptions) {
    const full = fullSpec(spec);
    const { steps: T, batch: B, inputGradient = false } = options;
    expectCount('steps', T);
    expectCount('batch', B);
    const H = stateWidth(full);
    const V = outputWidth(full);
    const work = T * B * (V * 4 + full.layers * H * 14 + (full.input === 'dense' ? full.inputSize : 1));
    if (work > LARGEST_WORKSPACE) {
      throw new RangeError(
        `SequenceModel: steps ${T} and batch ${B} would need about ${work} numbers, expected at most ${LARGEST_WORKSPACE}`,
      );
    }
    const places = parameterPlaces(full);
    const R = full.lossAt === 'every' ? T * B : B;
    const classes = full.loss === 'softmaxCrossEntropy';
    this.engine = engine;
    this.spec = full;
    this.T = T;
    this.B = B;
    this.V = V;
    this.inputSize = full.input === 'dense' ? full.inputSize : 1;
    this.parameters = new ParameterBlock(engine, places);
    this.gradients = new ParameterBlock(engine, places);
    this.stack = new RecurrentStack(engine, full, T, B, this.parameters, this.gradients, inputGradient);
    this.loss = engine.floats(1);
    this.z = engine.floats(R * V);
    this.o = engine.floats(R * V);
    this.dz = engine.floats(R * V);
    this.last = engine.floats(full.lossAt === 'last' ? B * H : 0);
    this.dlast = engine.floats(full.lossAt === 'last' ? B * H : 0);
    this.losses = engine.floats(R);
    this.lossWeights = engine.floats(R);
    this.targetIds = engine.ints(classes ? R : 0);
    this.targetValues = engine.floats(classes ? 0 : R * V);
    this.hostMask = zeros(engine.dtype, T * B);
    this.hostWeights = zeros(engine.dtype, R);
    this.hostDropout = zeros(engine.dtype, full.dropout > 0 ? T * B * H : 0);
  }

  /**
   * Checks a batch and copies it into the engine. Nothing is copied unless everything is right.
   *
   * @param keep whether sequences go on from their given states (the stack's `given`) or begin
   * @returns the number of steps of the window
   * @throws {RangeError | TypeError} naming what is wrong: a length that does not fit, an id out of range, a NaN or
   *   infinity in the inputs and its step, lengths over T, a mask or weights that leave nothing to learn from.
   */
  load(batch: Batch, keep: Keep = false): number {
    const { B, engine, stack, spec } = this;
    const steps = batch.inputs.length / (B * this.inputSize);
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
    if (typeof keep !== 'boolean') this.expectKeep(keep);

    if (spec.input === 'ids') engine.writeInts(stack.ids, batch.inputs);
    else engine.write(stack.x, batch.inputs);
    if (spec.loss === 'softmaxCrossEntropy') engine.writeInts(this.targetIds, batch.targets);
    else engine.write(this.targetValues, batch.targets);
    if (masked) engine.write(stack.mask, this.hostMask);
    engine.write(this.lossWeights, this.hostWeights);
    if (typeof keep === 'boolean') engine.fill(stack.keep, keep ? 1 : 0);
    else engine.write(stack.keep, keep);
    this.loaded = { steps, masked };
    return steps;
  }

  /**
   * From the loaded batch to outputs and {@link loss}.
   *
   * @param rng draws the dropout masks of a training pass; leave it out where nothing is to be dropped
   */
  forward(rng?: RandomState): void {
    const { engine, spec, stack, B, V } = this;
    const k = engine.kernels;
    const { steps, masked } = this.loaded;
    if (steps === 0) throw new Error('SequenceModel.forward: no batch is loaded');
    const views = this.window(steps);
    if (rng && spec.dropout > 0) {
      for (const mask of stack.dropoutMasks) {
        drawDropoutMask(this.hostDropout, spec.dropout, rng);
        engine.write(mask, this.hostDropout);
      }
    }
    stack.forward(steps, masked, rng !== undefined);
    if (spec.lossAt === 'last') {
      for (let d = 0; d < directionsOf(spec); d++) {
        const H = spec.hiddenSize;
        k.placeColumns(this.last, stack.final(steps, spec.layers - 1, d).h, B, stateWidth(spec), d * H, H);
      }
    }
    const { R, h, z, o, losses, lossWeights, targetIds, targetValues } = views;
    if (spec.outputSize > 0) {
      const { Who, bho } = this.outputLayer(this.parameters);
      k.linearForward(z, h, Who, bho, R, stateWidth(spec), V);
    } else {
      engine.copy(z, h);
    }
    if (spec.loss === 'softmaxCrossEntropy') k.softmaxCrossEntropyForward(losses, o, z, targetIds, lossWeights, R, V);
    else if (spec.loss === 'sigmoidCrossEntropy') {
      k.sigmoidCrossEntropyForward(losses, o, z, targetValues, lossWeights, R, V);
    } else if (spec.loss === 'binaryCrossEntropyOfSoftmax') {
      k.binaryCrossEntropyOfSoftmaxForward(losses, o, z, targetValues, lossWeights, R, V);
    } else {
      if (spec.outputActivation === 'sigmoid') k.sigmoid(o, z);
      else engine.copy(o, z);
      k.squaredErrorForward(losses, o, targetValues, lossWeights, R, V);
    }
    k.sumAxis(this.loss, losses, 1, R, 1);
  }

  /**
   * From the loss of the last {@link forward} back to every gradient: the parameters' are added to {@link gradients}.
   *
   * @param training whether that forward pass dropped
   * @param span see {@link RecurrentStack.backward}
   */
  backward(training = false, span: number = Number.POSITIVE_INFINITY): void {
    const { engine, spec, stack, B, V } = this;
    const k = engine.kernels;
    const { steps, masked } = this.loaded;
    if (steps === 0) throw new Error('SequenceModel.backward: no batch is loaded');
    if (!(span >= 1)) throw new RangeError(`SequenceModel.backward: span is ${span}, expected a number ≥ 1`);
    const { R, h, dh, o, dz, lossWeights, targetIds, targetValues } = this.window(steps);
    if (spec.loss === 'softmaxCrossEntropy') k.softmaxCrossEntropyBackward(dz, o, targetIds, lossWeights, R, V);
    else if (spec.loss === 'sigmoidCrossEntropy') {
      k.sigmoidCrossEntropyBackward(dz, o, targetValues, lossWeights, R, V);
    } else if (spec.loss === 'binaryCrossEntropyOfSoftmax') {
      k.binaryCrossEntropyOfSoftmaxBackward(dz, o, targetValues, lossWeights, R, V);
    } else {
      k.squaredErrorBackward(dz, o, targetValues, lossWeights, R, V);
      if (spec.outputActivation === 'sigmoid') k.sigmoidBackward(dz, dz, o);
    }
    if (spec.outputSize > 0) {
      const { Who } = this.outputLayer(this.parameters);
      const { Who: dWho, bho: dbho } = this.outputLayer(this.gradients);
      k.linearBackward(dh, dWho, dbho, dz, h, Who, R, stateWidth(spec), V);
    } else {
      engine.copy(dh, dz);
    }
    if (spec.lossAt === 'last') {
      engine.fill(stack.doutput(steps), 0);
      for (let d = 0; d < directionsOf(spec); d++) {
        const H = spec.hiddenSize;
        k.takeColumns(stack.dfinal(spec.layers - 1, d).h, dh, B, stateWidth(spec), d * H, H);
      }
    }
    stack.backward(steps, masked, training, span);
  }

  /** The number of steps of the loaded window; 0 where none is loaded. */
  get steps(): number {
    return this.loaded.steps;
  }

  /** [R,V], what the model says after the last forward pass: probabilities, or values. R is steps·B, or B at the last. */
  outputs(): F {
    return this.window(this.loaded.steps).o;
  }

  /** [R,V], what the outputs were before the softmax or sigmoid. */
  logits(): F {
    return this.window(this.loaded.steps).z;
  }

  /** [R,V], the gradient of the logits, after {@link backward}. */
  logitGradients(): F {
    return this.window(this.loaded.steps).dz;
  }

  /** Every state [B,H] that the loaded window goes on from, with its name (`h_l0`, `c_l1_reverse`, …). */
  eachState(visit: (name: string, layer: number, direction: number, which: 'h' | 'c') => void): void {
    const { spec } = this;
    for (let layer = 0; layer < spec.layers; layer++) {
      for (let d = 0; d < directionsOf(spec); d++) {
        const suffix = `_l${layer}${d === 1 ? '_reverse' : ''}`;
        visit(`h${suffix}`, layer, d, 'h');
        if (hasCellState(spec.cell)) visit(`c${suffix}`, layer, d, 'c');
      }
    }
  }

  private outputLayer(block: ParameterBlock<F>): { Who: F; bho: F | null } {
    return { Who: block.get('weight_ho')!, bho: block.get('bias_ho') };
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
    expectEngineDtype('SequenceModel.load', 'inputs', inputs, this.engine.dtype);
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
    expectEngineDtype(fn, 'targets', targets, this.engine.dtype);
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

  /** The views of a window of that many steps, made at its first use. */
  private window(steps: number): OutputViews<F, I> {
    let views = this.views.get(steps);
    if (!views) {
      const { engine, spec, stack, B, V } = this;
      const every = spec.lossAt === 'every';
      const R = every ? steps * B : B;
      const classes = spec.loss === 'softmaxCrossEntropy';
      views = {
        R,
        h: every ? stack.output(steps) : this.last,
        dh: every ? stack.doutput(steps) : this.dlast,
        z: engine.slice(this.z, 0, R * V),
        o: engine.slice(this.o, 0, R * V),
        dz: engine.slice(this.dz, 0, R * V),
        losses: engine.slice(this.losses, 0, R),
        lossWeights: engine.slice(this.lossWeights, 0, R),
        targetIds: engine.sliceInts(this.targetIds, 0, classes ? R : 0),
        targetValues: engine.slice(this.targetValues, 0, classes ? 0 : R * V),
      };
      this.views.set(steps, views);
    }
    return views;
  }
}

interface OutputViews<F, I> {
  R: number;
  /** [R, H·directions], what the output layer reads, and its gradient. */
  h: F;
  dh: F;
  z: F;
  o: F;
  dz: F;
  losses: F;
  lossWeights: F;
  targetIds: I;
  targetValues: F;
}

/** 1 where sequence b has any step at all. */
function hasStep(mask: FloatArray, b: number, steps: number, B: number): number {
  for (let t = 0; t < steps; t++) if (mask[t * B + b] === 1) return 1;
  return 0;
}

function expectCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`SequenceModel: ${name} is ${value}, expected a whole number ≥ 1`);
  }
}
