import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertList } from '../check/values.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { assertBatch, type Batch, BatchReader, type CheckedBatch, type InputBatch } from './batch.ts';
import type { CpuEngine, WeightsFormat } from './engine.ts';
import { InferenceSession } from './inferenceSession.ts';
import { LruMap } from './lruMap.ts';
import { modelAllocationPlan, SequenceModel } from './model.ts';
import { KEPT_SIZES, MOST_SEQUENCES, type Predictor, predictionOptions, type Run, sizeClass } from './predictor.ts';
import { type NamedTensors, outputWidth, type ResolvedSpec } from './spec.ts';
import { ONE_STEP, Stepper, stepperAllocationPlan } from './stepper.ts';

/**
 * Makes engines of the CPU.
 *
 * @param plan the lengths of the buffers, where weights are kept so
 * @param packs whether steps have so many rows that weights are packed
 */
export type MakeEngine = (plan: (weights: WeightsFormat) => readonly number[], packs: boolean) => CpuEngine;

/** Steps that are computed at a time; more of them take several passes. */
const MOST_STEPS = 64;

/** A model of one step of B sequences, and the engine that it has to itself. */
interface StepModel {
  readonly engine: CpuEngine;
  readonly model: SequenceModel<FloatArray, Int32Array>;
  /** What it reads, filled anew at each step: inputs [B] or [B,D], mask [B], carry [B]. */
  readonly inputs: Int32Array | FloatArray;
  readonly mask: FloatArray;
  readonly carry: FloatArray;
  readonly states: readonly StepState[];
}

/** A state of a {@link StepModel}. */
interface StepState {
  readonly name: string;
  /** [B,H], what the step goes on from. */
  readonly initial: FloatArray;
  /** [H] of each of the B sequences, what it ends in. */
  readonly final: readonly FloatArray[];
}

/** Makes the views of a model of one step, once. */
function stepModel(engine: CpuEngine, spec: ResolvedSpec, dtype: Dtype, B: number): Omit<StepModel, 'engine'> {
  const model = new SequenceModel<FloatArray, Int32Array>(engine, spec, predictionOptions(1, B));
  const { stack } = model;
  const H = spec.hiddenSize;
  const states: StepState[] = [];
  model.eachState((name, layer, _, index) => {
    const all = stack.recurrence(ONE_STEP, layer).final[index];
    const final = Array.from({ length: B }, (_, b) => all.subarray(b * H, (b + 1) * H));
    states.push({ name, initial: stack.initial(layer)[index], final });
  });
  const inputs = spec.input === 'dense' ? zeros(dtype, B * spec.inputSize) : new Int32Array(B);
  return { model, inputs, mask: zeros(dtype, B), carry: zeros(dtype, B), states };
}

/**
 * A model for inference alone, made by {@link createModel}: whole batches by {@link predict}, step by step by
 * {@link session}. It needs no optimizer and no sizes: buffers are made when they are needed.
 */
export class InferenceModel {
  readonly spec: ResolvedSpec;
  readonly dtype: Dtype;
  /** The weights by name; not to be written to. */
  readonly parameters: NamedTensors;

  private readonly predictor: Predictor;
  private readonly make: MakeEngine;
  /** Of {@link readAll}, for each number of sequences. */
  private readonly steps: LruMap<number, StepModel>;
  /** The model that sessions read with, made at the first one, and the session whose state it holds. */
  private stepping: { readonly engine: CpuEngine; readonly stepper: Stepper } | null = null;
  private current: InferenceSession | null = null;
  private disposed = false;

  /**
   * Made by {@link createModel}.
   *
   * @param parameters of that spec and dtype, the model's own
   * @param predictor computes whole batches
   * @param make makes the engines that sessions read with
   */
  constructor(spec: ResolvedSpec, parameters: NamedTensors, dtype: Dtype, predictor: Predictor, make: MakeEngine) {
    this.spec = spec;
    this.parameters = parameters;
    this.dtype = dtype;
    this.predictor = predictor;
    this.make = make;
    this.steps = new LruMap(KEPT_SIZES, ({ engine }) => engine.dispose());
  }

  /** The engine in words: why this one, and on what it runs. */
  get description(): string {
    return this.predictor.description;
  }

  /** V, the numbers of an output. */
  get outputSize(): number {
    return outputWidth(this.spec);
  }

  /**
   * The outputs [steps,batch,V] ([batch,V] where the loss is at the last step) of a batch of any size: probabilities or
   * values. At padded steps they repeat what the state before gives. Every sequence begins anew.
   *
   * @param batch says `steps` or `batch` (or has `lengths`), since a model for inference has no sizes of its own
   * @throws {RangeError | TypeError} on a batch that does not fit; nothing is computed then.
   */
  async predict(batch: InputBatch): Promise<FloatArray> {
    this.assertAlive('predict');
    const { spec, dtype, predictor } = this;
    const [steps, sequences] = sizesOf(spec, batch);
    assertNoCarry(batch);
    const reader = new BatchReader(spec, steps, sequences, 1, dtype);
    reader.readForPrediction(batch);
    // Windows of one direction go on from each other; two directions need the whole.
    const T = spec.bidirectional ? steps : Math.min(steps, MOST_STEPS);
    const runs: Run[] = [];
    for (let from = 0; from < sequences; from += predictor.sequences) {
      const count = Math.min(predictor.sequences, sequences - from);
      const run: CheckedBatch[] = [];
      for (let start = 0; start < steps; start += T) {
        run.push(partOf(reader, spec, start, Math.min(T, steps - start), from, count, sizeClass(count)));
      }
      runs.push(run);
    }
    const V = outputWidth(spec);
    const every = spec.lossAt === 'every';
    const outputs = zeros(dtype, (every ? steps : 1) * sequences * V);
    for (const [i, windows] of (await predictor.predict(runs)).entries()) {
      const { sequences: count, carry } = runs[i][0];
      const B = carry.length;
      const from = i * predictor.sequences;
      for (const [w, values] of windows.entries()) {
        if (every || w === 0) {
          for (let t = 0; t < values.length / (B * V); t++) {
            outputs.set(values.subarray(t * B * V, (t * B + count) * V), ((w * T + t) * sequences + from) * V);
          }
          continue;
        }
        for (let b = 0; b < count; b++) {
          // A sequence that ended in a window before has its last output.
          if (!hasStep(reader, w * T, runs[i][w].steps, from + b)) continue;
          outputs.set(values.subarray(b * V, (b + 1) * V), (from + b) * V);
        }
      }
    }
    return outputs;
  }

  /**
   * A sequence to be read step by step. Many may be open at once: they share the weights, and each costs a state.
   *
   * @throws {RangeError} where the model reads in both directions: it needs the end of a sequence to begin.
   */
  session(): InferenceSession {
    this.assertAlive('session');
    this.assertOneDirection('session');
    return new InferenceSession(this);
  }

  /**
   * One step of several sessions at once, so that the weights are read once: the outputs of each, in order.
   *
   * @param inputs for each session what {@link InferenceSession.read} takes
   * @throws {RangeError | TypeError} on an input that does not fit, a session of another model or one that is listed twice;
   *   no session has read then.
   */
  readAll(sessions: readonly InferenceSession[], inputs: readonly (number | ArrayLike<number>)[]): FloatArray[] {
    const fn = 'model.readAll';
    this.assertAlive('readAll');
    this.assertOneDirection('readAll');
    const { spec, dtype } = this;
    assertList(fn, 'sessions', sessions, 'a list of sessions');
    assertList(fn, 'inputs', inputs, 'a list of inputs');
    const n = sessions.length;
    if (inputs.length !== n) throw new RangeError(`${fn}: got ${inputs.length} inputs for ${n} sessions`);
    if (new Set(sessions).size !== n)
      throw new RangeError(`${fn}: a session is listed twice, it reads one step at a time`);
    for (const [i, session] of sessions.entries()) {
      if (session?.model !== this) throw new RangeError(`${fn}: sessions[${i}] belongs to another model`);
    }
    const D = spec.input === 'dense' ? spec.inputSize : 1;
    const all = spec.input === 'dense' ? zeros(dtype, n * D) : new Int32Array(n);
    for (let i = 0; i < n; i++) this.copyInput(() => `${fn}: inputs[${i}]`, all, i * D, inputs[i]);
    const V = outputWidth(spec);
    const H = spec.hiddenSize;
    const given: FloatArray[] = [];
    for (let from = 0; from < n; from += MOST_SEQUENCES) {
      const count = Math.min(MOST_SEQUENCES, n - from);
      const B = sizeClass(count);
      const step = this.stepModel(B);
      const { model } = step;
      // The sequences beside those that there are read no step.
      step.inputs.fill(0, count * D);
      step.inputs.set(all.subarray(from * D, (from + count) * D) as Int32Array);
      step.mask.fill(1, 0, count).fill(0, count);
      step.carry.fill(0);
      for (let b = 0; b < count; b++) {
        const states = this.stateOf(sessions[from + b]);
        if (states === null) continue;
        step.carry[b] = 1;
        for (const { name, initial } of step.states) initial.set(states[name], b * H);
      }
      const masked = count < B;
      model.loadChecked({ ...NO_TARGETS, ...step, steps: 1, sequences: count, masked });
      model.predict();
      const outputs = model.outputs();
      const logits = model.logits();
      for (let b = 0; b < count; b++) {
        const session = sessions[from + b];
        const states = session.ownStates();
        for (const { name, final } of step.states) states[name].set(final[b]);
        const row = outputs.slice(b * V, (b + 1) * V);
        session.hasRead(row, logits.subarray(b * V, (b + 1) * V));
        if (this.current === session) this.current = null;
        given.push(row);
      }
    }
    return given;
  }

  /** Frees what the engine holds. Every call after it fails, and a prediction that has not come to its end may be rejected. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.predictor.dispose();
    this.stepping?.engine.dispose();
    for (const { engine } of this.steps.values()) engine.dispose();
  }

  /**
   * One step of a session; the stepper's state is that of the session afterwards. What it gives, [V] each, the next step
   * overwrites.
   *
   * @internal
   */
  readStep(session: InferenceSession, input: number | ArrayLike<number>): { outputs: FloatArray; logits: FloatArray } {
    this.assertAlive('session.read');
    const { spec, dtype } = this;
    const buffer = spec.input === 'dense' ? zeros(dtype, spec.inputSize) : new Int32Array(1);
    this.copyInput(() => 'session.read: input', buffer, 0, input);
    const stepper = this.stepper();
    if (this.current !== session) {
      const states = this.stateOf(session);
      this.storeCurrent();
      if (states === null) stepper.reset();
      else stepper.setState(states);
      this.current = session;
    }
    const outputs = stepper.read(buffer);
    return { outputs, logits: stepper.model.logits() };
  }

  /**
   * The states [H] of a session by name, in its own arrays; null where it has read nothing.
   *
   * @internal
   */
  stateOf(session: InferenceSession): NamedTensors | null {
    this.assertAlive('session');
    if (!session.started) return null;
    if (this.current === session) this.stepper().copyState(session.ownStates());
    return session.ownStates();
  }

  /**
   * The states [H] that a sequence begins with, by name.
   *
   * @internal
   */
  initialStates(): NamedTensors {
    this.assertAlive('session');
    const { spec, dtype, parameters } = this;
    const states: NamedTensors = {};
    for (let layer = 0; layer < spec.layers; layer++) {
      for (const state of spec.cell.states) {
        states[`${state}_l${layer}`] = parameters[`${state}0_l${layer}`]?.slice() ?? zeros(dtype, spec.hiddenSize);
      }
    }
    return states;
  }

  /**
   * The session's own arrays hold its state from here on.
   *
   * @internal
   */
  release(session: InferenceSession): void {
    if (this.current === session) this.current = null;
  }

  private storeCurrent(): void {
    if (this.current?.started) this.stepper().copyState(this.current.ownStates());
    this.current = null;
  }

  private stepper(): Stepper {
    if (this.stepping === null) {
      const engine = this.make((weights) => stepperAllocationPlan(this.spec, weights), false);
      this.stepping = { engine, stepper: new Stepper(engine, this.spec, this.parameters) };
    }
    return this.stepping.stepper;
  }

  /** A model of one step of B sequences. */
  private stepModel(B: number): StepModel {
    const { spec, dtype, parameters } = this;
    return this.steps.get(B, () => {
      const engine = this.make((weights) => modelAllocationPlan(spec, predictionOptions(1, B), weights), true);
      const made = stepModel(engine, spec, dtype, B);
      for (const [name, values] of Object.entries(parameters)) engine.write(made.model.parameters.get(name)!, values);
      return { engine, ...made };
    });
  }

  /** Checks the input of a step and copies it to where the numbers from `at` on are. `what` names it in messages. */
  private copyInput(
    what: () => string,
    to: FloatArray | Int32Array,
    at: number,
    input: number | ArrayLike<number>,
  ): void {
    const { input: kind, inputSize } = this.spec;
    if (kind === 'ids') {
      const id = typeof input === 'number' ? input : input?.length === 1 ? input[0] : input;
      if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= inputSize) {
        throw new RangeError(`${what()} is ${describe(id)}, expected an id from 0 to ${inputSize - 1}`);
      }
      to[at] = id;
      return;
    }
    const values = typeof input === 'number' && inputSize === 1 ? [input] : (input as ArrayLike<number>);
    if (typeof values !== 'object' || values === null || values.length !== inputSize) {
      const got = typeof values === 'object' && values !== null ? `${values.length} numbers` : describe(values);
      throw new RangeError(`${what()} is ${got}, expected a vector [D] = [${inputSize}]`);
    }
    for (let i = 0; i < inputSize; i++) {
      const value = values[i];
      if (typeof value === 'number') to[at + i] = value;
      if (typeof value !== 'number' || !Number.isFinite(to[at + i])) {
        throw new RangeError(`${what()}[${i}] is ${describe(value)}, expected a finite number`);
      }
    }
  }

  private assertOneDirection(fn: string): void {
    if (this.spec.bidirectional) {
      throw new RangeError(
        `model.${fn}: a bidirectional model reads a sequence from both ends, it cannot read step by step: use predict`,
      );
    }
  }

  private assertAlive(fn: string): void {
    if (this.disposed) throw new Error(`model.${fn}: the model was disposed of`);
  }
}

/** Whether sequence b has any of `length` steps from `start` on. */
function hasStep({ mask, masked, sequences }: BatchReader, start: number, length: number, b: number): boolean {
  if (!masked) return true;
  for (let t = start; t < start + length; t++) if (mask[t * sequences + b] === 1) return true;
  return false;
}

/** The steps and sequences of a batch for a model without sizes of its own. */
function sizesOf({ input, inputSize }: ResolvedSpec, batch: InputBatch): [steps: number, sequences: number] {
  assertBatch(batch);
  const { inputs, steps, lengths } = batch;
  if (!(ArrayBuffer.isView(inputs) && 'length' in inputs)) {
    throw new TypeError(
      `batch.inputs is ${describe(inputs)}, expected ${input === 'ids' ? 'an Int32Array' : 'numbers'}`,
    );
  }
  for (const name of ['steps', 'batch'] as const) {
    if (batch[name] !== undefined) assertWhole('batch.', name, batch[name], 1);
  }
  const rows = (inputs as Batch['inputs']).length / (input === 'dense' ? inputSize : 1);
  const sequences = batch.batch ?? (steps === undefined ? lengths?.length : rows / steps);
  if (sequences === undefined) {
    throw new RangeError(
      `batch.inputs has ${inputs.length} elements: how many steps, of how many sequences? Say batch or steps`,
    );
  }
  const T = steps ?? rows / sequences;
  if (!Number.isInteger(T) || !Number.isInteger(sequences) || T < 1 || sequences < 1 || T * sequences !== rows) {
    const shape = input === 'dense' ? `[steps,batch,D], D = ${inputSize},` : '[steps,batch]';
    const told = `${steps === undefined ? '' : ` steps ${steps}`}${batch.batch === undefined ? '' : ` batch ${batch.batch}`}`;
    throw new RangeError(
      `batch.inputs has ${inputs.length} elements, expected ${shape} with${told || ` ${sequences} lengths`}`,
    );
  }
  return [T, sequences];
}

/** @throws {RangeError} on a batch that is to go on from a carried state, of which a model for inference has none. */
function assertNoCarry(batch: InputBatch): void {
  const { carry } = batch as { readonly carry?: unknown };
  if (carry === undefined || carry === false) return;
  throw new RangeError(
    `model.predict: batch.carry is ${describe(carry)}, but every sequence begins anew: a session goes on from what it read`,
  );
}

/** Steps `start` … of the sequences `from` … of a batch, as a batch of B sequences; all but the first steps carry. */
function partOf(
  { inputs, mask, sequences, masked }: BatchReader,
  { input, inputSize }: ResolvedSpec,
  start: number,
  steps: number,
  from: number,
  count: number,
  B: number,
): CheckedBatch {
  const D = input === 'dense' ? inputSize : 1;
  const own = new (inputs.constructor as new (length: number) => Int32Array)(steps * B * D);
  const ownMask = new (mask.constructor as new (length: number) => FloatArray)(steps * B);
  for (let t = 0; t < steps; t++) {
    const row = (start + t) * sequences + from;
    own.set(inputs.subarray(row * D, (row + count) * D) as Int32Array, t * B * D);
    if (masked) ownMask.set(mask.subarray(row, row + count), t * B);
    else ownMask.fill(1, t * B, t * B + count);
  }
  const carry = new (mask.constructor as new (length: number) => FloatArray)(B).fill(start > 0 ? 1 : 0);
  return {
    ...NO_TARGETS,
    ...{ steps, sequences: count, inputs: own, mask: ownMask, carry, masked: masked || count < B },
  };
}

/** What a batch without targets leaves out. */
const NO_TARGETS = {
  ...{ targets: null, weights: new Float32Array(0), labels: 0 },
  ...{ lengths: new Int32Array(0), targetLengths: new Int32Array(0) },
};
