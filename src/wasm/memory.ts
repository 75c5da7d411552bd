import { assertLength } from '../check/arrays.ts';
import { typeName } from '../check/describe.ts';
import { type Functions, host, PAGE, type SomeMemory } from './host.ts';
import { type Variant, wasmModule } from './module.ts';
import { Recorder } from './recorder.ts';
import { SCRATCH_BYTES, type Scratch, scratchAt } from './scratch.ts';

/** One page less than 32-bit addresses reach, so that the end of a buffer is an address too. */
const LARGEST = 65_535 * PAGE;
/** Regions that threads write to begin on cache lines of their own. */
const ALIGNMENT = 64;

type Floats = Float32Array | Float64Array;

/** The bytes that a buffer of that many 4-byte numbers takes up. */
export function bufferBytes(length: number): number {
  return roundUp(4 * length);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/**
 * A region of a WebAssembly memory with the kernels on it. All of the memory is asked for at once: memory that grows
 * would pull itself from under every view.
 */
export class WasmMemory {
  /** The kernels, on addresses. */
  readonly call: Recorder['call'];
  readonly recorder: Recorder;
  readonly variant: Variant;
  readonly scratch: Scratch;
  /** The memory that the region is part of. */
  readonly memory: SomeMemory;
  /** The bytes of the region. */
  readonly byteLength: number;
  private readonly buffer: ArrayBufferLike;
  private readonly limit: number;
  private end: number;

  /**
   * @param bytes room for buffers
   * @param fused whether products are added by fused multiply-add; the host must have it
   * @throws {RangeError} where so much memory is not to be had.
   */
  constructor(bytes: number, fused = false, region?: Region) {
    const { memory, start, end, shared } = region ?? regionsOf([bytes], false)[0];
    this.variant = { shared, fused };
    this.memory = memory;
    this.buffer = memory.buffer;
    this.scratch = scratchAt(start);
    this.end = start + roundUp(SCRATCH_BYTES);
    this.limit = end;
    this.byteLength = end - start;
    const { module, signatures } = wasmModule(this.variant);
    const kernels = new (host().Instance)(module, { host: { memory } }).exports as Functions;
    this.recorder = new Recorder(memory, kernels, signatures);
    this.call = this.recorder.call;
  }

  /**
   * Regions of one memory that threads share, each with room for that many bytes of buffers.
   *
   * @throws {RangeError} where so much memory is not to be had.
   */
  static shared(bytes: readonly number[], fused = false): readonly WasmMemory[] {
    return regionsOf(bytes, true).map((region, i) => new WasmMemory(bytes[i], fused, region));
  }

  /** A zeroed buffer. */
  floats(length: number): Float32Array {
    return new Float32Array(this.buffer, this.take(length), length);
  }

  /** A zeroed buffer of bfloat16. */
  halves(length: number): Uint16Array {
    return new Uint16Array(this.buffer, this.take(Math.ceil(length / 2)), length);
  }

  ints(length: number): Int32Array {
    return new Int32Array(this.buffer, this.take(length), length);
  }

  /** Whether a buffer of that many numbers can still be had. */
  hasRoom(length: number): boolean {
    return this.end + bufferBytes(length) <= this.limit;
  }

  /**
   * The address of an argument that holds exactly as many elements of this memory as the product of the sizes.
   *
   * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
   */
  at(fn: string, arg: string, a: Floats | Int32Array, shape: string, ...sizes: readonly number[]): number {
    return this.placeOf(fn, arg, a, false, shape, sizes);
  }

  /** The same of weights, which are bfloat16 where `halves` says so. */
  weightsAt(fn: string, arg: string, a: Floats, halves: boolean, shape: string, d0: number, d1: number): number {
    return this.placeOf(fn, arg, a, halves, shape, [d0, d1]);
  }

  /** The same, or 0 for an argument that is left out. */
  atOrNull(fn: string, arg: string, a: Floats | null, shape: string, d0: number): number {
    return a ? this.at(fn, arg, a, shape, d0) : 0;
  }

  private placeOf(
    fn: string,
    arg: string,
    a: Floats | Int32Array,
    halves: boolean,
    shape: string,
    sizes: readonly number[],
  ): number {
    assertLength(fn, arg, a, shape, ...sizes);
    if (a.buffer !== this.buffer) throw new TypeError(`${fn}: ${arg} is not in the memory of this wasm engine`);
    if ((a as ArrayBufferView) instanceof Uint16Array !== halves) {
      throw new TypeError(`${fn}: ${arg} is ${typeName(a)}, expected ${halves ? 'weights of bf16' : 'float32 or ids'}`);
    }
    return a.byteOffset;
  }

  private take(length: number): number {
    const start = this.end;
    const end = start + bufferBytes(length);
    if (end > this.limit) {
      throw new RangeError(`wasmEngine: a buffer of ${length} numbers needs ${end} bytes, made for ${this.limit}`);
    }
    this.end = end;
    return start;
  }
}

/** Part of a memory: the bytes from start to end − 1. */
interface Region {
  readonly memory: SomeMemory;
  readonly start: number;
  readonly end: number;
  readonly shared: boolean;
}

/** Takes one memory for regions with room for that many bytes of buffers each. */
function regionsOf(bytes: readonly number[], shared: boolean): Region[] {
  const needs = bytes.map((n) => roundUp(SCRATCH_BYTES) + roundUp(n));
  const need = needs.reduce((a, b) => a + b, 0);
  const pages = Math.ceil(need / PAGE);
  if (!(need <= LARGEST)) throw tooLarge(need, `at most ${LARGEST} can be had`);
  let memory: SomeMemory;
  try {
    memory = new (host().Memory)({ initial: pages, maximum: pages, shared });
  } catch {
    throw tooLarge(need, 'the host does not grant it');
  }
  let start = 0;
  return needs.map((own, i) => {
    const end = i === needs.length - 1 ? pages * PAGE : start + own;
    const region = { memory, start, end, shared };
    start = end;
    return region;
  });
}

function tooLarge(need: number, why: string): RangeError {
  return new RangeError(`wasmEngine: needs ${need} bytes (${(need / 2 ** 30).toFixed(2)} GiB) of memory, ${why}`);
}
