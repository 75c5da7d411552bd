import { assertWhole } from '../check/numbers.ts';
import { assertObject } from '../check/values.ts';
import type { StepNumbers } from '../optim/optimizer.ts';
import { assertOptimizer } from '../optim/optimizer.ts';
import type { RandomState } from '../tensor/random.ts';
import { type Dtype, dtypeOf, type FloatArray, zeros } from '../tensor/shape.ts';
import type { CheckedBatch } from './batch.ts';
import { type CpuEngine, type Engine, sizingEngine } from './engine.ts';
import type { SequenceModel } from './model.ts';
import { partitionUpdate, type UpdatePartition } from './parameterGroups.ts';
import type { RecurrentStack } from './recurrent.ts';
import type { FailedStep, Mode, Session, Snapshot, StepResult } from './session.ts';
import { DataParallelModel, type Shard, shardBatch } from './shards.ts';
import type { ModelSpec, ParameterLayout, ResolvedSpec } from './spec.ts';
import type { TrainerOptions } from './trainer.ts';

/** A step of a {@link CpuSession}: it refers to the batch that it was staged from. */
export interface CpuStep {
  readonly batch: CheckedBatch;
  readonly mode: Mode;
  readonly rng: RandomState;
  readonly numbers: readonly StepNumbers[] | null;
}

/** A session whose buffers are this machine's memory: a step is done when it returns. */
export class CpuSession implements Session<CpuStep> {
  readonly spec: ResolvedSpec;
  readonly dtype: Dtype;
  readonly layout: readonly ParameterLayout[];
  readonly partition: UpdatePartition;
  readonly states: readonly string[];
  readonly engine: string;
  readonly description: string;
  readonly synchronous = true;
  /** The first shard's model: all of the batch where there is one thread. */
  readonly model: SequenceModel<FloatArray, Int32Array>;

  private readonly engines: readonly CpuEngine[];
  private readonly options: TrainerOptions;
  private readonly parallel: DataParallelModel;
  private readonly memory: readonly FloatArray[];
  /** The state that the next batch goes on from, [B,H] each; apart from the model's own, which every pass overwrites. */
  private readonly carried: readonly CarriedState<FloatArray>[];
  private readonly decaying: readonly { w: FloatArray; dw: FloatArray }[];
  private readonly segments: readonly SegmentBuffers<FloatArray>[];
  /** The gradients of frozen parameters. */
  private readonly frozen: readonly FloatArray[];
  /** What an update that failed would have left; null after any other step. */
  private spoilt: Pick<FailedStep, 'parameters' | 'memory'> | null = null;
  private savedStates: readonly FloatArray[] = [];
  /** [P], the gradients of the steps before that share an update; empty where none does. */
  private readonly accumulated: FloatArray;
  private accumulatedSteps = 0;

  /**
   * @param engines one, or several that work at the same time on shards of each batch
   * @param description the engine in words
   * @throws {RangeError | TypeError} where spec or options make no sense.
   */
  constructor(
    engines: readonly CpuEngine[],
    spec: ModelSpec | ResolvedSpec,
    options: TrainerOptions,
    description: string,
  ) {
    this.engines = engines;
    this.options = options;
    this.description = description;
    const [engine] = engines;
    this.engine = engines.length === 1 ? engine.name : `${engine.name} ×${engines.length}`;
    this.parallel = new DataParallelModel(engines, spec, modelOptions(options));
    const { shards } = this.parallel;
    this.model = shards[0].model;
    const { parameters, gradients } = this.model;
    this.spec = this.model.spec;
    this.dtype = engine.dtype;
    this.layout = parameters.layout;
    const { partition, memory, segments, carried, accumulated } = sessionBuffers(engine, shards, options);
    this.partition = partition;
    this.memory = memory;
    this.segments = segments;
    this.accumulated = accumulated;
    this.carried = carried;
    this.frozen = (options.frozen ?? []).map((name) => gradients.get(name)!);
    this.states = carried.map(({ name }) => name);
    this.decaying = this.layout
      .filter(({ decays }) => decays)
      .map(({ name }) => ({ w: parameters.get(name)!, dw: gradients.get(name)! }));
  }

  stage(batch: CheckedBatch, mode: Mode, rng: RandomState, numbers: readonly StepNumbers[] | null): CpuStep {
    return { batch, mode, rng, numbers };
  }

  run(staged: readonly CpuStep[]): readonly StepResult[] {
    const results: StepResult[] = [];
    for (const step of staged) {
      const result = this.runStep(step);
      results.push(result);
      if (result.failed !== null) break;
    }
    return results;
  }

  /**
   * The loss of a batch and, in `model.gradients`, its gradient with L2 and with what was accumulated, not clipped; nothing
   * is updated or carried on. Of a step that accumulates, the gradient is the batch's own, without L2.
   */
  lossAndGradients(step: CpuStep): StepResult {
    const result = this.forwardBackward(step);
    if (result.failed !== null || this.engines[0].optim.isFinite(this.model.gradients.flat)) return result;
    return { ...result, failed: 'the gradient' };
  }

  /** The same, whether or not the gradient is finite. */
  private forwardBackward({ batch, rng, mode }: CpuStep): StepResult {
    const { l2 = 0, backSteps } = this.options;
    const [engine] = this.engines;
    const gradients = this.model.gradients.flat;
    this.begin(batch, rng);
    this.parallel.forwardBackward(backSteps);
    let loss = this.parallel.loss();
    if (l2 > 0) for (const { w } of this.decaying) loss += engine.optim.l2Forward(w, l2);
    if (!Number.isFinite(loss)) return { loss, failed: 'the loss' };
    if (mode !== 'accumulate') {
      if (this.accumulatedSteps > 0) engine.kernels.add(gradients, gradients, this.accumulated);
      if (l2 > 0) for (const { w, dw } of this.decaying) engine.optim.l2Backward(dw, w, l2);
    }
    for (const gradient of this.frozen) gradient.fill(0);
    return { loss, failed: null };
  }

  failedStep(): FailedStep {
    const { parameters, gradients, steps } = this.model;
    return {
      ...{ parameters: parameters.flat, memory: this.memory, gradients: gradients.flat, steps },
      ...this.spoilt,
      stateAfter: (t, index) => {
        const { layer, which, shares } = this.carried[index];
        return shares.map(({ stack }) => stack.stateAfter(t, layer)[which]).reduce(joined);
      },
    };
  }

  snapshot(): Snapshot {
    return {
      parameters: this.model.parameters.flat.slice(),
      memory: this.memory.map((block) => block.slice()),
      states: this.carried.map(({ values }) => values.slice()),
    };
  }

  restore({ parameters, memory, states }: Snapshot): void {
    this.model.parameters.flat.set(parameters);
    for (const [i, block] of this.memory.entries()) block.set(memory[i]);
    for (const [i, { values }] of this.carried.entries()) values.set(states[i]);
  }

  saveStates(): void {
    this.savedStates = this.carried.map(({ values }) => values.slice());
  }

  restoreStates(): void {
    for (const [i, values] of this.savedStates.entries()) this.carried[i].values.set(values);
    this.accumulatedSteps = 0;
  }

  dispose(): void {
    for (const engine of this.engines) engine.dispose();
  }

  private runStep(step: CpuStep): StepResult {
    if (step.mode === 'train' || step.mode === 'accumulate') {
      const learns = step.mode === 'train';
      const result = this.forwardBackward(step);
      if (result.failed !== null) return result;
      if (!this.clip(learns)) return { ...result, failed: 'the gradient' };
      if (!learns) this.accumulate();
      else if (!this.update(step.numbers!)) return { ...result, failed: 'the update' };
      this.carryOn();
      return result;
    }
    this.begin(step.batch);
    if (step.mode === 'predict') {
      this.parallel.predict();
      return { loss: Number.NaN, failed: null, outputs: this.parallel.outputs() };
    }
    this.parallel.forward();
    const loss = this.parallel.loss();
    if (!Number.isFinite(loss)) return { loss, failed: 'the loss' };
    this.carryOn();
    return { loss, failed: null };
  }

  /** Looks whether the gradient is finite and, of a step that learns, clips it; false where it is not. */
  private clip(learns: boolean): boolean {
    const { clip } = this.options;
    const [{ optim }] = this.engines;
    const gradients = this.model.gradients.flat;
    if (learns && clip && 'value' in clip) return optim.clipByValue(gradients, clip.value);
    if (!optim.isFinite(gradients)) return false;
    if (learns && clip && 'norm' in clip) optim.clipByNorm(gradients, clip.norm);
    return true;
  }

  /** Moves the parameters; false, and everything as it was, where something is not finite then. */
  private update(numbers: readonly StepNumbers[]): boolean {
    const { partition, segments } = this;
    const [{ optim }] = this.engines;
    for (let s = 0; s < segments.length; s++) {
      const { rule, params, grads, memory, before } = segments[s];
      const { optimizer } = partition.rules[rule];
      if (!optim.update(optimizer, params, grads, memory, numbers[rule], before)) {
        this.undo(s);
        return false;
      }
    }
    this.accumulatedSteps = 0;
    return true;
  }

  /** Puts back what the update of segments 0 … last has changed. */
  private undo(last: number): void {
    const { parameters, memory } = this.snapshot();
    this.spoilt = { parameters, memory };
    for (const { params, memory: blocks, before } of this.segments.slice(0, last + 1)) {
      for (const [i, block] of [params, ...blocks].entries()) block.set(before[i]);
    }
  }

  private accumulate(): void {
    const { accumulated, model, engines } = this;
    const k = engines[0].kernels;
    if (this.accumulatedSteps++ === 0) k.copy(accumulated, model.gradients.flat);
    else k.add(accumulated, accumulated, model.gradients.flat);
  }

  /** Loads a batch and the state it goes on from. */
  private begin(batch: CheckedBatch, rng?: RandomState): void {
    this.spoilt = null;
    this.parallel.load(batch, rng);
    for (const { shares } of this.carried) for (const { initial, values } of shares) initial.set(values);
  }

  /** Keeps the state that the next batch goes on from, out of the window just read. */
  private carryOn(): void {
    const { steps } = this.model;
    const row = Math.min(this.options.stride ?? steps, steps);
    for (const { layer, which, shares } of this.carried) {
      for (const { stack, values } of shares) values.set(stack.stateAfter(row, layer)[which]);
    }
  }
}

/** Parameters that one rule moves, as views. */
interface SegmentBuffers<F> {
  readonly rule: number;
  readonly params: F;
  readonly grads: F;
  /** As many blocks as the rule has. */
  readonly memory: readonly F[];
  /** What parameters and memory held before the update. */
  readonly before: readonly F[];
}

interface CarriedState<F> {
  name: string;
  layer: number;
  which: number;
  /** [B,H], and of each shard its rows, with the state its model goes on from. */
  values: F;
  shares: { values: F; initial: F; stack: Pick<RecurrentStack<F, unknown>, 'stateAfter'> }[];
}

interface SessionBuffers<F> {
  partition: UpdatePartition;
  memory: F[];
  segments: SegmentBuffers<F>[];
  carried: CarriedState<F>[];
  accumulated: F;
}

function modelOptions({ steps, batch, labels }: TrainerOptions) {
  return { steps, batch, initialGradient: false, ...(labels === undefined ? {} : { labels }) };
}

/** What a session needs beside its model's buffers. */
function sessionBuffers<F, I>(
  engine: Engine<F, I>,
  shards: readonly Shard<F, I>[],
  options: TrainerOptions,
): SessionBuffers<F> {
  const { batch: B, accumulate = 1 } = options;
  const { model } = shards[0];
  const { parameters, gradients, spec } = model;
  const P = engine.lengthOf(parameters.flat);
  const partition = partitionUpdate(parameters.layout, options);
  const { rules, blocks } = partition;
  const memory = Array.from({ length: blocks }, (_, b) => {
    const block = engine.floats(P);
    engine.kernels.fill(block, options.optimizer.initialMemory[b] ?? 0);
    return block;
  });
  const kept = Array.from({ length: 1 + blocks }, () => engine.floats(P));
  const segments = partition.segments.map(({ from, to, rule }): SegmentBuffers<F> => {
    const { initialMemory } = rules[rule].optimizer;
    const part = (block: F): F => engine.slice(block, from, to);
    const own = initialMemory.map((_, b) => part(memory[b]));
    for (const [b, block] of own.entries()) engine.kernels.fill(block, initialMemory[b]);
    return {
      ...{ rule, params: part(parameters.flat), grads: part(gradients.flat), memory: own },
      before: kept.slice(0, 1 + own.length).map(part),
    };
  });
  const carried: CarriedState<F>[] = [];
  model.eachState((name, layer, direction, which) => {
    if (direction !== 0) return;
    const H = spec.hiddenSize;
    const values = engine.floats(B * H);
    const shares = shards.map(({ model: { stack }, from, to }) => ({
      values: engine.slice(values, from * H, to * H),
      initial: stack.initial(layer)[which],
      stack,
    }));
    carried.push({ name, layer, which, values, shares });
  });
  const accumulated = engine.floats(accumulate > 1 ? P : 0);
  return { partition, memory, segments, carried, accumulated };
}

/**
 * The length of every buffer that a `CpuSession` of that spec asks each of its engines for.
 *
 * @param threads the number of engines. Default 1
 * @throws {RangeError | TypeError} where spec or options make no sense.
 */
export function allocationPlan(
  spec: ModelSpec | ResolvedSpec,
  options: TrainerOptions,
  threads = 1,
): readonly (readonly number[])[] {
  assertObject('allocationPlan', 'options', options);
  assertOptimizer('allocationPlan', options.optimizer);
  assertWhole('allocationPlan', 'steps', options.steps, 1);
  assertWhole('allocationPlan', 'batch', options.batch, 1);
  assertWhole('allocationPlan', 'threads', threads, 1, 1024);
  const engines = Array.from({ length: threads }, () => sizingEngine());
  sessionBuffers(engines[0], shardBatch(engines, spec, modelOptions(options)), options);
  return engines.map(({ lengths }) => lengths);
}

function joined(a: FloatArray, b: FloatArray): FloatArray {
  const both = zeros(dtypeOf(a), a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
