import { LruMap } from '../bptt/lruMap.ts';
import { ModuleBuilder, type Signature } from './assembler.ts';
import { type CompiledModule, type Functions, host, type SomeMemory } from './host.ts';

/** One call of a kernel. */
export interface Call {
  readonly kernel: string;
  readonly args: readonly number[];
}

/** The calls of a pass in order. A call of {@link CALLBACK} runs the function of that number. */
export interface Recording {
  readonly calls: readonly Call[];
  readonly callbacks: readonly (() => void)[];
}

/** A recording that is ready to run. */
export interface Installed {
  run(): void;
  /** Frees what the recording holds outside this object. */
  forget?(): void;
}

/** The kernel that runs a function of JavaScript: `callback(number)`. */
export const CALLBACK = 'callback';
const CALLBACK_SIGNATURE: Signature = { name: CALLBACK, params: ['i32'], result: null };
/** A function of a recording holds at most so many calls: the host compiles short functions better than a very long one. */
const CALLS_PER_FUNCTION = 1000;
/** Recordings that an engine keeps; the one used longest ago is forgotten. */
export const MOST_RECORDINGS = 64;
/** Uses of a pass before it is recorded: most lengths of sequences never come back. */
const USES_BEFORE_RECORDING = 2;

/**
 * Stands between callers and kernels and, when asked to, notes calls instead of making them. The numbers that a kernel is
 * given are addresses and sizes, so the calls of a pass are a program: it can be compiled, or sent to a thread.
 */
export class Recorder {
  /** The kernels by name. */
  readonly call: Record<string, (...args: number[]) => number> = {};
  readonly signatures: Map<string, Signature> = new Map();
  /** Modules beside the main one, in the order in which they were linked. */
  readonly modules: CompiledModule[] = [];
  private readonly memory: SomeMemory;
  private readonly kernels: Record<string, (...args: number[]) => number>;
  /** How many of {@link modules} are instantiated here. */
  private instantiated = 0;
  private readonly recordings = new LruMap<object, Installed>(MOST_RECORDINGS, ({ forget }) => forget?.());
  /** Where calls are noted while something is traced. */
  private tracing: { calls: Call[]; callbacks: (() => void)[]; outside: boolean } | null = null;

  constructor(memory: SomeMemory, kernels: Functions, signatures: readonly Signature[]) {
    this.memory = memory;
    this.kernels = { ...kernels };
    for (const signature of signatures) {
      const { name } = signature;
      const kernel = kernels[name];
      this.signatures.set(name, signature);
      this.call[name] = (...args) => {
        if (this.tracing === null) return kernel(...args);
        this.tracing.calls.push({ kernel: name, args });
        return 0;
      };
    }
  }

  /** Adds the kernels of another module over the same memory; it may import those there are. Instantiated when first called. */
  link(module: CompiledModule, signatures: readonly Signature[]): void {
    this.modules.push(module);
    for (const signature of signatures) {
      const { name } = signature;
      this.signatures.set(name, signature);
      this.call[name] = (...args) => {
        if (this.tracing !== null) {
          this.tracing.calls.push({ kernel: name, args });
          return 0;
        }
        return this.allKernels()[name](...args);
      };
    }
  }

  /** Every kernel by name, those of linked modules included. */
  allKernels(): Functions {
    for (; this.instantiated < this.modules.length; this.instantiated++) {
      const imports = { host: { memory: this.memory }, kernels: this.kernels };
      Object.assign(this.kernels, new (host().Instance)(this.modules[this.instantiated], imports).exports);
    }
    return this.kernels;
  }

  /** Makes the calls of a function at once, while something is traced, too: what has to be done only once. */
  untraced(run: () => void): void {
    const { tracing } = this;
    this.tracing = null;
    try {
      run();
    } finally {
      this.tracing = tracing;
    }
  }

  /** Runs a function of JavaScript in its place among the calls. */
  callback(run: () => void): void {
    if (this.tracing === null) run();
    else this.tracing.calls.push({ kernel: CALLBACK, args: [this.tracing.callbacks.push(run) - 1] });
  }

  /** The same, of a function that is called so often that a recording of its pass is not worth while. */
  outside(run: () => void): void {
    if (this.tracing === null) run();
    else this.tracing.outside = true;
  }

  /** The calls that a function makes; none is carried out. Null where it runs something {@link outside}. */
  trace(run: () => void): Recording | null {
    const outer = this.tracing;
    const own = { calls: [], callbacks: [], outside: false };
    this.tracing = own;
    try {
      run();
    } finally {
      this.tracing = outer;
    }
    return own.outside ? null : own;
  }

  /**
   * A pass that is run as it is the first times, then recorded and compiled.
   *
   * @param pass makes the same calls each time
   */
  compile(pass: () => void): () => void {
    const key = { uses: 0 };
    return () => {
      if (key.uses < USES_BEFORE_RECORDING) {
        key.uses++;
        pass();
        return;
      }
      this.recordings
        .get(key, () => {
          const recording = this.trace(pass);
          const forget = (): void => {
            key.uses = 0;
          };
          return { run: recording === null ? pass : this.compiled(recording), forget };
        })
        .run();
    };
  }

  /** A pass whose recording is handed to `install` at its first use. */
  record(pass: () => void, install: (recording: Recording | null) => Installed): () => void {
    const key = {};
    return () => this.recordings.get(key, () => install(this.trace(pass))).run();
  }

  /** A recording as a module of nothing but calls. */
  private compiled({ calls, callbacks }: Recording): () => void {
    const { Instance, Module } = host();
    const m = new ModuleBuilder();
    const used = new Set(calls.map(({ kernel }) => kernel));
    const callees = new Map(
      [...used].map((name) => [name, m.import(name === CALLBACK ? CALLBACK_SIGNATURE : this.signatures.get(name)!)]),
    );
    for (let from = 0; from < calls.length; from += CALLS_PER_FUNCTION) {
      m.function(`calls${from}`, [], (f) => {
        for (const { kernel, args } of calls.slice(from, from + CALLS_PER_FUNCTION)) f.call(callees.get(kernel)!, args);
      });
    }
    const callback = (number: number): void => callbacks[number]();
    const kernels = { ...this.allKernels(), [CALLBACK]: callback };
    const exports = new Instance(new Module(m.bytes('none')), { kernels }).exports as Functions;
    const parts = m.signatures.map(({ name }) => exports[name]);
    if (parts.length === 1) return parts[0] as () => void;
    return () => {
      for (const part of parts) part();
    };
  }
}
