import { assertOptions } from '../../check/options.ts';
import {
  type BufferDtype,
  DeviceBuffer,
  ELEMENT_BYTES,
  type FloatBuffer,
  type IntBuffer,
  Memory,
  type MemoryUse,
  type Storage,
  type UintBuffer,
} from './buffers.ts';
import { CommandList, Commands, MAX_REPEATS, type Workgroups } from './commands.ts';
import { messageOf, WebgpuError } from './errors.ts';
import { hostGpu, MAP_READ, USAGE, waitsBusily } from './host.ts';
import type { GPU, GPUAdapter, GPUBindGroup, GPUDevice, GPUSupportedLimits } from './hostTypes.ts';
import { type KernelSource, type Pipeline, Pipelines, SLOT_BYTES, SLOT_WORDS } from './pipelines.ts';
import { PollBackoff } from './pollBackoff.ts';
import { powerOfTwoFrom } from './sizes.ts';

/** What {@link openDevice} takes. */
export interface DeviceOptions {
  /** Where to ask for an adapter: `navigator.gpu`, or in Node the package `webgpu`, unless given. */
  gpu?: GPU;
  /** Which adapter to use: the fastest one that the host offers, unless given. */
  adapter?: GPUAdapter;
  /** `adapter` asks for all that the adapter can do, `default` for what WebGPU promises everywhere. */
  limits?: 'adapter' | 'default';
}

/** Which adapter computes. */
export interface AdapterDescription {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** Whether it is a program on the CPU (SwiftShader, llvmpipe, a fallback adapter) and no GPU. */
  readonly software: boolean;
}

type HostArray = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** What a device has been asked to do so far. */
export interface Counters {
  dispatches: number;
  submits: number;
  /** Buffers made, those for numbers and for reading among them. */
  readonly buffers: number;
  readbacks: number;
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/**
 * Opens a device.
 *
 * @throws {WebgpuError} `no-webgpu`, `no-adapter` or `refused`, saying what can be done.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  assertOptions('openDevice', options, ['gpu', 'adapter', 'limits']);
  const adapter = options.adapter ?? (await findAdapter(options.gpu ?? (await hostGpu())));
  const requiredLimits: Record<string, number> = {};
  if (options.limits !== 'default') {
    // A host need not know them all.
    for (const name of LIMITS) if (adapter.limits[name] !== undefined) requiredLimits[name] = adapter.limits[name];
  }
  const description = describe(adapter);
  let gpu: GPUDevice;
  try {
    gpu = await adapter.requestDevice({ requiredLimits });
  } catch (error) {
    throw new WebgpuError('refused', `openDevice: ${description.name} gives no device: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return new Device(gpu, description);
}

async function findAdapter(gpu: GPU): Promise<GPUAdapter> {
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    throw new WebgpuError('no-adapter', `openDevice: no GPU can be used here: ${messageOf(error)}`, { cause: error });
  }
  if (!adapter) {
    throw new WebgpuError(
      'no-adapter',
      'openDevice: no GPU can be used here: a driver is missing, or the host blocks it',
    );
  }
  return adapter;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp|software|\bcpu\b/i;

function describe({ info }: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description } = info;
  const name = description || device || [vendor, architecture].filter(Boolean).join(' ') || 'an adapter without a name';
  // Not every host knows this property.
  const { isFallbackAdapter = false } = info as { isFallbackAdapter?: boolean };
  const software = isFallbackAdapter || SOFTWARE.test([vendor, architecture, device, description].join(' '));
  return { name, vendor, architecture, software };
}

/**
 * An open device: its memory, its kernels, and the order of what is asked of it.
 *
 * Kernels are called like the functions of `tensor/`: `tanh(y, x)` notes the command, {@link submit} sends what was
 * noted, {@link DeviceBuffer.read} sends it and waits for the numbers. What is to run often is recorded once.
 */
export class Device {
  /** The device itself, for kernels of one's own. */
  readonly gpu: GPUDevice;
  readonly adapter: AdapterDescription;
  /** Resolves when the device is lost or disposed of, with the error that every later call throws. */
  readonly lost: Promise<WebgpuError>;
  readonly counters: Counters;
  private readonly memory: Memory;
  private readonly pipelines: Pipelines;
  private readonly groups = new Map<string, { group: GPUBindGroup; storages: readonly Storage[] }>();
  /** Why nothing works any more. */
  private fault: WebgpuError | null = null;
  /** The device's error about a command, until a submit or a read throws it. */
  private validationError: WebgpuError | null = null;
  /** What has been called and not yet sent. */
  private open: Commands;
  private recording = false;
  private readonly onError = (event: Event): void => {
    this.validationError ??= new WebgpuError(
      'validation',
      `${this.adapter.name}: ${(event as GPUUncapturedErrorEvent).error.message}`,
    );
  };
  /** The last of the jobs that wait, or null. */
  private tail: Promise<unknown> | null = null;
  /** Tells whoever waits for the device that it is gone. */
  private readonly waiting = new Set<(error: WebgpuError) => void>();
  /** The uniform buffer of commands that are sent once. */
  private slots: Storage | null = null;
  /** Repetition 0, 1, … at multiples of a slot. */
  private repeats: Storage | null = null;
  /** Buffers for what passes between the dispatches of one kernel, by purpose and size. */
  private readonly scratches = new Map<string, FloatBuffer>();
  private readonly pollBackoff = waitsBusily() ? new PollBackoff() : null;
  /** Buffers to read through, by size. */
  private readonly staging = new Map<number, Storage[]>();

  /** Made by {@link openDevice}. */
  constructor(gpu: GPUDevice, adapter: AdapterDescription) {
    this.gpu = gpu;
    this.adapter = adapter;
    const memory = new Memory(gpu);
    this.memory = memory;
    this.counters = {
      dispatches: 0,
      submits: 0,
      get buffers() {
        return memory.created;
      },
      readbacks: 0,
    };
    this.pipelines = new Pipelines(gpu);
    this.open = new Commands(this);
    this.lost = gpu.lost.then(({ reason, message }) => {
      this.fail(new WebgpuError('lost', `the device ${adapter.name} is lost: ${message || reason}`));
      return this.fault!;
    });
    gpu.addEventListener('uncapturederror', this.onError);
  }

  /** In words: the engine, the adapter, and whether that is a program on the CPU. */
  get description(): string {
    const { name, software } = this.adapter;
    return `webgpu: ${name}${software ? ' (software, no GPU)' : ''}`;
  }

  /** Whether what is called now goes into a list and not to the device. */
  get isRecording(): boolean {
    return this.recording;
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** The buffers that live on the device. */
  get memoryUse(): MemoryUse {
    return this.memory.use;
  }

  /**
   * A buffer of float32 numbers: zeros, or those given.
   *
   * @throws {WebgpuError} `limit` where it is larger than the device allows.
   */
  floats(lengthOrValues: number | ArrayLike<number>, label = 'floats'): FloatBuffer {
    return this.make('float32', lengthOrValues, label);
  }

  ints(lengthOrValues: number | ArrayLike<number>, label = 'ints'): IntBuffer {
    return this.make('int32', lengthOrValues, label);
  }

  uints(lengthOrValues: number | ArrayLike<number>, label = 'uints'): UintBuffer {
    return this.make('uint32', lengthOrValues, label);
  }

  private make<D extends BufferDtype>(dtype: D, given: number | ArrayLike<number>, label: string): DeviceBuffer<D> {
    const length = typeof given === 'number' ? given : given.length;
    if (!(Number.isInteger(length) && length >= 0)) {
      throw new RangeError(`${label}: length is ${length}, expected a whole number ≥ 0`);
    }
    const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
    const buffer = new DeviceBuffer(this, dtype, this.makeStorage(label, ELEMENT_BYTES * length, usage), 0, length);
    if (typeof given !== 'number') buffer.write(given);
    return buffer;
  }

  /** For the rooms' own use: a piece of memory for any use. */
  makeStorage(label: string, bytes: number, usage: number): Storage {
    this.assertUsable();
    return this.memory.make(label, bytes, usage);
  }

  destroyStorage(storage: Storage): void {
    if (!storage.alive) return;
    storage.alive = false;
    // What was called before still runs.
    if (this.fault) this.release(storage);
    else this.inOrder(() => this.release(storage));
  }

  private release(storage: Storage): void {
    this.memory.destroy(storage);
    for (const [key, { storages }] of this.groups) if (storages.includes(storage)) this.groups.delete(key);
  }

  /**
   * Notes a kernel's call.
   *
   * @param tensors by the names of the kernel's outputs and inputs
   * @param args by the names of the kernel's numbers
   * @throws {WebgpuError} where the device is lost, a buffer destroyed, or there are more workgroups than it allows.
   */
  dispatch(
    source: KernelSource,
    tensors: Readonly<Record<string, DeviceBuffer>>,
    args: Readonly<Record<string, number>>,
    workgroups: Workgroups,
  ): void {
    this.assertUsable();
    const { name } = source;
    const most = this.gpu.limits.maxComputeWorkgroupsPerDimension;
    if (Math.max(...workgroups) > most) {
      throw new WebgpuError('limit', `${name}: [${workgroups}] workgroups, this device allows ${most} a dimension`);
    }
    if (Math.min(...workgroups) === 0) return;
    const words = new Uint32Array(SLOT_WORDS);
    const floats = new Float32Array(words.buffer);
    let at = 0;
    for (const [arg, type] of Object.entries(source.args)) {
      if (args[arg] === undefined) throw new TypeError(`${name}: the number ${arg} is missing`);
      (type === 'f32' ? floats : words)[at++] = args[arg];
    }
    const storages: Storage[] = [];
    const places: number[] = [];
    for (const [tensor, type] of Object.entries({ ...source.outputs, ...source.inputs })) {
      if (!tensors[tensor]) throw new TypeError(`${name}: the buffer ${tensor} is missing`);
      const { storage, start, device } = tensors[tensor];
      if (device !== this) throw new TypeError(`${name}: ${tensor} is on another device`);
      if (!storage.alive) throw new WebgpuError('disposed', `${name}: ${tensor} (${storage.label}) has been destroyed`);
      let place = storages.indexOf(storage);
      if (place < 0) place = storages.push(storage) - 1;
      places.push(place);
      if (type === 'vec4f' && start % 4 !== 0) {
        throw new RangeError(
          `${name}: ${tensor} begins at element ${start} of ${storage.label}, expected a multiple of 4`,
        );
      }
      words[at++] = type === 'vec4f' ? start / 4 : start;
    }
    this.open.add(this.pipelines.get(source, places), storages, words, workgroups);
  }

  /**
   * For kernels of several dispatches: `length` floats that hold what one dispatch leaves for the next.
   *
   * @param purpose the same for all that may share one buffer, since none of them needs its contents after its own call
   */
  scratch(purpose: string, length: number): FloatBuffer {
    const size = powerOfTwoFrom(Math.max(length, SLOT_WORDS));
    const key = `${purpose} ${size}`;
    let buffer = this.scratches.get(key);
    if (!buffer) {
      buffer = this.floats(size, purpose);
      this.scratches.set(key, buffer);
    }
    return buffer.slice(0, length);
  }

  /**
   * Notes a copy between two buffers that share no memory, or zeros where there is no `from`. It is no dispatch.
   *
   * @param stride how many elements further on in `from` the next repetition of a recorded list reads
   * @throws {WebgpuError} where the device is lost or a buffer destroyed.
   */
  transfer(to: DeviceBuffer, from: DeviceBuffer | null, stride = 0): void {
    this.assertAlive('transfer', to.storage);
    if (from) this.assertAlive('transfer', from.storage);
    if (to.length === 0) return;
    this.open.addTransfer({
      to: to.storage,
      toByte: ELEMENT_BYTES * to.start,
      bytes: ELEMENT_BYTES * to.length,
      from: from?.storage ?? null,
      fromByte: ELEMENT_BYTES * (from?.start ?? 0),
      strideBytes: ELEMENT_BYTES * stride,
    });
  }

  /** The bind group of these buffers, made at the first call. For commands. */
  bindGroup(pipeline: Pipeline, storages: readonly Storage[], slots: Storage): GPUBindGroup {
    const key = `${pipeline.bindings}${pipeline.source.repeats ? '+' : ''} ${storages.map(({ id }) => id)} ${slots.id}`;
    let entry = this.groups.get(key);
    if (!entry) {
      const all = [slots, ...storages];
      const slot = (storage: Storage): GPUBufferBinding => ({ buffer: storage.gpu, size: SLOT_BYTES });
      const entries = [slot(slots), ...storages.map((storage): GPUBufferBinding => ({ buffer: storage.gpu }))];
      if (pipeline.source.repeats) {
        const repeats = this.repeatSlots();
        all.push(repeats);
        entries.push(slot(repeats));
      }
      const group = this.gpu.createBindGroup({
        layout: pipeline.layout,
        entries: entries.map((resource, binding) => ({ binding, resource })),
      });
      entry = { group, storages: all };
      this.groups.set(key, entry);
    }
    return entry.group;
  }

  /** Slots that hold 0, 1, … */
  private repeatSlots(): Storage {
    if (!this.repeats) {
      this.repeats = this.makeStorage('repetitions', MAX_REPEATS * SLOT_BYTES, USAGE.UNIFORM | USAGE.COPY_DST);
      const words = Uint32Array.from({ length: MAX_REPEATS * SLOT_WORDS }, (_, i) => i / SLOT_WORDS);
      this.gpu.queue.writeBuffer(this.repeats.gpu, 0, words);
    }
    return this.repeats;
  }

  /**
   * Records the kernels that `calls` calls, instead of running them, for {@link CommandList.submit} to send as often as
   * one likes.
   *
   * @param calls calls kernels and nothing else: neither write nor read
   * @throws {WebgpuError} `shader` where a kernel does not compile, `out-of-memory` where a buffer has none.
   */
  async record(calls: () => void): Promise<CommandList> {
    const list = this.list(calls);
    await this.orLost(Promise.all(list.waits()));
    return list;
  }

  /** The same at once: a list that is sent while a kernel is still being compiled waits for it. */
  list(calls: () => void): CommandList {
    this.assertUsable();
    if (this.recording) throw new Error('record: another list is being recorded');
    const before = this.open;
    const commands = new Commands(this);
    this.open = commands;
    this.recording = true;
    try {
      calls();
    } finally {
      this.open = before;
      this.recording = false;
    }
    return new CommandList(this, commands);
  }

  /** Sends what has been called. Resolves once it is on its way, which is at once where everything is compiled. */
  async submit(): Promise<void> {
    await this.rethrow(this.inOrder(() => {}));
  }

  /** Sends what has been called and waits until the device has computed it. */
  async done(): Promise<void> {
    await this.submit();
    await this.afterwards(() => this.gpu.queue.onSubmittedWorkDone());
    this.assertNoValidationError();
  }

  /** Waits for something that comes true when the device has computed everything that was sent. */
  private async afterwards(wait: () => Promise<unknown>): Promise<void> {
    const isDone = this.pollBackoff && (await this.orLost(this.pollBackoff.sleep()));
    await this.orLost(wait());
    isDone?.();
  }

  /** For {@link CommandList.submit}: notes that a list was sent. */
  noteSent(list: CommandList, times: number): void {
    this.pollBackoff?.send(list, times);
  }

  /** For {@link DeviceBuffer.write}. */
  write({ storage, start }: DeviceBuffer, values: HostArray): void {
    this.assertAlive('write', storage);
    const send = (data: HostArray): void =>
      this.gpu.queue.writeBuffer(storage.gpu, ELEMENT_BYTES * start, data.buffer, data.byteOffset, data.byteLength);
    // The caller may change the array before a job that has to wait is done.
    const data = this.mustWait(storage) ? values.slice() : values;
    this.inOrder(() => send(data), storage);
  }

  /** For {@link DeviceBuffer.read}. */
  async read({ storage, start, length }: DeviceBuffer): Promise<ArrayBuffer> {
    this.assertAlive('read', storage);
    const bytes = ELEMENT_BYTES * length;
    const through = await this.rethrow(
      this.inOrder(() => {
        const taken = this.takeStaging(bytes);
        const encoder = this.gpu.createCommandEncoder();
        encoder.copyBufferToBuffer(storage.gpu, ELEMENT_BYTES * start, taken.gpu, 0, bytes);
        this.gpu.queue.submit([encoder.finish()]);
        this.counters.submits++;
        return taken;
      }, storage),
    );
    this.counters.readbacks++;
    await this.afterwards(() => through.allocated.then(() => through.gpu.mapAsync(MAP_READ, 0, bytes)));
    const numbers = through.gpu.getMappedRange(0, bytes).slice(0);
    through.gpu.unmap();
    this.staging.get(through.bytes)!.push(through);
    this.assertNoValidationError();
    return numbers;
  }

  private takeStaging(bytes: number): Storage {
    const size = powerOfTwoFrom(Math.max(bytes, SLOT_BYTES));
    let free = this.staging.get(size);
    if (!free) {
      free = [];
      this.staging.set(size, free);
    }
    return free.pop() ?? this.makeStorage('staging', size, USAGE.MAP_READ | USAGE.COPY_DST);
  }

  /**
   * Sends what has been called, then does `job`: at once, or, where a kernel is still being compiled or a buffer not yet
   * allocated, when it is. After a failure nothing that was called later is done, until {@link submit} or
   * {@link DeviceBuffer.read} has thrown it.
   *
   * @param storage what the job needs
   * @param list what the job sends
   */
  inOrder<T>(job: () => T, storage?: Storage, list?: CommandList): T | Promise<T> {
    this.assertUsable();
    if (this.recording) throw new Error('record: only kernels can be recorded');
    const mustWait = this.mustWait(storage) || list?.mustWait === true;
    const commands = this.open.length > 0 ? this.open : null;
    if (commands) this.open = new Commands(this);
    const run = (): T => {
      this.assertUsable();
      if (commands) {
        commands.bind(this.slotsOf(commands.slotBytes));
        commands.submit();
      }
      return job();
    };
    if (!mustWait) return run();
    const waits = Promise.all([...(commands?.waits() ?? []), storage?.allocated, ...(list?.waits() ?? [])]);
    const result = (this.tail ?? Promise.resolve()).then(() => this.orLost(waits)).then(run);
    const tail = result.then(() => {
      if (this.tail === tail) this.tail = null;
    });
    tail.catch(() => {});
    waits.catch(() => {});
    this.tail = tail;
    return result;
  }

  private mustWait(storage?: Storage): boolean {
    return this.tail !== null || this.open.mustWait || storage?.isAllocated === false;
  }

  /** The result of a job; after its failure the way is free again. */
  private async rethrow<T>(result: T | Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      this.tail = null;
      throw error;
    }
  }

  private slotsOf(bytes: number): Storage {
    if (!this.slots || this.slots.bytes < bytes) {
      const old = this.slots;
      this.slots = this.makeStorage(
        'numbers of calls',
        Math.max(2 * bytes, 16 * SLOT_BYTES),
        USAGE.UNIFORM | USAGE.COPY_DST,
      );
      if (old) this.release(old);
    }
    return this.slots;
  }

  /** The promise, or an error as soon as the device is gone, when the promise may never come true. */
  private orLost<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.add(reject);
      // A pending mapping may fail before the loss itself is told.
      promise.then(resolve, (error) => reject(this.fault ?? error)).finally(() => this.waiting.delete(reject));
    });
  }

  private fail(fault: WebgpuError): void {
    this.fault ??= fault;
    for (const reject of this.waiting) reject(this.fault);
  }

  /** Destroys every buffer and the device. Every later call throws a {@link WebgpuError} `disposed`. */
  dispose(): void {
    if (this.fault?.kind === 'disposed') return;
    this.fault = null;
    this.fail(new WebgpuError('disposed', `the device ${this.adapter.name} has been disposed of`));
    this.memory.destroyAll();
    this.groups.clear();
    // A listener would keep this object alive.
    this.gpu.removeEventListener('uncapturederror', this.onError);
    this.gpu.destroy();
  }

  private assertUsable(): void {
    if (this.fault) throw this.fault;
  }

  private assertAlive(fn: string, storage: Storage): void {
    this.assertUsable();
    if (!storage.alive) throw new WebgpuError('disposed', `${fn}: ${storage.label} has been destroyed`);
  }

  private assertNoValidationError(): void {
    const { validationError } = this;
    this.validationError = null;
    if (validationError) throw validationError;
  }
}
