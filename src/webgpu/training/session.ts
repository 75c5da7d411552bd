import type { CheckedBatch } from '../../bptt/batch.ts';
import { sizingEngine } from '../../bptt/engine.ts';
import { LruMap } from '../../bptt/lruMap.ts';
import { SequenceModel } from '../../bptt/model.ts';
import { partitionUpdate, type UpdatePartition } from '../../bptt/parameterGroups.ts';
import { KEPT_WINDOWS } from '../../bptt/recurrent.ts';
import type { FailedStep, Mode, Session, Snapshot, StepResult } from '../../bptt/session.ts';
import {
  drops,
  type ModelSpec,
  outputWidth,
  type ParameterLayout,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
} from '../../bptt/spec.ts';
import type { TrainerOptions } from '../../bptt/trainer.ts';
import type { StepNumbers } from '../../optim/optimizer.ts';
import { RandomState } from '../../tensor/random.ts';
import type { FloatBuffer, IntBuffer, UintBuffer } from '../device/buffers.ts';
import type { CommandList } from '../device/commands.ts';
import type { Device } from '../device/device.ts';
import { formulaOf } from './cellKernels.ts';
import { type EngineWrite, roomFor, type WebgpuEngine, type WebgpuEngineOptions, webgpuEngine } from './engine.ts';
import { lossWgslOf } from './loss.ts';
import {
  applyUpdate,
  FAILED,
  partialsLength,
  RESULT_WORDS,
  reduceGradient,
  rolesOf,
  stepNumbersLength,
  type UpdateBuffers,
  type UpdatePlan,
  updateRule,
} from './update.ts';

/** What tells the recorded steps from one another. */
export interface StepKind {
  readonly mode: Mode;
  readonly steps: number;
  readonly masked: boolean;
  readonly dropping: boolean;
}

/** A step ready to be sent, and independent of the device: all numbers that go there, but for its dropout masks. */
export interface StagedStep extends StepKind {
  /** What the model reads, then the place of the step before among the results, and the rule's numbers. */
  readonly words: Float32Array;
  /** A bit for each element of the dropout masks: whether it is kept. */
  readonly kept: Uint32Array;
}

/** A recorded step. */
interface Program {
  readonly list: CommandList;
  /** The numbers of a step in the upload. */
  readonly words: number;
  /** What it does, stage by stage. */
  readonly stages: readonly string[];
  readonly outputs: FloatBuffer;
}

/** A carried state. */
interface CarriedState {
  readonly name: string;
  readonly layer: number;
  readonly index: number;
  readonly initial: FloatBuffer;
  readonly saved: FloatBuffer;
}

/** Steps whose results the device keeps until they are read. */
const MOST_RESULTS = 1024;
/** A word for each step whether its update failed, the first for the step before; as many fours as hold them. */
const FAULT_WORDS = 4 * Math.ceil((MOST_RESULTS + 1) / 4);
/** Steps of a submit, and bytes that they may bring. */
const STEPS_A_SUBMIT = 32;
const UPLOAD_BYTES = 2 ** 22;

/** A model in training on one device: its memory there, and its steps as recorded commands. */
export class WebgpuSession implements Session<StagedStep> {
  readonly device: Device;
  readonly spec: ResolvedSpec;
  readonly dtype = 'float32';
  readonly layout: readonly ParameterLayout[];
  readonly partition: UpdatePartition;
  readonly states: readonly string[];
  readonly engine = 'webgpu';
  readonly synchronous = false;

  private readonly options: TrainerOptions;
  private readonly ownsDevice: boolean;
  private readonly webgpu: WebgpuEngine;
  private readonly model: SequenceModel<FloatBuffer, IntBuffer>;
  private readonly carried: readonly CarriedState[];
  private readonly plan: UpdatePlan;
  private readonly buffers: UpdateBuffers;
  private readonly roles: UintBuffer | null;
  /** The numbers of several steps, one after another. */
  private readonly upload: FloatBuffer;
  private readonly hostUpload: Float32Array<ArrayBuffer>;
  /** What is read of steps: a copy of {@link UpdateBuffers.faults}, then their results. */
  private readonly read: FloatBuffer;
  /** What an update that failed would have left; null after any other step. */
  private spoilt: Pick<FailedStep, 'parameters' | 'memory'> | null = null;
  private readonly programs = new LruMap<string, Promise<Program>>(KEPT_WINDOWS, (program) => destroy(program));

  /**
   * @param ownsDevice whether {@link dispose} closes the device, too
   * @param engineOptions how passes are computed, where that is not left to the device
   * @throws {RangeError | TypeError} where spec or options make no sense, or name a cell, loss or rule that has no WGSL.
   */
  constructor(
    device: Device,
    ownsDevice: boolean,
    spec: ModelSpec | ResolvedSpec,
    options: TrainerOptions,
    engineOptions: Pick<WebgpuEngineOptions, 'persistent' | 'stages'> = {},
  ) {
    const { l2 = 0, clip, batch: B, steps: T } = options;
    const resolved = resolveSpec(spec);
    formulaOf(resolved.cell);
    lossWgslOf(resolved.loss);
    const partition = partitionUpdate(parameterLayout(resolved), options);
    const rules = partition.rules.map(({ optimizer }) => updateRule(optimizer));
    const modelOptions = { ...modelOptionsOf(options), sumLosses: false };
    const sizing = sizingEngine();
    const sized = new SequenceModel(sizing, resolved, modelOptions);
    const P = sized.parameters.flat.length;
    const H = resolved.hiddenSize;
    const statesLength = resolved.layers * resolved.cell.states.length * B * H;
    const room = roomFor([
      ...[...sizing.lengths, ...Array<number>(1 + 2 * partition.blocks).fill(P)],
      ...[partialsLength(P), stepNumbersLength(rules), statesLength, 4 * resolved.layers * resolved.cell.states.length],
    ]);
    this.device = device;
    this.ownsDevice = ownsDevice;
    this.options = options;
    this.spec = resolved;
    this.webgpu = webgpuEngine(device, { ...engineOptions, room: { floats: room, ints: roomFor([2 * T * B, B, B]) } });
    const { webgpu } = this;
    this.model = new SequenceModel(webgpu, resolved, modelOptions);
    const { parameters, gradients, stack } = this.model;
    this.layout = parameters.layout;
    this.partition = partition;
    const carried: CarriedState[] = [];
    this.model.eachState((name, layer, direction, index) => {
      if (direction !== 0) return;
      const initial = stack.initial(layer)[index];
      carried.push({ name, layer, index, initial, saved: webgpu.floats(initial.length) });
    });
    this.carried = carried;
    this.states = carried.map(({ name }) => name);
    const limit = clip && ('value' in clip ? clip.value : clip.norm);
    const kind = clip === undefined ? 'none' : 'value' in clip ? 'value' : 'norm';
    this.plan = { rules, clip: { kind, limit: limit ?? 0 }, l2 };
    const roles = rolesOf(this.layout, l2, partition);
    this.roles = roles && device.uints(roles, 'roles of the parameters');
    this.read = device.floats(FAULT_WORDS + RESULT_WORDS * (MOST_RESULTS + 1), 'results of steps');
    this.buffers = {
      parameters: parameters.flat,
      gradients: gradients.flat,
      memory: Array.from({ length: partition.blocks }, () => webgpu.floats(P)),
      before: Array.from({ length: 1 + partition.blocks }, () => webgpu.floats(P)),
      roles: this.roles,
      partials: webgpu.floats(partialsLength(P)),
      numbers: webgpu.floats(stepNumbersLength(rules)),
      results: this.read.slice(FAULT_WORDS, this.read.length),
      faults: device.uints(new Uint32Array(FAULT_WORDS), 'faults of updates'),
    };
    for (const [b, block] of this.buffers.memory.entries()) block.write(initialMemory(partition, b, P));
    const longest = this.load({ mode: 'train', steps: T, masked: true, dropping: drops(resolved) }).words;
    const count = Math.max(1, Math.min(STEPS_A_SUBMIT, Math.floor(UPLOAD_BYTES / (4 * longest))));
    this.upload = device.floats(count * longest, 'batches');
    this.hostUpload = new Float32Array(count * longest);
  }

  get description(): string {
    return this.device.description;
  }

  stage(batch: CheckedBatch, mode: Mode, rng: RandomState, numbers: readonly StepNumbers[] | null): StagedStep {
    const { steps, masked } = batch;
    const dropping = mode === 'train' && drops(this.spec);
    const writes = this.webgpu.writes(() => this.model.loadChecked(batch, dropping ? rng : undefined));
    const [read, dropout] = this.split(writes);
    const words = new Float32Array(lengthOf(read) + this.buffers.numbers.length);
    let at = 0;
    for (const { values } of read) {
      words.set(asWords(values), at);
      at += values.length;
    }
    if (numbers)
      words.set(
        numbers.flatMap((own) => Object.values(own)),
        at + 1,
      );
    return { mode, steps, masked, dropping, words, kept: keptBits(dropout) };
  }

  /** Runs steps in order, as many of one kind as possible in a submit, and gives their results. */
  async run(staged: readonly StagedStep[]): Promise<StepResult[]> {
    const all: StepResult[] = [];
    for (let from = 0; from < staged.length; from = all.length) {
      const { mode } = staged[from];
      let to = from + 1;
      while (mode !== 'predict' && to < staged.length && to - from < MOST_RESULTS && staged[to].mode === mode) to++;
      const results = await this.runSome(staged.slice(from, to));
      const failed = results.findIndex((result) => result.failed !== null);
      all.push(...(failed < 0 ? results : results.slice(0, failed + 1)));
      if (failed >= 0) break;
    }
    return all;
  }

  /** Runs steps of one mode; their results are read together at the end. */
  private async runSome(staged: readonly StagedStep[]): Promise<StepResult[]> {
    const { results, faults, numbers } = this.buffers;
    const count = staged.length;
    // No step before the first one has failed, and no update yet.
    results.slice(0, RESULT_WORDS).write(new Float32Array(RESULT_WORDS));
    faults.write(new Uint32Array(count + 1));
    let before: Promise<void> = Promise.resolve();
    for (let from = 0; from < staged.length; ) {
      const program = await this.program(staged[from]);
      const { words } = program;
      let to = from;
      const most = Math.floor(this.hostUpload.length / words);
      while (to < staged.length && to - from < most && keyOf(staged[to]) === keyOf(staged[from])) {
        const at = (to - from) * words;
        const { words: own, kept } = staged[to];
        this.hostUpload.set(own, at);
        this.hostUpload[at + own.length - numbers.length] = to;
        this.fillDropout(this.hostUpload.subarray(at + own.length, at + words), kept, staged[to].steps);
        to++;
      }
      // Of two submits the device works on one while the other is being made.
      await before;
      this.upload.write(this.hostUpload.subarray(0, (to - from) * words));
      program.list.submit(to - from);
      if (staged[from].mode === 'predict') {
        return [{ loss: Number.NaN, failed: null, outputs: await program.outputs.read() }];
      }
      before = this.device.done();
      before.catch(() => {});
      from = to;
    }
    const found = await this.read.slice(0, FAULT_WORDS + RESULT_WORDS * (count + 1)).read();
    const outcomes = staged.map(({ mode }, s): StepResult => {
      const [loss, squares, failed] = found.subarray(FAULT_WORDS + RESULT_WORDS * (s + 1));
      const ofUpdate = found[s + 1] === 0 ? null : 'the update';
      return {
        loss: mode === 'train' && this.plan.l2 > 0 ? loss + this.plan.l2 * squares : loss,
        failed: failed === FAILED.loss ? 'the loss' : failed === FAILED.gradient ? 'the gradient' : ofUpdate,
      };
    });
    const { failed = null } = outcomes.find((outcome) => outcome.failed !== null) ?? {};
    this.spoilt = null;
    if (failed === 'the update') await this.undo();
    return outcomes;
  }

  /** Puts back what the last update has changed. */
  private async undo(): Promise<void> {
    const { copy } = this.webgpu.kernels;
    const { parameters, memory } = await this.snapshot();
    this.spoilt = { parameters, memory };
    const { before } = this.buffers;
    for (const [i, block] of [this.buffers.parameters, ...this.buffers.memory].entries()) copy(block, before[i]);
    for (const { initial, saved } of this.carried) copy(initial, saved);
  }

  /** What a training step over a whole window does, stage by stage, and how many dispatches that is. */
  async trainingStep(masked = false): Promise<{ stages: readonly string[]; dispatches: number }> {
    const dropping = drops(this.spec);
    const { stages, list } = await this.program({ mode: 'train', steps: this.options.steps, masked, dropping });
    return { stages, dispatches: list.dispatches };
  }

  async snapshot(): Promise<Snapshot> {
    const { parameters, memory } = this.buffers;
    const [own, blocks, states] = await Promise.all([
      parameters.read(),
      Promise.all(memory.map((block) => block.read())),
      Promise.all(this.carried.map(({ initial }) => initial.read())),
    ]);
    return { parameters: own, memory: blocks, states };
  }

  restore({ parameters, memory, states }: Snapshot): void {
    this.buffers.parameters.write(parameters);
    for (const [i, block] of this.buffers.memory.entries()) block.write(memory[i]);
    for (const [i, { initial }] of this.carried.entries()) initial.write(states[i]);
  }

  saveStates(): void {
    for (const { initial, saved } of this.carried) this.webgpu.kernels.copy(saved, initial);
  }

  restoreStates(): void {
    for (const { initial, saved } of this.carried) this.webgpu.kernels.copy(initial, saved);
  }

  async failedStep(staged: StagedStep): Promise<FailedStep> {
    await this.run([staged]);
    const { gradients, stack } = this.model;
    const states: Float32Array[][] = [];
    for (let t = 0; t <= staged.steps; t++) {
      states.push(await Promise.all(this.carried.map(({ layer, index }) => stack.stateAfter(t, layer)[index].read())));
    }
    const { parameters: own, memory } = this.spoilt ?? (await this.snapshot());
    return {
      ...{ parameters: own, memory, gradients: await gradients.flat.read(), steps: staged.steps },
      stateAfter: (t, index) => states[t][index],
    };
  }

  dispose(): void {
    if (this.ownsDevice) {
      this.device.dispose();
      return;
    }
    for (const program of this.programs.values()) destroy(program);
    this.webgpu.dispose();
    for (const buffer of [this.upload, this.read, this.buffers.faults, this.roles]) buffer?.destroy();
  }

  /** The dropout masks among what a batch writes, and the rest. */
  private split(writes: readonly EngineWrite[]): [read: EngineWrite[], dropout: EngineWrite[]] {
    const { dropoutMasks } = this.model;
    const isMask = ({ to }: EngineWrite): boolean => dropoutMasks.some(({ mask }) => mask === to);
    return [writes.filter((write) => !isMask(write)), writes.filter(isMask)];
  }

  /** The masks of a window of so many steps, one after another. */
  private fillDropout(to: Float32Array, kept: Uint32Array, steps: number): void {
    let i = 0;
    for (const { rate, length } of kept.length > 0 ? this.model.dropoutMasks : []) {
      const factor = 1 / (1 - rate);
      for (const end = i + length(steps); i < end; i++) to[i] = (kept[i >> 5] >>> (i & 31)) & 1 ? factor : 0;
    }
  }

  private program(kind: StepKind): Promise<Program> {
    return this.programs.get(keyOf(kind), () => this.compile(kind));
  }

  /**
   * Loads a window of that kind whose numbers are all zero, for the model to take its passes over: where the numbers of a
   * step go, in the order in which they are uploaded, and how many they are.
   */
  private load({ mode, steps, masked, dropping }: StepKind): { places: EngineWrite[]; words: number } {
    const { spec, options, webgpu, buffers } = this;
    const { batch: B } = options;
    const { input, inputSize, loss } = spec;
    const rows = spec.lossAt === 'every' ? steps * B : B;
    const blank: CheckedBatch = {
      ...{ steps, masked, sequences: B, labels: 0, lengths: new Int32Array(0), targetLengths: new Int32Array(0) },
      inputs: input === 'ids' ? new Int32Array(steps * B) : new Float32Array(steps * B * inputSize),
      targets:
        mode === 'predict'
          ? null
          : loss.targets === 'classes'
            ? new Int32Array(rows)
            : new Float32Array(rows * outputWidth(spec)),
      mask: new Float32Array(steps * B),
      weights: new Float32Array(rows),
      carry: new Float32Array(B),
    };
    const rng = dropping ? new RandomState(0) : undefined;
    const [read, dropout] = this.split(webgpu.writes(() => this.model.loadChecked(blank, rng)));
    const numbers = { to: buffers.numbers, values: new Float32Array(buffers.numbers.length) };
    const places = [...read, numbers, ...dropout];
    return { places, words: lengthOf(places) };
  }

  /** Records the step: what it reads comes out of the upload, then the passes, then the update. */
  private async compile(kind: StepKind): Promise<Program> {
    const { device, webgpu, model, buffers, options, plan, carried, upload } = this;
    const { mode, steps } = kind;
    const { places, words } = this.load(kind);
    const train = mode === 'train';
    const calls = webgpu.calls(() => {
      if (train) model.forwardBackward(options.backSteps);
      else if (mode === 'evaluate') model.forward();
      else model.predict();
    });
    const row = Math.min(options.stride ?? steps, steps);
    const outputs = model.outputs();
    const names = calls.map(({ name }) => name);
    const list = await device.record(() => {
      let at = 0;
      for (const { to, values } of places) {
        const end = at + values.length;
        device.transfer(to.slice(0, values.length), upload.slice(at, end), words);
        at = end;
      }
      if (train) device.transfer(buffers.gradients, null);
      for (const { run } of calls) run();
      if (mode === 'predict') return;
      const noGradient = { ...buffers, gradients: buffers.gradients.slice(0, 0), roles: null };
      reduceGradient(plan, train ? buffers : noGradient, model.losses());
      const states = carried.map(({ layer, index, initial, saved }) => ({
        ...{ to: initial, saved },
        from: model.stack.stateAfter(row, layer)[index],
      }));
      applyUpdate(train ? plan : null, buffers, states);
      device.transfer(this.read.slice(0, FAULT_WORDS), buffers.faults);
    });
    return { list, words, outputs, stages: mode === 'predict' ? names : [...names, 'reduceGradient', 'applyUpdate'] };
  }
}

/** What a block of memory begins with. */
function initialMemory({ rules, segments }: UpdatePartition, block: number, P: number): Float32Array {
  const valueAt = (rule: number): number => rules[rule].optimizer.initialMemory[block] ?? 0;
  const values = new Float32Array(P).fill(valueAt(0));
  for (const { from, to, rule } of segments) values.fill(valueAt(rule), from, to);
  return values;
}

function modelOptionsOf({ steps, batch }: TrainerOptions) {
  return { steps, batch, initialGradient: false };
}

function keyOf({ mode, steps, masked, dropping }: StepKind): string {
  return `${mode} ${steps} ${masked} ${dropping}`;
}

function destroy(program: Promise<Program>): void {
  program.then(({ list }) => list.destroy()).catch(() => {});
}

function lengthOf(writes: readonly EngineWrite[]): number {
  return writes.reduce((sum, { values }) => sum + values.length, 0);
}

/** Numbers as the bits that go to the device. */
function asWords(values: Float32Array | Int32Array): Float32Array {
  return values instanceof Float32Array ? values : new Float32Array(values.buffer, values.byteOffset, values.length);
}

/** A bit for each element that is not 0. */
function keptBits(masks: readonly EngineWrite[]): Uint32Array {
  const bits = new Uint32Array(Math.ceil(lengthOf(masks) / 32));
  let at = 0;
  for (const { values } of masks) {
    for (let i = 0; i < values.length; i++, at++) if (values[i] !== 0) bits[at >> 5] |= 1 << (at & 31);
  }
  return bits;
}
