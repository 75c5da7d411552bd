import { expectLength } from '../tensor/shape.ts';
import { type Functions, host, type SomeMemory } from './host.ts';
import { wasmModule } from './module.ts';
import { Recorder } from './recorder.ts';
import { SCRATCH_BYTES } from './scratch.ts';

const PAGE = 65_536;
/** One page less than 32-bit addresses reach, so that the end of a buffer is an address too. */
const LARGEST = 65_535 * PAGE;
const ALIGNMENT = 16;

type Floats = Float32Array | Float64Array;

/** The bytes that a buffer of that many 4-byte numbers takes up. */
export function bufferBytes(length: number): number {
  return Math.ceil((4 * length) / ALIGNMENT) * ALIGNMENT;
}

/**
 * One WebAssembly memory with the kernels on it. All of it is asked for at once: memory that grows would pull itself
 * from under every view.
 */
export class WasmMemory {
  /** The kernels, on addresses. */
  readonly call: Functions;
  readonly recorder: Recorder;
  /** The bytes taken from the host. */
  readonly byteLength: number;
  private readonly buffer: ArrayBuffer;
  private end = SCRATCH_BYTES;

  /**
   * @param bytes room for buffers
   * @throws {RangeError} where so much memory is not to be had.
   */
  constructor(bytes: number) {
    const need = SCRATCH_BYTES + bytes;
    const pages = Math.ceil(need / PAGE);
    if (!(need <= LARGEST)) throw tooLarge(need, `at most ${LARGEST} can be had`);
    const { Memory, Instance } = host();
    let memory: SomeMemory;
    try {
      memory = new Memory({ initial: pages, maximum: pages });
    } catch {
      throw tooLarge(need, 'the host does not grant it');
    }
    this.buffer = memory.buffer;
    this.byteLength = pages * PAGE;
    const { module, signatures } = wasmModule();
    const kernels = new Instance(module, { host: { memory } }).exports as Functions;
    this.recorder = new Recorder(memory, kernels, signatures);
    this.call = this.recorder.call;
  }

  /** A zeroed buffer. */
  floats(length: number): Float32Array {
    return new Float32Array(this.buffer, this.take(length), length);
  }

  ints(length: number): Int32Array {
    return new Int32Array(this.buffer, this.take(length), length);
  }

  /**
   * The address of an argument that holds exactly d0·d1 elements of this memory.
   *
   * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
   */
  at(fn: string, arg: string, a: Floats | Int32Array, shape: string, d0: number, d1 = 1): number {
    expectLength(fn, arg, a, shape, d0, d1);
    if (a.buffer !== this.buffer) throw new TypeError(`${fn}: ${arg} is not in the memory of this wasm engine`);
    return a.byteOffset;
  }

  /** The same, or 0 for an argument that is left out. */
  atOrNull(fn: string, arg: string, a: Floats | null, shape: string, d0: number): number {
    return a ? this.at(fn, arg, a, shape, d0) : 0;
  }

  private take(length: number): number {
    const start = this.end;
    const end = start + bufferBytes(length);
    if (end > this.byteLength) {
      throw new RangeError(`wasmEngine: a buffer of ${length} numbers needs ${end} bytes, made for ${this.byteLength}`);
    }
    this.end = end;
    return start;
  }
}

function tooLarge(need: number, why: string): RangeError {
  return new RangeError(`wasmEngine: needs ${need} bytes (${(need / 2 ** 30).toFixed(2)} GiB) of memory, ${why}`);
}
