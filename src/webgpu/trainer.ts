import { BatchReader } from '../bptt/batch.ts';
import type { FullSpec, ModelSpec, NamedTensors } from '../bptt/spec.ts';
import type { Trainer, TrainerOptions, TrainerState, TrainingBatch } from '../bptt/trainer.ts';
import {
  expectCarry,
  expectParameters,
  expectTrainerOptions,
  expectTrainerState,
  type NonFiniteError,
  type TrainerShape,
  whereNotFinite,
} from '../bptt/trainerChecks.ts';
import { learningRateAt } from '../optim/optimizer.ts';
import { RandomState, type RandomStateSnapshot } from '../tensor/random.ts';
import { type Device, type DeviceOptions, openDevice } from './device.ts';
import { WebgpuError } from './errors.ts';
import { type Rule, ruleOf } from './rules.ts';
import { MOST_RESULTS, type Snapshot, type StagedStep, type StepResult, TrainingSession } from './session.ts';
import { FAILED } from './update.ts';

export interface WebgpuTrainerOptions extends TrainerOptions {
  /** The device to compute on, which then stays its owner's. Left out: one is opened, and closed by `dispose`. */
  device?: Device;
  /** How devices are opened. */
  deviceOptions?: DeviceOptions;
  /**
   * After so many updates the trainer copies its state off the device. When the device is lost, it opens another, goes
   * back to the copy and does again what came after, so that nothing is lost and every loss is what it would have been.
   * Left out: the loss of the device is a {@link WebgpuError} `lost`.
   */
  snapshotEvery?: number;
}

/** A step that was staged, with the dropout stream after it. */
interface Update {
  readonly staged: StagedStep;
  readonly random: RandomStateSnapshot | null;
}

/** How often in a row a device may be lost before that is taken for more than bad luck. */
const MOST_LOSSES = 3;
/** How long a failed call waits to hear whether it failed because the device is gone. */
const LOSS_TOLD_MS = 100;

/**
 * A trainer whose numbers stay on a WebGPU device: parameters, gradients, optimizer memory, states and losses. A call of
 * {@link train} sends the batches of many steps at once, and reads nothing but the losses, once.
 */
export class WebgpuTrainer implements Trainer {
  readonly engine = 'webgpu';
  readonly spec: FullSpec;

  private readonly options: WebgpuTrainerOptions;
  private readonly rule: Rule;
  private readonly reader: BatchReader;
  private readonly rng: RandomState;
  private session: TrainingSession;
  /** Whether the session's device is gone, so that the next call begins on another. */
  private isLost = false;
  private snapshot: Snapshot | null = null;
  /** The updates since the snapshot. */
  private journal: StagedStep[] = [];
  private updates = 0;
  /** The last call: each waits for the one before. */
  private last: Promise<unknown> = Promise.resolve();
  private disposed = false;

  /** Made by {@link webgpuTrainer}. */
  constructor(device: Device, spec: ModelSpec, options: WebgpuTrainerOptions) {
    const { steps, batch, seed = 0, snapshotEvery } = options;
    this.session = new TrainingSession(device, spec, options);
    expectTrainerOptions(options);
    if (snapshotEvery !== undefined && !(Number.isInteger(snapshotEvery) && snapshotEvery >= 1)) {
      throw new RangeError(`trainer: snapshotEvery is ${snapshotEvery}, expected a whole number ≥ 1`);
    }
    this.spec = this.session.spec;
    this.options = options;
    this.rule = ruleOf(options.optimizer);
    this.reader = new BatchReader(this.spec, steps, batch, 'float32');
    this.rng = new RandomState(seed);
  }

  /** The engine and its adapter in words. */
  get choice(): string {
    return this.device.choice;
  }

  /** The device that computes, with its counters; another one after a loss. */
  get device(): Device {
    return this.session.device;
  }

  /** The number of updates done. */
  get step(): number {
    return this.updates;
  }

  /** What a training step does, stage by stage: which stages are fused, and how recurrences are walked. */
  async stages(): Promise<readonly string[]> {
    const { stages } = await this.inTurn(() => this.surviving((session) => session.trainingStep()));
    return stages;
  }

  async train(batches: readonly TrainingBatch[]): Promise<Float64Array> {
    return this.inTurn(async () => {
      const losses = new Float64Array(batches.length);
      const most = Math.min(this.options.snapshotEvery ?? MOST_RESULTS, MOST_RESULTS);
      for (let from = 0; from < batches.length; ) {
        const { updates, refused } = this.stageUpdates(batches, from, most);
        const results = await this.runUpdates(updates);
        for (const [i, { loss, squares }] of results.entries()) losses[from + i] = this.withL2(loss, squares);
        if (refused) throw refused.error;
        from += updates.length;
      }
      return losses;
    });
  }

  async evaluate(batches: readonly TrainingBatch[]): Promise<Float64Array> {
    return this.inTurn(async () => {
      const losses = new Float64Array(batches.length);
      let at = 0;
      await this.surviving(async (session) => {
        session.saveStates();
        try {
          for (at = 0; at < batches.length; ) {
            const staged: StagedStep[] = [];
            let refused: { error: unknown } | null = null;
            while (at + staged.length < batches.length && staged.length < MOST_RESULTS && !refused) {
              try {
                staged.push(this.stage(batches[at + staged.length], 'evaluate', []));
              } catch (error) {
                refused = { error };
              }
            }
            const results = await session.run(staged);
            const failed = results.findIndex((result) => result.failed !== 0);
            if (failed >= 0) throw await this.fault(session, staged[failed], results[failed]);
            losses.set(
              results.map(({ loss }) => loss),
              at,
            );
            if (refused) throw refused.error;
            at += staged.length;
          }
        } finally {
          session.restoreStates();
        }
      });
      return losses;
    });
  }

  async parameters(): Promise<NamedTensors> {
    return this.inTurn(async () => this.named((await this.taken()).parameters));
  }

  async setParameters(parameters: NamedTensors): Promise<void> {
    expectParameters(this.shape, parameters);
    await this.inTurn(() =>
      this.change(async (session) => {
        const { slots, states } = await session.snapshot();
        return { parameters: this.flat(parameters), slots, states };
      }),
    );
  }

  async state(): Promise<TrainerState> {
    return this.inTurn(async () => {
      const { parameters, slots, states } = await this.taken();
      return {
        step: this.updates,
        parameters: this.named(parameters),
        slots: [...slots],
        states: Object.fromEntries(this.session.states.map(({ name }, i) => [name, states[i]])),
        random: this.rng.getState(),
      };
    });
  }

  /** @throws as {@link setParameters}, and as the state of any trainer; everything is then as it was. */
  async setState(state: TrainerState): Promise<void> {
    expectTrainerState(this.shape, state);
    await this.inTurn(async () => {
      this.rng.setState(state.random);
      await this.change(async () => ({
        parameters: this.flat(state.parameters),
        slots: state.slots.map((slot) => Float32Array.from(slot)),
        states: this.session.states.map(({ name }) => Float32Array.from(state.states[name])),
      }));
      this.updates = state.step;
    });
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    if (this.options.device === this.device) this.session.dispose();
    else this.device.dispose();
  }

  /** Reads batches until one is refused or there are enough. */
  private stageUpdates(
    batches: readonly TrainingBatch[],
    from: number,
    most: number,
  ): { updates: Update[]; refused: { error: unknown } | null } {
    const updates: Update[] = [];
    while (from + updates.length < batches.length && updates.length < most) {
      const step = this.updates + updates.length;
      try {
        const batch = batches[from + updates.length];
        const staged = this.stage(batch, 'train', () =>
          this.rule.stepNumbers(learningRateAt(this.options.optimizer.lr, step), step),
        );
        updates.push({ staged, random: this.spec.dropout > 0 ? this.rng.getState() : null });
      } catch (error) {
        return { updates, refused: { error } };
      }
    }
    return { updates, refused: null };
  }

  private stage(
    batch: TrainingBatch,
    mode: StagedStep['mode'],
    stepNumbers: readonly number[] | (() => readonly number[]),
  ): StagedStep {
    const { carry = false } = batch;
    expectCarry(this.spec, carry);
    this.reader.read(batch, carry);
    const numbers = typeof stepNumbers === 'function' ? stepNumbers() : stepNumbers;
    return this.session.stage(this.reader, mode, this.rng, numbers);
  }

  /** Does the updates, and keeps a copy of the state where it is time for one. */
  private async runUpdates(updates: readonly Update[]): Promise<StepResult[]> {
    const { snapshotEvery } = this.options;
    const staged = updates.map((update) => update.staged);
    const results = await this.surviving((session) => session.run(staged));
    const failed = results.findIndex((result) => result.failed !== 0);
    const done = failed < 0 ? staged.length : failed;
    if (failed >= 0) {
      const { random } = updates[failed];
      if (random) this.rng.setState(random);
    }
    if (snapshotEvery !== undefined) {
      this.journal.push(...staged.slice(0, done));
      if (this.journal.length >= snapshotEvery) await this.keepSnapshot();
    }
    this.updates += done;
    if (failed >= 0) {
      throw await this.surviving((session) => this.fault(session, staged[failed], results[failed]));
    }
    return results;
  }

  private async keepSnapshot(): Promise<void> {
    this.snapshot = await this.surviving((session) => session.snapshot());
    this.journal = [];
  }

  /** Says in which tensor a failed step met a NaN or infinity. */
  private async fault(
    session: TrainingSession,
    staged: StagedStep,
    { loss, squares, failed }: StepResult,
  ): Promise<NonFiniteError> {
    const { parameters, gradients, states } = await session.rerun(staged);
    const { places } = session.model.parameters;
    const names = session.states.map(({ name }) => name);
    const part = (flat: Float32Array, wanted: string): Float32Array => {
      const { offset, length } = places.find(({ name }) => name === wanted)!;
      return flat.subarray(offset, offset + length);
    };
    const [found, value] =
      failed === FAILED.loss
        ? (['the loss', this.withL2(loss, squares)] as const)
        : (['the gradient', Number.NaN] as const);
    return whereNotFinite(found, value, this.updates, {
      ...{ places, steps: staged.steps, states: names },
      parameter: (name) => part(parameters, name),
      gradient: (name) => part(gradients, name),
      stateAfter: (t, name) => states[t][names.indexOf(name)],
    });
  }

  /** The numbers as they are on the device. */
  private taken(): Promise<Snapshot> {
    return this.surviving((session) => session.snapshot());
  }

  /** Puts other numbers on the device. */
  private async change(make: (session: TrainingSession) => Promise<Snapshot>): Promise<void> {
    const numbers = await this.surviving(async (session) => {
      const made = await make(session);
      session.restore(made);
      return made;
    });
    if (this.options.snapshotEvery !== undefined) {
      this.snapshot = numbers;
      this.journal = [];
    }
  }

  /** Does the work, and where the device is lost meanwhile and there is a snapshot, does it again on another one. */
  private async surviving<T>(work: (session: TrainingSession) => Promise<T>): Promise<T> {
    for (let losses = 0; ; losses++) {
      try {
        return await work(await this.ready());
      } catch (error) {
        const fault = await this.faultOf(error);
        if (!fault.isLoss || this.snapshot === null || losses === MOST_LOSSES) throw fault.error;
        this.isLost = true;
      }
    }
  }

  /** What an error comes from: calls that fail because the device is gone may say something else. */
  private async faultOf(error: unknown): Promise<{ isLoss: boolean; error: unknown }> {
    if (error instanceof WebgpuError && error.kind !== 'validation') return { isLoss: error.kind === 'lost', error };
    if (!(error instanceof WebgpuError || error instanceof DOMException)) return { isLoss: false, error };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const told = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, LOSS_TOLD_MS, null);
    });
    const lost = await Promise.race([this.device.lost, told]);
    clearTimeout(timer);
    return lost ? { isLoss: lost.kind === 'lost', error: lost } : { isLoss: false, error };
  }

  /** The session, on a new device where the last one is lost: from the snapshot, and what came after done again. */
  private async ready(): Promise<TrainingSession> {
    if (!this.isLost) return this.session;
    const { device, deviceOptions } = this.options;
    if (this.device !== device) this.device.dispose();
    const session = new TrainingSession(await openDevice(deviceOptions), this.spec, this.options);
    this.session = session;
    session.restore(this.snapshot!);
    for (let from = 0; from < this.journal.length; from += MOST_RESULTS) {
      await session.run(this.journal.slice(from, from + MOST_RESULTS));
    }
    this.isLost = false;
    return session;
  }

  /** One call after another: calls that overlap would find each other's numbers. */
  private inTurn<T>(call: () => Promise<T>): Promise<T> {
    const turn = this.last.then(() => {
      if (this.disposed) throw new WebgpuError('disposed', 'trainer: it has been disposed of');
      return call();
    });
    this.last = turn.catch(() => {});
    return turn;
  }

  private withL2(loss: number, squares: number): number {
    const { l2 = 0 } = this.options;
    return l2 > 0 ? loss + l2 * squares : loss;
  }

  private get shape(): TrainerShape {
    const { model, states } = this.session;
    const { optimizer, batch } = this.options;
    return {
      ...{ dtype: 'float32', places: model.parameters.places, optimizer: optimizer.name },
      ...{ slots: optimizer.initialSlots.length, slotLength: model.parameters.flat.length },
      ...{ states: states.map(({ name }) => name), B: batch, H: this.spec.hiddenSize },
    };
  }

  private named(flat: Float32Array): NamedTensors {
    const { places } = this.session.model.parameters;
    return Object.fromEntries(places.map(({ name, offset, length }) => [name, flat.slice(offset, offset + length)]));
  }

  private flat(parameters: NamedTensors): Float32Array {
    const { places, flat } = this.session.model.parameters;
    const values = new Float32Array(flat.length);
    for (const { name, offset } of places) values.set(parameters[name], offset);
    return values;
  }
}

/**
 * A trainer on a WebGPU device, its parameters zero.
 *
 * @throws {RangeError | TypeError} where spec or options make no sense, {WebgpuError} where no device can be opened.
 */
export async function webgpuTrainer(spec: ModelSpec, options: WebgpuTrainerOptions): Promise<WebgpuTrainer> {
  expectTrainerOptions(options);
  const device = options.device ?? (await openDevice(options.deviceOptions));
  try {
    return new WebgpuTrainer(device, spec, options);
  } catch (error) {
    if (!options.device) device.dispose();
    throw error;
  }
}
