import { ModuleBuilder, type Signature } from './assembler.ts';
import { type Functions, host } from './host.ts';

/** One call of a kernel. */
interface Call {
  readonly kernel: string;
  readonly args: readonly number[];
}

/** A recorded walk: a module over the memory and the kernels, and its functions in the order in which they run. */
export interface Recording {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly functions: readonly string[];
}

/** More calls than this are not worth a function of their own. */
const MOST_CALLS = 200_000;
/** A function of a recording holds at most so many: the host compiles short functions better than a very long one. */
const CALLS_A_FUNCTION = 1000;

/**
 * Stands between callers and kernels and, when asked to, notes every call. The numbers that a kernel is given are
 * addresses and sizes, so the calls of a walk are a program, and can be made a module that runs without walking.
 */
export class Recorder {
  /** The kernels by name; each call is noted while something is being recorded. */
  readonly call: Functions;
  readonly kernels: Functions;
  private readonly signatures: readonly Signature[];
  /** What has been done already in the walk that is under way and need not be done again; null where there is none. */
  walk: Set<string> | null = null;
  private calls: Call[] | null = null;

  constructor(kernels: Functions, signatures: readonly Signature[]) {
    this.kernels = kernels;
    this.signatures = signatures;
    this.call = Object.fromEntries(
      signatures.map(({ name }) => {
        const kernel = kernels[name];
        return [
          name,
          (...args: number[]) => {
            this.calls?.push({ kernel: name, args });
            return kernel(...args);
          },
        ];
      }),
    );
  }

  /**
   * The walk as a function: the first time it only walks (most walks never come back), the second time it is recorded,
   * from then on the recording runs.
   *
   * @param install makes a recording a function
   */
  repeatable(walk: () => void, install: (recording: Recording) => () => void): () => void {
    let walked = false;
    let run = (): void => {
      if (walked) {
        const calls = this.record(walk);
        run = calls.length > MOST_CALLS ? () => this.once(walk) : install(this.recordingOf(calls));
      } else {
        this.once(walk);
        walked = true;
      }
    };
    return () => run();
  }

  /** Runs the walk, and gives the calls that it made. */
  private record(walk: () => void): readonly Call[] {
    const calls: Call[] = [];
    this.calls = calls;
    try {
      this.once(walk);
    } finally {
      this.calls = null;
    }
    return calls;
  }

  private once(walk: () => void): void {
    this.walk = new Set();
    try {
      walk();
    } finally {
      this.walk = null;
    }
  }

  private recordingOf(calls: readonly Call[]): Recording {
    const m = new ModuleBuilder();
    const used = new Set(calls.map(({ kernel }) => kernel));
    const callees = new Map(
      this.signatures.filter(({ name }) => used.has(name)).map((signature) => [signature.name, m.import(signature)]),
    );
    for (let from = 0; from < calls.length; from += CALLS_A_FUNCTION) {
      m.function(`calls${from}`, [], (f) => {
        for (const { kernel, args } of calls.slice(from, from + CALLS_A_FUNCTION)) f.call(callees.get(kernel)!, args);
      });
    }
    return { bytes: m.bytes('none'), functions: m.signatures.map(({ name }) => name) };
  }
}

/** Makes a recording one function of this thread. */
export function installHere({ bytes, functions }: Recording, kernels: Functions): () => void {
  const { Instance, Module } = host();
  const made = new Instance(new Module(bytes), { kernels }).exports as Functions;
  const parts = functions.map((name) => made[name]);
  if (parts.length === 1) return parts[0] as () => void;
  return () => {
    for (const part of parts) part();
  };
}
