import type { Storage } from './buffers.ts';
import type { Device } from './device.ts';
import { WebgpuError } from './errors.ts';
import { USAGE } from './host.ts';
import { type Pipeline, SLOT_BYTES, SLOT_WORDS } from './pipelines.ts';

/** Workgroups along x, y and z. */
export type Workgroups = readonly [x: number, y: number, z: number];

interface Dispatch {
  readonly pipeline: Pipeline;
  /** The buffers of bindings 1, 2, … */
  readonly storages: readonly Storage[];
  readonly workgroups: Workgroups;
  /** Offsets of the numbers' slot and of the repetition's. */
  readonly offsets: Uint32Array;
  group: GPUBindGroup | null;
}

/** Numbers copied from one buffer to another, or zeros where there is no other. It is no dispatch. */
interface Transfer {
  readonly to: Storage;
  readonly toByte: number;
  readonly bytes: number;
  readonly from: Storage | null;
  readonly fromByte: number;
  /** How much further on in `from` the next repetition reads. */
  readonly strideBytes: number;
}

/** Dispatches and transfers in the order of the calls, with their numbers: what is sent to the device in one submit. */
export class Commands {
  private readonly device: Device;
  private readonly order: (Dispatch | Transfer)[] = [];
  private readonly dispatches: Dispatch[] = [];
  /** A slot for each dispatch. */
  private words = new Uint32Array(0);
  /** Everything the dispatches touch. */
  private readonly storages = new Set<Storage>();
  private readonly pipelines = new Set<Pipeline>();

  constructor(device: Device) {
    this.device = device;
  }

  get length(): number {
    return this.order.length;
  }

  /** Dispatches of one repetition. */
  get dispatchCount(): number {
    return this.dispatches.length;
  }

  /**
   * @param words the bits of the call's numbers, at most {@link SLOT_WORDS}
   */
  add(pipeline: Pipeline, storages: readonly Storage[], words: Uint32Array, workgroups: Workgroups): void {
    const slot = this.dispatches.length;
    if ((slot + 1) * SLOT_WORDS > this.words.length) {
      const grown = new Uint32Array(Math.max(2 * this.words.length, 16 * SLOT_WORDS));
      grown.set(this.words);
      this.words = grown;
    }
    this.words.set(words, slot * SLOT_WORDS);
    const offsets = new Uint32Array(pipeline.source.repeats ? 2 : 1);
    offsets[0] = slot * SLOT_BYTES;
    const dispatch = { pipeline, storages, workgroups, offsets, group: null };
    this.dispatches.push(dispatch);
    this.order.push(dispatch);
    this.pipelines.add(pipeline);
    for (const storage of storages) this.storages.add(storage);
  }

  addTransfer(transfer: Transfer): void {
    this.order.push(transfer);
    this.storages.add(transfer.to);
    if (transfer.from) this.storages.add(transfer.from);
  }

  get mustWait(): boolean {
    for (const pipeline of this.pipelines) if (!pipeline.compiled) return true;
    for (const storage of this.storages) if (!storage.isAllocated) return true;
    return false;
  }

  /** What must come true before the commands can be sent. */
  waits(): Promise<unknown>[] {
    return [
      ...Array.from(this.pipelines, ({ ready }) => ready),
      ...Array.from(this.storages, ({ allocated }) => allocated),
    ];
  }

  /** Puts the numbers into `slots`, a uniform buffer, and binds the buffers. */
  bind(slots: Storage): void {
    this.device.gpu.queue.writeBuffer(slots.gpu, 0, this.words, 0, this.dispatches.length * SLOT_WORDS);
    for (const dispatch of this.dispatches) {
      dispatch.group = this.device.bindGroup(dispatch.pipeline, dispatch.storages, slots);
    }
  }

  /** The bytes that {@link bind} needs. */
  get slotBytes(): number {
    return this.dispatches.length * SLOT_BYTES;
  }

  /** @throws {WebgpuError} `disposed` where a buffer has been destroyed since it was noted. */
  assertAlive(): void {
    for (const { alive, label } of this.storages) {
      if (!alive) throw new WebgpuError('disposed', `submit: ${label} has been destroyed`);
    }
  }

  /** Sends the commands, `times` over, in one submit. */
  submit(times = 1): void {
    const { gpu, counters } = this.device;
    const encoder = gpu.createCommandEncoder();
    let pass: GPUComputePassEncoder | null = null;
    let current: Pipeline | null = null;
    for (let index = 0; index < times; index++) {
      for (const command of this.order) {
        if ('to' in command) {
          pass?.end();
          pass = null;
          transfer(encoder, command, index);
          continue;
        }
        const { pipeline, group, offsets, workgroups } = command;
        if (!pass) {
          pass = encoder.beginComputePass();
          current = null;
        }
        if (pipeline !== current) {
          pass.setPipeline(pipeline.compiled!);
          current = pipeline;
        }
        if (offsets.length > 1) offsets[1] = index * SLOT_BYTES;
        pass.setBindGroup(0, group, offsets, 0, offsets.length);
        pass.dispatchWorkgroups(...workgroups);
      }
    }
    pass?.end();
    gpu.queue.submit([encoder.finish()]);
    counters.dispatches += times * this.dispatches.length;
    counters.submits++;
  }
}

function transfer(
  encoder: GPUCommandEncoder,
  { to, toByte, bytes, from, fromByte, strideBytes }: Transfer,
  index: number,
): void {
  if (from) encoder.copyBufferToBuffer(from.gpu, fromByte + index * strideBytes, to.gpu, toByte, bytes);
  else encoder.clearBuffer(to.gpu, toByte, bytes);
}

/** Repetitions that a kernel can tell apart. */
export const MAX_REPEATS = 256;

/**
 * Commands that were recorded once, by {@link Device.record}, and are sent again and again: nothing is compiled, bound,
 * uploaded or made any more.
 */
export class CommandList {
  private readonly device: Device;
  private readonly commands: Commands;
  private readonly slots: Storage;

  /** Made by {@link Device.record}. */
  constructor(device: Device, commands: Commands) {
    this.device = device;
    this.commands = commands;
    this.slots = device.makeStorage('numbers of a command list', commands.slotBytes, USAGE.UNIFORM | USAGE.COPY_DST);
    commands.bind(this.slots);
  }

  /** Dispatches of one repetition. */
  get dispatches(): number {
    return this.commands.dispatchCount;
  }

  get mustWait(): boolean {
    return this.commands.mustWait;
  }

  /** What must come true before the list can be sent. */
  waits(): Promise<unknown>[] {
    return this.commands.waits();
  }

  /**
   * Sends the commands, after everything called before, `times` over in one submit.
   *
   * @throws {RangeError} on more than {@link MAX_REPEATS} times.
   * @throws {WebgpuError} where the device is lost, or the list or a buffer has been destroyed.
   */
  submit(times = 1): void {
    if (!(Number.isInteger(times) && times >= 1 && times <= MAX_REPEATS)) {
      throw new RangeError(`submit: times is ${times}, expected 1 … ${MAX_REPEATS}`);
    }
    if (!this.slots.alive) throw new WebgpuError('disposed', 'submit: the list has been destroyed');
    this.commands.assertAlive();
    const send = (): void => {
      this.commands.submit(times);
      this.device.noteSent(this, times);
    };
    this.device.inOrder(send, undefined, this);
  }

  /** Gives the numbers' memory back. The list cannot be sent again. */
  destroy(): void {
    this.device.destroyStorage(this.slots);
  }
}
