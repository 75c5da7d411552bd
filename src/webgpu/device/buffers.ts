import type { Device } from './device.ts';
import { WebgpuError } from './errors.ts';
import { USAGE } from './host.ts';
import type { GPUBuffer, GPUDevice, GPUError } from './hostTypes.ts';

/** The typed array that goes in and out of a buffer. */
interface HostArrays {
  float32: Float32Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  uint32: Uint32Array<ArrayBuffer>;
}

/** The element types of a buffer. */
export type BufferDtype = keyof HostArrays;

const hostArray = { float32: Float32Array, int32: Int32Array, uint32: Uint32Array } as const;

/** Every element type has four bytes. */
export const ELEMENT_BYTES = 4;

/** A piece of the device's memory, shared by all views of it. */
export class Storage {
  readonly id: number;
  readonly label: string;
  readonly bytes: number;
  readonly gpu: GPUBuffer;
  /** Whether the device is known to have the memory; rejects with a {@link WebgpuError} `out-of-memory`. */
  readonly allocated: Promise<void>;
  isAllocated = false;
  /** False once it has been destroyed; what was called before may still be waiting to use it. */
  alive = true;

  constructor(id: number, label: string, bytes: number, gpu: GPUBuffer, allocated: Promise<GPUError | null>) {
    this.id = id;
    this.label = label;
    this.bytes = bytes;
    this.gpu = gpu;
    this.allocated = allocated.then((error) => {
      if (error) throw new WebgpuError('out-of-memory', `${label}: no memory for ${bytes} bytes (${error.message})`);
      this.isAllocated = true;
    });
    // Whoever uses the buffer waits for it and is told.
    this.allocated.catch(() => {});
  }
}

/** Numbers on a device: a flat, typed buffer, or a view of elements start … start + length − 1 of one. */
export class DeviceBuffer<D extends BufferDtype = BufferDtype> {
  readonly device: Device;
  readonly dtype: D;
  readonly length: number;
  /** The first element's place in {@link storage}. */
  readonly start: number;
  readonly storage: Storage;

  /** Made by {@link Device.floats}, {@link Device.ints} and {@link Device.uints}. */
  constructor(device: Device, dtype: D, storage: Storage, start: number, length: number) {
    this.device = device;
    this.dtype = dtype;
    this.storage = storage;
    this.start = start;
    this.length = length;
  }

  /** What the buffer was called when it was made. */
  get label(): string {
    return this.storage.label;
  }

  /**
   * A view of elements start … end − 1; it shares the buffer's memory.
   *
   * @throws {RangeError} where they are not all in this buffer.
   */
  slice(start: number, end: number): DeviceBuffer<D> {
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= this.length)) {
      throw new RangeError(`slice: ${this.label} from ${start} to ${end}, expected 0 ≤ start ≤ end ≤ ${this.length}`);
    }
    return new DeviceBuffer(this.device, this.dtype, this.storage, this.start + start, end - start);
  }

  /**
   * Copies numbers in from the host, starting at element 0, after everything called before.
   *
   * @throws {RangeError} on more numbers than there are elements.
   */
  write(values: ArrayLike<number>): void {
    if (values.length > this.length) {
      throw new RangeError(`write: ${values.length} numbers for ${this.label}, expected at most ${this.length}`);
    }
    const Host = hostArray[this.dtype];
    this.device.write(this, values instanceof Host ? (values as HostArrays[D]) : (Host.from(values) as HostArrays[D]));
  }

  /** The numbers, once everything called before has been computed. */
  async read(): Promise<HostArrays[D]> {
    const Host = hostArray[this.dtype];
    return new Host(await this.device.read(this)) as HostArrays[D];
  }

  /** Gives the memory back, of all views of it. The commands called before still run. */
  destroy(): void {
    this.device.destroyStorage(this.storage);
  }
}

/** float32 numbers on a device. */
export type FloatBuffer = DeviceBuffer<'float32'>;
/** int32 numbers on a device. */
export type IntBuffer = DeviceBuffer<'int32'>;
/** uint32 numbers on a device. */
export type UintBuffer = DeviceBuffer<'uint32'>;

/** How many buffers a device holds, and how large they are together. */
export interface MemoryUse {
  readonly buffers: number;
  readonly bytes: number;
}

/** Makes, counts and destroys the buffers of a device. */
export class Memory {
  /** Buffers made so far. */
  created = 0;
  private readonly gpu: GPUDevice;
  private readonly live = new Set<Storage>();
  private bytes = 0;

  constructor(gpu: GPUDevice) {
    this.gpu = gpu;
  }

  get use(): MemoryUse {
    return { buffers: this.live.size, bytes: this.bytes };
  }

  /**
   * A zeroed buffer.
   *
   * @throws {WebgpuError} `limit` where it is larger than the device allows, naming buffer, size and limit.
   */
  make(label: string, bytes: number, usage: number): Storage {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.gpu.limits;
    const most = usage & USAGE.STORAGE ? Math.min(maxBufferSize, maxStorageBufferBindingSize) : maxBufferSize;
    if (bytes > most) {
      throw new WebgpuError('limit', `${label}: ${bytes} bytes, this device allows ${most} a buffer`);
    }
    this.gpu.pushErrorScope('out-of-memory');
    // WebGPU has no empty bindings.
    const buffer = this.gpu.createBuffer({ label, size: Math.max(bytes, ELEMENT_BYTES), usage });
    const storage = new Storage(this.created++, label, buffer.size, buffer, this.gpu.popErrorScope());
    this.live.add(storage);
    this.bytes += storage.bytes;
    return storage;
  }

  destroy(storage: Storage): void {
    if (!this.live.delete(storage)) return;
    storage.alive = false;
    storage.gpu.destroy();
    this.bytes -= storage.bytes;
  }

  destroyAll(): void {
    for (const storage of this.live) this.destroy(storage);
  }
}
