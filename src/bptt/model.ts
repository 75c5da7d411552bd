import { drawDropoutMask } from '../layers/dropout.ts';
import type { RandomState } from '../tensor/random.ts';
import { type FloatArray, zeros } from '../tensor/shape.ts';
import { type Batch, BatchReader, type Keep, type ReadBatch } from './batch.ts';
import type { Engine } from './engine.ts';
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

/** Options of {@link SequenceModel}. */
export interface ModelOptions<F = FloatArray> {
  /** T, the most steps of a window. */
  steps: number;
  /** B, the sequences of a batch. */
  batch: number;
  /** Whether backward is to give the gradient of the inputs (vectors only). Default false. */
  inputGradient?: boolean;
  /** Another model's parameters, of the same spec, to work on. Left out: its own. */
  parameters?: ParameterBlock<F>;
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
  private readonly walks = new Map<number, Passes>();
  private readonly reader: BatchReader;
  private readonly hostDropout: FloatArray;
  private loaded = { steps: 0, masked: false };

  /**
   * @throws {RangeError | TypeError} where the spec or a size makes no sense or the workspace would be absurdly large.
   */
  constructor(engine: Engine<F, I>, spec: ModelSpec, options: ModelOptions<F>) {
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
    this.parameters = options.parameters ?? new ParameterBlock(engine, places);
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
    this.reader = new BatchReader(full, T, B, engine.dtype);
    this.hostDropout = zeros(engine.dtype, full.dropout > 0 ? T * B * H : 0);
  }

  /**
   * Checks a batch and copies it into the engine. Nothing is copied unless everything is right.
   *
   * @param keep whether sequences go on from their given states (the stack's `given`) or begin
   * @returns the number of steps of the window
   * @throws {RangeError | TypeError} as {@link BatchReader.read}.
   */
  load(batch: Batch, keep: Keep = false): number {
    this.reader.read(batch, keep);
    this.take(this.reader);
    return this.loaded.steps;
  }

  /** Copies what a reader of this model's sizes has read into the engine. */
  take({ steps, masked, inputs, targets, mask, weights, keep }: ReadBatch): void {
    const { engine, stack, spec } = this;
    if (spec.input === 'ids') engine.writeInts(stack.ids, inputs);
    else engine.write(stack.x, inputs);
    if (spec.loss === 'softmaxCrossEntropy') engine.writeInts(this.targetIds, targets);
    else engine.write(this.targetValues, targets);
    if (masked) engine.write(stack.mask, mask);
    engine.write(this.lossWeights, weights);
    engine.write(stack.keep, keep);
    this.loaded = { steps, masked };
  }

  /**
   * From the loaded batch to outputs and {@link loss}.
   *
   * @param rng draws the dropout masks of a training pass; leave it out where nothing is to be dropped
   */
  forward(rng?: RandomState): void {
    const { engine, spec, stack } = this;
    const { steps } = this.loaded;
    if (steps === 0) throw new Error('SequenceModel.forward: no batch is loaded');
    const dropping = rng !== undefined && spec.dropout > 0;
    if (dropping) {
      for (const mask of stack.dropoutMasks) {
        drawDropoutMask(this.hostDropout, spec.dropout, rng);
        engine.write(mask, this.hostDropout);
      }
    }
    this.passes(dropping).forward();
  }

  private walkForward(steps: number, masked: boolean, dropping: boolean): void {
    const { engine, spec, stack, B, V } = this;
    const k = engine.kernels;
    const views = this.window(steps);
    stack.forward(steps, masked, dropping);
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
    const { steps } = this.loaded;
    if (steps === 0) throw new Error('SequenceModel.backward: no batch is loaded');
    if (!(span >= 1)) throw new RangeError(`SequenceModel.backward: span is ${span}, expected a number ≥ 1`);
    const dropped = training && this.spec.dropout > 0;
    const passes = this.passes(dropped);
    let backward = passes.backward.get(span);
    if (!backward) {
      const { masked } = this.loaded;
      backward = this.engine.repeatable(() => this.walkBackward(steps, masked, dropped, span));
      passes.backward.set(span, backward);
    }
    backward();
  }

  private walkBackward(steps: number, masked: boolean, dropped: boolean, span: number): void {
    const { engine, spec, stack, B, V } = this;
    const k = engine.kernels;
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
    stack.backward(steps, masked, dropped, span);
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

  /** The passes over the loaded window, made at its first use: from one to the next only what stands in buffers differs. */
  private passes(dropping: boolean): Passes {
    const { steps, masked } = this.loaded;
    const key = 4 * steps + (masked ? 2 : 0) + (dropping ? 1 : 0);
    let passes = this.walks.get(key);
    if (!passes) {
      const forward = this.engine.repeatable(() => this.walkForward(steps, masked, dropping));
      passes = { forward, backward: new Map() };
      this.walks.set(key, passes);
    }
    return passes;
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

/** The two passes over a window of one length: with or without a mask, with or without dropout. */
interface Passes {
  readonly forward: () => void;
  /** By span. */
  readonly backward: Map<number, () => void>;
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

function expectCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`SequenceModel: ${name} is ${value}, expected a whole number ≥ 1`);
  }
}
