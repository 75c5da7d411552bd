import { assertLength } from '../check/arrays.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { ModuleBuilder } from '../wasm/assembler.ts';
import { type Functions, host, PAGE, type SomeMemory } from '../wasm/host.ts';
import type { ProductMemory } from '../wasm/matmul.ts';
import { SCRATCH_BYTES, type Scratch, scratchAt } from '../wasm/scratch.ts';

/** Copies may take up a GiB. */
const MOST_PAGES = 2 ** 30 / PAGE;
const ALIGNMENT = 64;

/** One for all kernels; it grows to what the largest call needs. */
let memory: SomeMemory | undefined;

function theMemory(): SomeMemory {
  memory ??= new (host().Memory)({ initial: Math.ceil(SCRATCH_BYTES / PAGE), maximum: MOST_PAGES });
  return memory;
}

/**
 * Kernels on a memory that a call's arguments are copied to. Views of it last for that call: the next one overwrites them,
 * or pulls the memory from under them when it grows.
 */
export class CopyMemory implements ProductMemory {
  readonly call: Functions;
  readonly scratch: Scratch = scratchAt(0);
  private readonly memory: SomeMemory = theMemory();

  /** @throws {Error} where the host has no WebAssembly SIMD, or forbids it. */
  constructor(emit: (m: ModuleBuilder) => void) {
    const { Module, Instance } = host();
    const m = new ModuleBuilder();
    emit(m);
    this.call = new Instance(new Module(m.bytes()), { host: { memory: this.memory } }).exports as Functions;
  }

  /** Views of so many floats each, for one call; null where so much memory is not to be had. */
  room(...lengths: number[]): Float32Array[] | null {
    const need = lengths.reduce((sum, length) => sum + bytesOf(length), SCRATCH_BYTES);
    const pages = Math.ceil((need - this.memory.buffer.byteLength) / PAGE);
    try {
      if (pages > 0) this.memory.grow(pages);
    } catch {
      return null;
    }
    let end = SCRATCH_BYTES;
    return lengths.map((length) => {
      const start = end;
      end += bytesOf(length);
      return new Float32Array(this.memory.buffer, start, length);
    });
  }

  at(fn: string, arg: string, a: FloatArray, shape: string, ...sizes: readonly number[]): number {
    assertLength(fn, arg, a, shape, ...sizes);
    return a.byteOffset;
  }
}

function bytesOf(floats: number): number {
  return Math.ceil((4 * floats) / ALIGNMENT) * ALIGNMENT;
}

/** What `make` gives, made when it is first asked for; null where that fails, once and for all. */
export function atFirstUse<T>(make: () => T): () => T | null {
  let made: T | null | undefined;
  return () => {
    if (made === undefined) {
      try {
        made = make();
      } catch {
        made = null;
      }
    }
    return made;
  };
}
