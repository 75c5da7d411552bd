import { type CompiledModule, host, type SomeMemory } from './host.ts';
import type { WasmMemory } from './memory.ts';
import { wasmModule } from './module.ts';
import type { Call, Installed, Recorder, Recording } from './recorder.ts';

/** The words of control; `threadWorker.js` says what they mean. */
const [COMMANDS, COMMAND, DONE, FAILED, ENDED, CALLS, MESSAGE] = [0, 1, 2, 3, 4, 5, 6];
const MESSAGE_LENGTH = 500;
const LISTEN = -1;
const END = -2;
/** How often a waiting thread looks before it blocks: some tens of microseconds, less than waking takes. */
const SPINS = 2000;
/** In milliseconds: how often a blocked thread looks whether the other one is still there. */
const ALIVE_EVERY = 200;
/**
 * In milliseconds: a single call of a kernel that takes longer than this, and so much for each byte of the memory, is taken
 * for one that will not come back. The longest call is a recurrence over all steps: with states of H numbers in the memory
 * it multiplies at most some H numbers for each of them, at H = 2048 a microsecond's work a number on a slow machine.
 */
const PATIENCE = 5000;
const PATIENCE_A_BYTE = 5e-4;

/** A Worker, of the browser's kind or Node's. */
interface AnyWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  /** Node only: lets the process end although the worker lives. */
  unref?(): void;
  /** Node only. `idle` is −1 once the thread has ended; nothing else tells without returning to the event loop. */
  readonly performance?: { eventLoopUtilization(): { readonly idle: number } };
  /** Node's listeners; a browser's worker has `onmessage` and `onerror`. */
  on?(event: 'message' | 'error', listener: (value: unknown) => void): void;
  onmessage?: unknown;
  onerror?: unknown;
}

/** Where a file is: a URL object, in words that need no types of the browser's or Node's, or a string that `Worker` takes. */
export type FileAddress = string | { readonly href: string };

type WorkerConstructor = new (url: FileAddress, options: { type?: 'module'; execArgv?: string[] }) => AnyWorker;

/** The browser's, Deno's and Bun's; Node has none of that name. */
declare const Worker: WorkerConstructor | undefined;

/** In milliseconds: a thread that takes longer to start is taken for one that will not. */
const START_TIMEOUT = 30_000;

/** Threads cannot be had since their file does not load; the message says which and why. */
export class ThreadStartError extends Error {
  override readonly name = 'ThreadStartError';
}

/** Ends the workers of threads that were never disposed of, once nothing leads to them any more. */
const abandoned = new FinalizationRegistry<AnyWorker>((worker) => worker.terminate());

/** The first message to a thread. */
export interface ThreadSetup {
  readonly memory: SomeMemory;
  readonly kernels: CompiledModule;
  readonly control: Int32Array;
}

/** Each later message: the recording of that number, and modules that it needs and that were not sent before. */
export interface ThreadRecording {
  readonly number: number;
  readonly modules: readonly CompiledModule[];
  readonly calls: readonly Call[];
}

/**
 * Why threads are not to be had here, or null where they are: they need shared memory, which a page has only where it is
 * cross-origin isolated, and a thread that may wait, which a page's main thread may not.
 */
export function whyNoThreads(): string | null {
  const here = globalThis as { document?: unknown; crossOriginIsolated?: boolean };
  if (here.document !== undefined) return "a page's main thread may not wait for others; train in a worker";
  try {
    const shared = new (host().Memory)({ initial: 1, maximum: 1, shared: true });
    if (here.crossOriginIsolated !== false && shared.buffer instanceof SharedArrayBuffer) return null;
  } catch {
    // None to be had.
  }
  return 'this host has no shared memory (a page needs cross-origin isolation)';
}

/** A thread that runs recorded passes on its region of a shared memory. */
export class Thread {
  private readonly worker: AnyWorker;
  private readonly control: Int32Array;
  private readonly recorder: Recorder;
  private commands = 0;
  /** Numbers of recordings: the next new one, and those that were forgotten. */
  private recordings = 0;
  private readonly free: number[] = [];
  /** How many of the recorder's modules the thread has. */
  private modules = 0;
  private disposed = false;
  private error: Error | null = null;
  /** In milliseconds. */
  private readonly patience: number;

  private constructor(worker: AnyWorker, control: Int32Array, recorder: Recorder, memoryBytes: number) {
    this.patience = PATIENCE + PATIENCE_A_BYTE * memoryBytes;
    this.worker = worker;
    this.control = control;
    this.recorder = recorder;
  }

  /**
   * Starts a thread with the kernels on that memory.
   *
   * @param file a copy of `threadWorker.js`; without it the one beside this module
   * @throws {ThreadStartError} where it does not load.
   */
  static async start({ memory, variant, recorder }: WasmMemory, file?: FileAddress): Promise<Thread> {
    const worker = openWorker(file);
    const control = new Int32Array(new SharedArrayBuffer(4 * (MESSAGE + MESSAGE_LENGTH)));
    const thread = new Thread(worker, control, recorder, memory.buffer.byteLength);
    // The worker's listeners must not hold the thread: a trainer that nobody has any more takes its threads along.
    const held = new WeakRef(thread);
    abandoned.register(thread, worker, thread);
    const ready = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer for ${START_TIMEOUT / 1000} s`)), START_TIMEOUT);
      const started = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const failed = (event: unknown): void => {
        clearTimeout(timer);
        (event as { preventDefault?(): void }).preventDefault?.(); // or Deno ends the process
        const own = held.deref();
        if (own) own.error ??= errorOf(event);
        reject(event);
      };
      if (worker.on) {
        worker.on('message', started);
        worker.on('error', failed);
      } else {
        worker.onmessage = started;
        worker.onerror = failed;
      }
    });
    const setup: ThreadSetup = { memory, kernels: wasmModule(variant).module, control };
    try {
      worker.postMessage(setup);
      await ready;
    } catch (error) {
      abandoned.unregister(thread);
      worker.terminate();
      throw notLoaded(file, error);
    }
    worker.unref?.();
    return thread;
  }

  /**
   * Hands over a recording; what it gives starts it there, without waiting for its end.
   *
   * @throws {Error} where the pass runs functions of JavaScript, of which the thread has none.
   */
  install(recording: Recording | null): Installed {
    if (recording === null || recording.callbacks.length > 0) {
      throw new Error('wasmThreads: a cell or loss without a kernel cannot run in a thread');
    }
    this.command(LISTEN);
    this.finish();
    const number = this.free.pop() ?? this.recordings++;
    const modules = this.recorder.modules.slice(this.modules);
    this.modules += modules.length;
    const message: ThreadRecording = { number, modules, calls: recording.calls };
    this.worker.postMessage(message);
    return { run: () => this.command(number), forget: () => this.free.push(number) };
  }

  /**
   * Waits until the thread has done all that it was given.
   *
   * @throws {Error} with the thread's own message where it failed; where it has ended or does not answer.
   */
  finish(): void {
    const { control, commands } = this;
    for (let i = 0; i < SPINS && Atomics.load(control, DONE) !== commands; i++);
    let calls = Atomics.load(control, CALLS);
    let since = performance.now();
    for (let done = Atomics.load(control, DONE); done !== commands; done = Atomics.load(control, DONE)) {
      this.assertRunning();
      if (Atomics.wait(control, DONE, done, ALIVE_EVERY) !== 'timed-out') continue;
      const now = Atomics.load(control, CALLS);
      if (now !== calls) {
        calls = now;
        since = performance.now();
      } else if (performance.now() - since > this.patience) {
        throw new Error(`wasmThreads: a thread has not answered for ${Math.round(this.patience / 1000)} s`);
      }
    }
    const length = Atomics.exchange(control, FAILED, 0);
    if (length !== 0) throw new Error(`wasmThreads: a thread failed: ${this.message(length)}`);
  }

  /** Ends the thread. */
  end(): void {
    if (this.disposed) return;
    if (this.error === null) this.send(END);
    this.disposed = true;
    abandoned.unregister(this);
    this.worker.terminate();
  }

  private command(number: number): void {
    if (this.disposed) throw new Error('wasmThreads: the trainer was disposed of');
    this.assertRunning();
    this.send(number);
  }

  private send(number: number): void {
    const { control } = this;
    Atomics.store(control, COMMAND, number);
    this.commands = Atomics.add(control, COMMANDS, 1) + 1;
    Atomics.notify(control, COMMANDS);
  }

  /** @throws {Error} once the thread has ended, by itself or from outside. */
  private assertRunning(): void {
    const { control, worker } = this;
    if (this.error === null) {
      const gone = Atomics.load(control, ENDED) !== 0 || (worker.performance?.eventLoopUtilization().idle ?? 0) < 0;
      if (!gone) return;
      const length = Atomics.load(control, FAILED);
      this.error = new Error(`wasmThreads: a thread has ended${length === 0 ? '' : `: ${this.message(length)}`}`);
    }
    throw this.error;
  }

  /** What the thread wrote of its error; FAILED is its length and one. */
  private message(length: number): string {
    return String.fromCharCode(...this.control.slice(MESSAGE, MESSAGE + length - 1));
  }
}

function errorOf(event: unknown): Error {
  const message = (event as { message?: unknown } | null)?.message ?? String(event);
  return new Error(`wasmThreads: a thread failed: ${message}`);
}

function openWorker(file: FileAddress | undefined): AnyWorker {
  try {
    // Without the process's own flags, which may name loaders and scripts that are none of the thread's.
    if (typeof Worker === 'undefined') return new (nodeWorker())(file ?? besideThis(), { execArgv: [] });
    if (file !== undefined) return new Worker(file, { type: 'module' });
    // In these very words Vite and webpack know it for a worker, and carry its file along.
    return new Worker(new URL('./threadWorker.js', import.meta.url), { type: 'module' });
  } catch (error) {
    throw notLoaded(file, error);
  }
}

/** Node's own, asked for so that no bundler looks for it. */
function nodeWorker(): WorkerConstructor {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(id: 'node:worker_threads'): { Worker: WorkerConstructor } };
  };
  if (!process?.getBuiltinModule) throw new Error('this host has no workers');
  return process.getBuiltinModule('node:worker_threads').Worker;
}

/** In other words than above: in Node no bundler is to carry the file a second time. */
function besideThis(): URL {
  const here = import.meta.url;
  return new URL('./threadWorker.js', here);
}

function notLoaded(file: FileAddress | undefined, cause: unknown): ThreadStartError {
  const why = (cause as { message?: unknown } | null)?.message;
  const which =
    file === undefined
      ? 'threadWorker.js, beside the module that starts it'
      : typeof file === 'string'
        ? file
        : file.href;
  return new ThreadStartError(
    `the file of its threads (${which}) does not load${why ? `: ${why}` : ''}; the option threadWorker names a copy`,
    { cause },
  );
}
