import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertFunction, assertObject } from '../check/values.ts';
import { drawDropoutMask } from '../layers/dropout.ts';
import type { LossWindow } from '../layers/loss.ts';
import type { RandomState } from '../tensor/random.ts';
import { type FloatArray, zeros } from '../tensor/shape.ts';
import { type Batch, BatchReader, type Carry, type CheckedBatch, type InputBatch } from './batch.ts';
import type { DropoutMask } from './dropoutMask.ts';
import { type Engine, type SizeOnly, sizingEngine, type WeightsFormat } from './engine.ts';
import { LruMap } from './lruMap.ts';
import { OutputLayers, type ReadoutWindow } from './outputLayers.ts';
import { ParameterBlock } from './parameters.ts';
import { KEPT_WINDOWS, RecurrentStack, type WindowKind, windowKey } from './recurrent.ts';
import {
  directionsOf,
  drops,
  type ModelSpec,
  outputWidth,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
  stateWidth,
} from './spec.ts';

/** Options of {@link SequenceModel}. */
export interface ModelOptions<F = FloatArray> {
  /** T, the most steps of a window. */
  steps: number;
  /** B, the most sequences of a batch. */
  batch: number;
  /** S, the most labels of a sequence, where the loss's targets are labels. Default: as many as steps. */
  labels?: number;
  /** Whether backward gives the gradient of the inputs (vectors only). Default false. */
  inputGradient?: boolean;
  /** Whether backward gives the gradients of the initial states. Default true. */
  initialGradient?: boolean;
  /** Whether forward passes sum the losses into {@link SequenceModel.loss}. Default true. */
  sumLosses?: boolean;
  /** Whether gradients are computed. Default true; a model that only predicts has no room for those of the parameters. */
  backward?: boolean;
  /** Another model's parameters, of the same spec, to work on. Left out: its own. */
  parameters?: ParameterBlock<F>;
}

/** The most numbers that a model's workspace may hold: 2³² bytes of float32. */
const LARGEST_WORKSPACE = 2 ** 30;

/**
 * A stack of recurrent layers, an output layer and a loss, on one engine: `load` a batch, then {@link predict},
 * {@link forward} and {@link backward}, or {@link forwardBackward}.
 *
 *     logits_t = Who·y_t + bho,   loss = Σ weight·loss(logits_t, target_t)
 *
 * Everything stays in the engine's buffers, which are made here, once.
 */
export class SequenceModel<F, I> {
  readonly spec: ResolvedSpec;
  readonly T: number;
  readonly B: number;
  readonly engine: Engine<F, I>;
  readonly parameters: ParameterBlock<F>;
  readonly gradients: ParameterBlock<F>;
  readonly stack: RecurrentStack<F, I>;
  /** [1], the loss of the last forward pass. */
  readonly loss: F;

  /** The dropout masks of a training pass, in the order in which they are drawn. */
  readonly dropoutMasks: readonly DropoutMask<F>[];

  private readonly V: number;
  private readonly outputLayers: OutputLayers<F, I>;
  /** [R,V]: logits, outputs (probabilities, or values), and the gradient of the logits. */
  private readonly allLogits: F;
  private readonly allOutputs: F;
  private readonly allDlogits: F;
  /** [B, H·directions], the top layer's last outputs side by side where the loss is at the last step. */
  private readonly last: F;
  private readonly dlast: F;
  /** [B·directions], where these stand among the top layer's outputs; empty where they are the final states. */
  private readonly lastRows: I;
  private readonly hostLastRows: Int32Array;
  /** [R] or [B] each. */
  private readonly allLosses: F;
  private readonly lossWeights: F;
  private readonly targetIds: I;
  private readonly targetValues: F;
  /** [B] each, of a loss per sequence. */
  private readonly lengths: I;
  private readonly targetLengths: I;
  private readonly scratch: F;
  private readonly windows = new LruMap<number, OutputWindow<F, I>>(KEPT_WINDOWS);
  private readonly passes = new LruMap<string, () => void>(4 * KEPT_WINDOWS);
  private readonly reader: BatchReader;
  private readonly hostDropout: FloatArray;
  private readonly sumsLosses: boolean;
  private loaded: WindowKind & { readonly labels: number; readonly hasTargets: boolean } = NOTHING;

  /**
   * @throws {RangeError | TypeError} where the spec or a size makes no sense or the workspace would be absurdly large.
   */
  constructor(engine: Engine<F, I>, spec: ModelSpec | ResolvedSpec, options: ModelOptions<F>) {
    const full = resolveSpec(spec);
    assertObject('SequenceModel', 'options', options);
    const { steps: T, batch: B, labels: S = T, sumLosses = true } = options;
    assertCount('steps', T);
    assertCount('batch', B);
    assertCount('labels', S);
    const H = stateWidth(full);
    const V = outputWidth(full);
    const work = T * B * (V * 4 + full.layers * H * 14 + (full.input === 'dense' ? full.inputSize : 1) + around(full));
    if (work > LARGEST_WORKSPACE) {
      throw new RangeError(
        `spec: with steps ${T} and batch ${B} the model would need about ${work} numbers, expected at most ${LARGEST_WORKSPACE}`,
      );
    }
    const { loss } = full;
    const layout = parameterLayout(full);
    const R = full.lossAt === 'every' ? T * B : B;
    const sequenceLoss = loss.per === 'sequence';
    if (engine.halves !== undefined && options.backward !== false) {
      throw new RangeError(
        'SequenceModel: the engine keeps weights as bf16, which are for prediction: backward must be false',
      );
    }
    this.engine = engine;
    this.spec = full;
    this.T = T;
    this.B = B;
    this.V = V;
    this.sumsLosses = sumLosses;
    this.parameters = options.parameters ?? new ParameterBlock(engine, layout);
    this.gradients = options.backward === false ? this.parameters : new ParameterBlock(engine, layout);
    this.stack = new RecurrentStack(engine, full, T, B, this.parameters, this.gradients, options);
    this.outputLayers = new OutputLayers(engine, full, B, R, this.parameters, this.gradients);
    this.dropoutMasks = [...this.stack.dropoutMasks, ...this.outputLayers.dropoutMasks];
    this.loss = engine.floats(1);
    this.allLogits = engine.floats(R * V);
    this.allOutputs = engine.floats(R * V);
    this.allDlogits = engine.floats(R * V);
    this.last = engine.floats(full.lossAt === 'last' ? B * H : 0);
    this.dlast = engine.floats(full.lossAt === 'last' ? B * H : 0);
    this.hostLastRows = new Int32Array(gathersLast(full) ? B * directionsOf(full) : 0);
    this.lastRows = engine.ints(this.hostLastRows.length);
    this.allLosses = engine.floats(sequenceLoss ? B : R);
    this.lossWeights = engine.floats(sequenceLoss ? B : R);
    this.targetIds = engine.ints(loss.targets === 'classes' ? R : loss.targets === 'labels' ? B * S : 0);
    this.targetValues = engine.floats(loss.targets === 'values' ? R * V : 0);
    this.lengths = engine.ints(sequenceLoss ? B : 0);
    this.targetLengths = engine.ints(sequenceLoss ? B : 0);
    const lossSteps = full.lossAt === 'every' ? T : 1;
    this.scratch = engine.floats(loss.scratchSize?.({ T: lossSteps, B, V, S }) ?? 0);
    this.reader = new BatchReader(full, T, B, S, engine.dtype);
    this.hostDropout = zeros(engine.dtype, Math.max(0, ...this.dropoutMasks.map(({ length }) => length(T))));
  }

  /**
   * Checks a batch and copies it into the engine. Nothing is copied unless everything is right.
   *
   * @param carry whether sequences go on from their initial states (the stack's `initial`) or begin
   * @param rng draws the dropout masks of a training pass; leave it out where nothing is to be dropped
   * @returns the number of steps of the window
   * @throws {RangeError | TypeError} as training on the batch throws.
   */
  load(batch: Batch, carry: Carry = false, rng?: RandomState): number {
    this.reader.read(batch, carry);
    this.loadChecked(this.reader, rng);
    return this.loaded.steps;
  }

  /** The same for inputs alone, which {@link predict} reads. */
  loadInputs(batch: InputBatch, carry: Carry = false): number {
    this.reader.readForPrediction(batch, carry);
    this.loadChecked(this.reader);
    return this.loaded.steps;
  }

  /** Copies what a reader of this model's sizes has read into the engine. */
  loadChecked(batch: CheckedBatch, rng?: RandomState): void {
    const { engine, stack, spec } = this;
    const { steps, masked, inputs, targets, mask, carry, labels } = batch;
    if (spec.input === 'ids') engine.writeInts(stack.ids, inputs);
    else engine.write(stack.x, inputs);
    if (targets !== null) {
      if (spec.loss.targets === 'values') engine.write(this.targetValues, targets);
      else engine.writeInts(this.targetIds, targets);
      engine.write(this.lossWeights, batch.weights);
      if (spec.loss.per === 'sequence') {
        engine.writeInts(this.lengths, batch.lengths);
        engine.writeInts(this.targetLengths, batch.targetLengths);
      }
    }
    if (masked) engine.write(stack.mask, mask);
    engine.write(stack.carry, carry);
    if (this.hostLastRows.length > 0) {
      fillLastRows(this.hostLastRows, masked ? mask : null, steps, this.B);
      engine.writeInts(this.lastRows, this.hostLastRows);
    }
    const dropping = rng !== undefined && drops(spec);
    if (dropping) {
      for (const { mask: dropoutMask, rate, length } of this.dropoutMasks) {
        const values = this.hostDropout.subarray(0, length(steps));
        drawDropoutMask(values, rate, rng);
        engine.write(dropoutMask, values);
      }
    }
    this.loaded = { steps, masked, dropping, labels, hasTargets: targets !== null };
  }

  /** From the loaded inputs to {@link logits} and {@link outputs}, without targets or a loss. */
  predict(): void {
    this.run('predict', (window) => {
      this.predictPass(window);
      this.engine.lossOutputs(this.spec.loss, window.outputs, window.logits, window.R, this.V);
    });
  }

  /** From the loaded inputs to {@link logits} alone. */
  predictLogits(): void {
    this.run('predictLogits', (window) => this.predictPass(window));
  }

  /** From the loaded batch to outputs and {@link loss}. */
  forward(): void {
    this.assertTargets('forward');
    this.run('forward', (window) => {
      this.predictPass(window);
      this.engine.lossForward(this.spec.loss, window);
      this.sumLosses(window);
    });
  }

  /**
   * From the loss of the last {@link forward} back to every gradient: the parameters' are added to {@link gradients}.
   *
   * @param backSteps truncated backpropagation inside the window: the gradient is cut at every multiple of so many steps
   */
  backward(backSteps: number = Number.POSITIVE_INFINITY): void {
    this.assertBackward('backward');
    assertBackSteps(backSteps);
    this.run(`backward ${backSteps}`, (window) => {
      this.engine.lossBackward(this.spec.loss, window);
      this.backwardPass(window, backSteps);
    });
  }

  /** {@link forward} and {@link backward} in one pass, the loss together with its gradient. */
  forwardBackward(backSteps: number = Number.POSITIVE_INFINITY): void {
    this.assertBackward('forwardBackward');
    assertBackSteps(backSteps);
    this.run(`forwardBackward ${backSteps}`, (window) => {
      this.predictPass(window);
      this.engine.lossForwardBackward(this.spec.loss, window);
      this.sumLosses(window);
      this.backwardPass(window, backSteps);
    });
  }

  private sumLosses({ losses, lossCount }: OutputWindow<F, I>): void {
    if (this.sumsLosses) this.engine.kernels.sumAxis(this.loss, losses, 1, lossCount, 1);
  }

  private predictPass({ kind, readout, logits }: OutputWindow<F, I>): void {
    const { stack, outputLayers } = this;
    stack.forward(kind);
    if (this.spec.lossAt === 'last') this.takeLast(kind);
    outputLayers.forward(logits, readout);
  }

  private backwardPass({ kind, readout, dlogits }: OutputWindow<F, I>, backSteps: number): void {
    const { engine, spec, stack, outputLayers } = this;
    const ofOutput = outputLayers.backward(dlogits, readout);
    if (spec.lossAt === 'last') this.takeLastBackward(kind);
    engine.weightGradients([...ofOutput, ...stack.backward(kind, backSteps)]);
  }

  /**
   * The top layer's last outputs [B,H·directions]: of the direction forward in time at a sequence's last step, of the other
   * at its first. Those are the final states where outputs are states.
   */
  private takeLast(kind: WindowKind): void {
    const { engine, spec, stack, B } = this;
    const k = engine.kernels;
    const [H, n] = [spec.hiddenSize, directionsOf(spec)];
    if (gathersLast(spec)) {
      k.gatherRows(this.last, stack.output(kind), this.lastRows, n * B, n * kind.steps * B, H);
      return;
    }
    for (let d = 0; d < n; d++) {
      k.placeColumns(this.last, stack.recurrence(kind, spec.layers - 1, d).final[0], B, n * H, d * H, H);
    }
  }

  private takeLastBackward(kind: WindowKind): void {
    const { engine, spec, stack, B } = this;
    const k = engine.kernels;
    const [H, n] = [spec.hiddenSize, directionsOf(spec)];
    k.fill(stack.doutput(kind), 0);
    if (gathersLast(spec)) {
      k.gatherRowsBackward(stack.doutput(kind), this.dlast, this.lastRows, n * B, n * kind.steps * B, H);
      return;
    }
    for (let d = 0; d < n; d++) {
      k.takeColumns(stack.dfinal(spec.layers - 1, d)[0], this.dlast, B, n * H, d * H, H);
    }
  }

  /** The kind of the loaded window; its `steps` are 0 where none is loaded. */
  get window(): WindowKind {
    return this.loaded;
  }

  /** The number of steps of the loaded window; 0 where none is loaded. */
  get steps(): number {
    return this.loaded.steps;
  }

  /** [R,V], probabilities or values, after the last pass. R is steps·B, or B where the loss is at the last step. */
  outputs(): F {
    return this.outputWindow().outputs;
  }

  /** [R,V], what the outputs were before the softmax or sigmoid. */
  logits(): F {
    return this.outputWindow().logits;
  }

  /** [R] or, of a loss per sequence, [B]: the losses of the last forward pass, weights included. */
  losses(): F {
    return this.outputWindow().losses;
  }

  /** [R,V], the gradient of the logits, after {@link backward}. */
  logitGradients(): F {
    return this.outputWindow().dlogits;
  }

  /** Every state [B,H] that a window goes on from, with its name (`h_l0`, `c_l1_reverse`, …). */
  eachState(visit: (name: string, layer: number, direction: number, index: number) => void): void {
    assertFunction('SequenceModel.eachState', 'visit', visit);
    const { spec } = this;
    for (let layer = 0; layer < spec.layers; layer++) {
      for (let d = 0; d < directionsOf(spec); d++) {
        const suffix = `_l${layer}${d === 1 ? '_reverse' : ''}`;
        for (const [index, state] of spec.cell.states.entries()) visit(`${state}${suffix}`, layer, d, index);
      }
    }
  }

  private assertBackward(pass: string): void {
    if (this.gradients === this.parameters) throw new Error(`SequenceModel.${pass}: made without backward`);
    this.assertTargets(pass);
  }

  private assertTargets(pass: string): void {
    if (this.loaded.steps > 0 && !this.loaded.hasTargets) {
      throw new Error(`SequenceModel.${pass}: the loaded batch has no targets`);
    }
  }

  /** Runs a pass over the loaded window: from one run to the next only the numbers in the buffers differ. */
  private run(pass: string, walk: (window: OutputWindow<F, I>) => void): void {
    if (this.loaded.steps === 0) throw new Error(`SequenceModel.${pass.split(' ')[0]}: no batch is loaded`);
    const { labels } = this.loaded;
    const run = this.passes.get(`${pass} ${windowKey(this.loaded)} ${labels}`, () => {
      const window = this.outputWindow();
      return this.engine.compile(() => walk(window));
    });
    run();
  }

  /** The views of the loaded window, made at its first use. */
  private outputWindow(): OutputWindow<F, I> {
    const kind = this.loaded;
    const { engine, spec, stack, B, V } = this;
    const key = windowKey(kind) * (LARGEST_WORKSPACE + 1) + kind.labels;
    return this.windows.get(key, () => {
      const every = spec.lossAt === 'every';
      const R = every ? kind.steps * B : B;
      const { loss } = spec;
      const lossCount = loss.per === 'sequence' ? B : R;
      const ids = loss.targets === 'classes' ? R : loss.targets === 'labels' ? B * kind.labels : 0;
      return {
        ...{ kind, R, lossCount, T: every ? kind.steps : 1, B, V, S: kind.labels },
        readout: every
          ? this.outputLayers.window(kind, R, stack.output(kind), stack.doutput(kind))
          : this.outputLayers.window(kind, R, this.last, this.dlast),
        logits: engine.slice(this.allLogits, 0, R * V),
        outputs: engine.slice(this.allOutputs, 0, R * V),
        dlogits: engine.slice(this.allDlogits, 0, R * V),
        losses: engine.slice(this.allLosses, 0, lossCount),
        weights: engine.slice(this.lossWeights, 0, lossCount),
        targetIds: engine.sliceInts(this.targetIds, 0, ids),
        targetValues: engine.slice(this.targetValues, 0, loss.targets === 'values' ? R * V : 0),
        lengths: this.lengths,
        targetLengths: this.targetLengths,
        scratch: this.scratch,
      };
    });
  }
}

/** The length of every buffer that a {@link SequenceModel} of that spec asks its engine for. */
export function modelAllocationPlan(
  spec: ModelSpec | ResolvedSpec,
  options: ModelOptions<SizeOnly>,
  weights: WeightsFormat = 'float32',
): readonly number[] {
  const engine = sizingEngine('float32', weights);
  new SequenceModel(engine, spec, options);
  return engine.lengths;
}

const NOTHING = { steps: 0, masked: false, dropping: false, labels: 0, hasTargets: false } as const;

interface OutputWindow<F, I> extends LossWindow<F, I> {
  readonly kind: WindowKind;
  readonly lossCount: number;
  readonly readout: ReadoutWindow<F>;
}

/** Whether the top layer's last outputs have to be looked for, since they are not its final states. */
function gathersLast({ lossAt, layerNorm, residual }: ResolvedSpec): boolean {
  return lossAt === 'last' && (layerNorm || residual !== false);
}

/**
 * Where the last outputs of B sequences stand among the top layer's outputs [steps·B·directions,H]: forward in time at the
 * last step that a sequence has, backward in time at its first. One without a step counts as having all.
 *
 * @param mask [steps,B]; null where every sequence has every step
 */
function fillLastRows(rows: Int32Array, mask: FloatArray | null, steps: number, B: number): void {
  const directions = rows.length / B;
  for (let b = 0; b < B; b++) {
    let last = steps - 1;
    while (last > 0 && mask !== null && mask[last * B + b] !== 1) last--;
    let first = 0;
    while (first < last && mask !== null && mask[first * B + b] !== 1) first++;
    if (mask !== null && mask[last * B + b] !== 1) [first, last] = [0, steps - 1];
    rows[b * directions] = (last * B + b) * directions;
    if (directions === 2) rows[b * 2 + 1] = (first * B + b) * 2 + 1;
  }
}

/** Numbers of a step and sequence that the layers around the recurrence need, about. */
function around({ embedding, inputDense, outputDense }: ResolvedSpec): number {
  return 3 * ((embedding?.size ?? 0) + (inputDense?.size ?? 0) + (outputDense?.size ?? 0));
}

function assertCount(name: string, value: number): void {
  assertWhole('SequenceModel', name, value, 1);
}

function assertBackSteps(backSteps: number): void {
  if (typeof backSteps === 'number' && backSteps >= 1) return;
  throw new RangeError(`SequenceModel.backward: backSteps is ${describe(backSteps)}, expected a number ≥ 1`);
}
