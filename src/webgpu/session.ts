import type { ReadBatch } from '../bptt/batch.ts';
import { countingEngine } from '../bptt/engine.ts';
import { SequenceModel } from '../bptt/model.ts';
import { type FullSpec, fullSpec, type ModelSpec, outputWidth } from '../bptt/spec.ts';
import type { TrainerOptions } from '../bptt/trainer.ts';
import { RandomState } from '../tensor/random.ts';
import type { FloatBuffer, IntBuffer, UintBuffer } from './buffers.ts';
import type { CommandList } from './commands.ts';
import type { Device } from './device.ts';
import { roomFor, type WebgpuEngine, type WebgpuEngineOptions, webgpuEngine } from './engine.ts';
import { ruleOf } from './rules.ts';
import {
  type Carry,
  lookAtGradient,
  moveParameters,
  partialsLength,
  RESULT_WORDS,
  rolesOf,
  STEP_NUMBERS,
  type UpdateBuffers,
  type UpdatePlan,
} from './update.ts';

/** What a step does: learn, or only tell the loss. */
export type Mode = 'train' | 'evaluate';

/** A step ready to be sent: all numbers that go to the device, and which of the recorded steps reads them. */
export interface StagedStep {
  readonly mode: Mode;
  readonly steps: number;
  readonly masked: boolean;
  readonly words: Float32Array;
}

/** What a step gave. */
export interface StepResult {
  readonly loss: number;
  /** Σw² of the weight matrices, where they decay. */
  readonly squares: number;
  /** How it failed; 0 where it did not. */
  readonly failed: number;
}

/** The numbers of a trainer that live on the device, here. */
export interface Snapshot {
  readonly parameters: Float32Array;
  readonly slots: readonly Float32Array[];
  readonly states: readonly Float32Array[];
}

/** What {@link TrainingSession.rerun} gives; `states` after each number of steps of the window. */
export interface FailedNumbers {
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly states: readonly (readonly Float32Array[])[];
}

/** A recorded step. */
interface Program {
  readonly list: CommandList;
  readonly words: number;
  /** What it does, stage by stage. */
  readonly stages: readonly string[];
}

/** Steps whose results the device keeps until they are read. */
export const MOST_RESULTS = 1024;
/** Steps of a submit, and bytes that they may bring. */
const STEPS_A_SUBMIT = 32;
const UPLOAD_BYTES = 2 ** 22;

/**
 * A model in training on one device: its memory there, and its steps as recorded commands. It knows of numbers, and
 * nothing of batches that come and go or of devices that are lost.
 */
export class TrainingSession {
  readonly device: Device;
  readonly spec: FullSpec;
  readonly model: SequenceModel<FloatBuffer, IntBuffer>;
  readonly states: readonly { name: string; layer: number; which: 'h' | 'c'; given: FloatBuffer }[];

  private readonly options: TrainerOptions;
  private readonly engine: WebgpuEngine;
  private readonly plan: UpdatePlan;
  private readonly buffers: UpdateBuffers;
  private readonly roles: UintBuffer | null;
  /** The numbers of several steps, one after another. */
  private readonly upload: FloatBuffer;
  private readonly hostUpload: Float32Array<ArrayBuffer>;
  private readonly saved: readonly FloatBuffer[];
  private readonly programs = new Map<string, Promise<Program>>();

  /**
   * @param how how walks are put together, where that is not left to the device
   * @throws {RangeError | TypeError} where spec or options make no sense.
   */
  constructor(
    device: Device,
    spec: ModelSpec,
    options: TrainerOptions,
    how: Pick<WebgpuEngineOptions, 'persistent'> = {},
  ) {
    const { optimizer, l2 = 0, clip, frozen = [], batch: B } = options;
    const rule = ruleOf(optimizer);
    const counting = countingEngine();
    const counted = new SequenceModel(counting, spec, options);
    const own = counted.parameters.flat.length * rule.slots;
    const H = counted.spec.hiddenSize;
    const room = roomFor([...counting.lengths, own, partialsLength(own) + 64, 4 * counted.spec.layers * B * H]);
    this.device = device;
    this.options = options;
    this.spec = fullSpec(spec);
    this.engine = webgpuEngine(device, { ...how, room: { floats: room, ints: roomFor([2 * options.steps * B]) + 8 } });
    const { engine } = this;
    this.model = new SequenceModel(engine, spec, options);
    const { parameters, gradients, stack } = this.model;
    const unknown = frozen.find((name) => !parameters.get(name));
    if (unknown) throw new RangeError(`trainer: frozen names ${unknown}, which is no parameter of this model`);
    const states: { name: string; layer: number; which: 'h' | 'c'; given: FloatBuffer }[] = [];
    this.model.eachState((name, layer, direction, which) => {
      if (direction === 0) states.push({ name, layer, which, given: stack.given(layer, 0)[which] });
    });
    this.states = states;
    this.saved = states.map(({ given }) => engine.floats(given.length));
    const limit = clip && ('value' in clip ? clip.value : clip.norm);
    const kind = clip === undefined ? 'none' : 'value' in clip ? 'value' : 'norm';
    this.plan = { rule, clip: { kind, limit: limit ?? 0 }, l2 };
    const roles = rolesOf(parameters.places, l2, frozen);
    this.roles = roles && device.uints(roles, 'roles of the parameters');
    this.buffers = {
      parameters: parameters.flat,
      gradients: gradients.flat,
      slots: optimizer.initialSlots.map((value) => {
        const slot = engine.floats(parameters.flat.length);
        engine.fill(slot, value);
        return slot;
      }),
      roles: this.roles,
      partials: engine.floats(partialsLength(parameters.flat.length)),
      numbers: engine.floats(STEP_NUMBERS),
      results: device.floats(RESULT_WORDS * (MOST_RESULTS + 1), 'results of steps'),
    };
    // The longest step is one with a mask over all steps.
    const longest = this.writes(this.sample(options.steps, true), 'train', new RandomState(0)).length;
    const steps = Math.max(1, Math.min(STEPS_A_SUBMIT, Math.floor(UPLOAD_BYTES / (4 * longest))));
    this.upload = device.floats(steps * longest, 'batches');
    this.hostUpload = new Float32Array(steps * longest);
  }

  /**
   * The numbers of a step.
   *
   * @param read the batch
   * @param rng draws the dropout masks
   * @param stepNumbers those of the rule
   */
  stage(read: ReadBatch, mode: Mode, rng: RandomState, stepNumbers: readonly number[]): StagedStep {
    const words = this.writes(read, mode, rng);
    words.set(stepNumbers, words.length - STEP_NUMBERS + 1);
    return { mode, steps: read.steps, masked: read.masked, words };
  }

  /** Runs steps in order, as many of one kind as possible in a submit, and gives their results. */
  async run(staged: readonly StagedStep[]): Promise<StepResult[]> {
    const { results } = this.buffers;
    // No step before the first one has failed.
    results.slice(0, RESULT_WORDS).write(new Float32Array(RESULT_WORDS));
    let before: Promise<void> = Promise.resolve();
    for (let from = 0; from < staged.length; ) {
      const { mode, steps, masked, words } = staged[from];
      const program = await this.program(mode, steps, masked);
      let to = from;
      const most = Math.floor(this.hostUpload.length / words.length);
      while (to < staged.length && to - from < most && isAlike(staged[to], staged[from])) {
        const at = (to - from) * words.length;
        this.hostUpload.set(staged[to].words, at);
        this.hostUpload[at + words.length - STEP_NUMBERS] = to;
        to++;
      }
      // Of two submits the device works on one while the other is being made.
      await before;
      this.upload.write(this.hostUpload.subarray(0, (to - from) * words.length));
      program.list.submit(to - from);
      before = this.device.done();
      before.catch(() => {});
      from = to;
    }
    const numbers = await results.slice(RESULT_WORDS, RESULT_WORDS * (staged.length + 1)).read();
    return staged.map((_, s) => ({
      loss: numbers[RESULT_WORDS * s],
      squares: numbers[RESULT_WORDS * s + 1],
      failed: numbers[RESULT_WORDS * s + 2],
    }));
  }

  /** What a training step over a whole window does, stage by stage, and how many dispatches that is. */
  async trainingStep(masked = false): Promise<{ stages: readonly string[]; dispatches: number }> {
    const { stages, list } = await this.program('train', this.options.steps, masked);
    return { stages, dispatches: list.dispatches };
  }

  async snapshot(): Promise<Snapshot> {
    const { parameters, slots } = this.buffers;
    const [own, memory, states] = await Promise.all([
      parameters.read(),
      Promise.all(slots.map((slot) => slot.read())),
      Promise.all(this.states.map(({ given }) => given.read())),
    ]);
    return { parameters: own, slots: memory, states };
  }

  restore({ parameters, slots, states }: Snapshot): void {
    this.buffers.parameters.write(parameters);
    for (const [i, slot] of this.buffers.slots.entries()) slot.write(slots[i]);
    for (const [i, { given }] of this.states.entries()) given.write(states[i]);
  }

  /** Keeps the carried states, for {@link restoreStates}. */
  saveStates(): void {
    for (const [i, { given }] of this.states.entries()) this.engine.copy(this.saved[i], given);
  }

  /** Everything that a failed step computed, for whoever looks for the fault: the step is run again and fails again. */
  async rerun(staged: StagedStep): Promise<FailedNumbers> {
    await this.run([staged]);
    const { parameters, gradients, stack } = this.model;
    const states: Float32Array[][] = [];
    for (let t = 0; t <= staged.steps; t++) {
      states.push(await Promise.all(this.states.map(({ layer, which }) => stack.stateAfter(t, layer)[which].read())));
    }
    return { parameters: await parameters.flat.read(), gradients: await gradients.flat.read(), states };
  }

  restoreStates(): void {
    for (const [i, { given }] of this.states.entries()) this.engine.copy(given, this.saved[i]);
  }

  /** Gives the memory on the device back. */
  dispose(): void {
    for (const program of this.programs.values()) program.then(({ list }) => list.destroy()).catch(() => {});
    this.engine.dispose();
    for (const buffer of [this.upload, this.buffers.results, this.roles]) buffer?.destroy();
  }

  /** Everything that a step brings to the device, in the order in which the model writes it. */
  private writes(read: ReadBatch, mode: Mode, rng: RandomState): Float32Array {
    const parts: Float32Array[] = [];
    let length = 0;
    this.eachWrite(read, mode, rng, (_, values) => {
      parts.push(asWords(values).slice()); // whoever writes may use the array again
      length += values.length;
    });
    const words = new Float32Array(length);
    let at = 0;
    for (const part of parts) {
      words.set(part, at);
      at += part.length;
    }
    return words;
  }

  private eachWrite(
    read: ReadBatch,
    mode: Mode,
    rng: RandomState,
    visit: (to: FloatBuffer | IntBuffer, values: ArrayLike<number>) => void,
  ): void {
    const { engine, model, buffers } = this;
    engine.staged(
      () => {
        model.take(read);
        model.forward(mode === 'train' ? rng : undefined);
        engine.write(buffers.numbers, new Float32Array(STEP_NUMBERS));
      },
      ({ to, values }) => visit(to, values),
    );
  }

  private program(mode: Mode, steps: number, masked: boolean): Promise<Program> {
    const key = `${mode} ${steps} ${masked}`;
    let program = this.programs.get(key);
    if (!program) {
      program = this.compile(mode, steps, masked);
      this.programs.set(key, program);
    }
    return program;
  }

  /** Records the step: what it reads comes out of the upload, then the walk forward and back, then the update. */
  private async compile(mode: Mode, steps: number, masked: boolean): Promise<Program> {
    const { device, engine, model, buffers, options, plan, states, upload } = this;
    const places: { to: FloatBuffer | IntBuffer; at: number; length: number }[] = [];
    let words = 0;
    this.eachWrite(this.sample(steps, masked), mode, new RandomState(0), (to, values) => {
      places.push({ to, at: words, length: values.length });
      words += values.length;
    });
    const train = mode === 'train';
    const calls = engine.record(() => {
      model.forward(train ? new RandomState(0) : undefined);
      if (train) model.backward(true, options.span);
    });
    let losses = model.loss;
    const unused: FloatBuffer[] = [];
    model.eachState((_, layer, direction, which) => unused.push(model.stack.dgiven(layer, direction)[which]));
    const takeLosses = (each: FloatBuffer): void => {
      losses = each;
    };
    const stages = engine.stages(calls, { unused, takeLosses });
    const slot = Math.min(options.advance ?? steps, steps);
    const carries = states.map(
      ({ layer, which, given }): Carry => ({ to: given, from: model.stack.stateAfter(slot, layer)[which] }),
    );
    const list = await device.record(() => {
      for (const { to, at, length } of places) {
        device.transfer(to.slice(0, length), upload.slice(at, at + length), words);
      }
      if (train) device.transfer(buffers.gradients, null);
      for (const stage of stages) stage.run();
      lookAtGradient(
        plan,
        train ? buffers : { ...buffers, gradients: buffers.gradients.slice(0, 0), roles: null },
        losses,
      );
      moveParameters(train ? plan : null, buffers, carries);
    });
    return { list, words, stages: [...stages.map(({ name }) => name), 'look at the gradient', 'update'] };
  }

  /** Some window of that many steps. */
  private sample(steps: number, masked: boolean): ReadBatch {
    const { spec, options } = this;
    const { batch: B } = options;
    const rows = spec.lossAt === 'every' ? steps * B : B;
    const V = outputWidth(spec);
    const ids = spec.input === 'ids';
    const classes = spec.loss === 'softmaxCrossEntropy';
    return {
      steps,
      masked,
      inputs: ids ? new Int32Array(steps * B) : new Float32Array(steps * B * spec.inputSize),
      targets: classes ? new Int32Array(rows) : new Float32Array(rows * V),
      mask: new Float32Array(steps * B),
      weights: new Float32Array(rows),
      keep: new Float32Array(B),
    };
  }
}

function isAlike(a: StagedStep, b: StagedStep): boolean {
  return a.mode === b.mode && a.steps === b.steps && a.masked === b.masked;
}

/** Numbers as the bits that go to the device. */
function asWords(values: ArrayLike<number>): Float32Array {
  if (values instanceof Float32Array) return values;
  const own = values instanceof Int32Array ? values : Int32Array.from(values);
  return new Float32Array(own.buffer, own.byteOffset, own.length);
}
