/**
 * The part of the host's WebAssembly that is used here. It is described here because Node's types and the browser's
 * describe it differently.
 */
interface Host {
  Memory: new (pages: { initial: number; maximum: number; shared?: boolean }) => SomeMemory;
  Module: new (bytes: Uint8Array<ArrayBuffer>) => CompiledModule;
  Instance: new (module: CompiledModule, imports: object) => { readonly exports: unknown };
}

/** Bytes of a page, of which memory consists. */
export const PAGE = 65_536;

export interface SomeMemory {
  readonly buffer: ArrayBufferLike;
  /** Adds pages, which pulls the memory from under every view of it. */
  grow(pages: number): number;
}

/** The exported functions of an instance. */
export type Functions = Readonly<Record<string, (...args: number[]) => number>>;

declare const compiled: unique symbol;
/** A module that the host has compiled. */
export interface CompiledModule {
  readonly [compiled]: true;
}

const found = (globalThis as { WebAssembly?: unknown }).WebAssembly as Host | undefined;

/**
 * The host's WebAssembly.
 *
 * @throws {Error} where there is none.
 */
export function host(): Host {
  if (!found) throw new Error('wasmEngine: this host has no WebAssembly');
  return found;
}

/**
 * Whether the host compiles that module. Validating it would not do: a page's content security policy may forbid compiling
 * what is valid.
 */
export function compiles(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    return found !== undefined && new found.Module(bytes) !== null;
  } catch {
    return false;
  }
}
