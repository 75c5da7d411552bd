import { type CompiledModule, host, type SomeMemory } from './host.ts';
import type { WasmMemory } from './memory.ts';
import { wasmModule } from './module.ts';
import type { Recording } from './recorder.ts';

/** The words of control; `threadWorker.js` says what they mean. */
const [COMMANDS, COMMAND, DONE, FAILED] = [0, 1, 2, 3];
const LISTEN = -1;
const END = -2;
/** How often the one who waits looks before it sleeps: some tens of microseconds, less than waking takes. */
const LOOKS = 2000;
/** In milliseconds: a pass that takes longer is taken for one that will not come back. */
const PATIENCE = 600_000;

/** A Worker, of the browser's kind or Node's. */
interface AnyWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
  /** Node only: lets the process end although the worker lives. */
  unref?(): void;
  /** Node's listeners; a browser's worker has `onmessage` and `onerror`. */
  once?(event: 'message' | 'error', listener: (value: unknown) => void): void;
  onmessage?: unknown;
  onerror?: unknown;
}

type WorkerConstructor = new (url: URL | string, options: { type?: 'module'; execArgv?: string[] }) => AnyWorker;

/** The browser's, Deno's and Bun's; Node has none of that name. */
declare const Worker: WorkerConstructor | undefined;

/** How long a thread may take to start, in milliseconds. */
const START = 30_000;

/** Threads cannot be had since their file does not load; the message says which and why. */
export class ThreadStartError extends Error {
  override readonly name = 'ThreadStartError';
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

/** A thread that runs recorded walks on its region of a shared memory. */
export class Thread {
  private readonly worker: AnyWorker;
  private readonly control: Int32Array;
  private commands = 0;
  private recordings = 0;
  private ended = false;

  private constructor(worker: AnyWorker, control: Int32Array) {
    this.worker = worker;
    this.control = control;
  }

  /**
   * Starts a thread with the kernels on that memory.
   *
   * @param file a copy of `threadWorker.js`; without it the one beside this module
   * @throws {ThreadStartError} where it does not load.
   */
  static async start({ memory, variant }: WasmMemory, file?: URL | string): Promise<Thread> {
    const worker = openWorker(file);
    const control = new Int32Array(new SharedArrayBuffer(16));
    const ready = answerOf(worker);
    const message: { memory: SomeMemory; kernels: CompiledModule; control: Int32Array } = {
      memory,
      kernels: wasmModule(variant).module,
      control,
    };
    try {
      worker.postMessage(message);
      await ready;
    } catch (error) {
      worker.terminate();
      throw notLoaded(file, error);
    }
    worker.unref?.();
    return new Thread(worker, control);
  }

  /** Hands over a recording; gives what starts it there, without waiting for its end. */
  install(recording: Recording): () => void {
    this.command(LISTEN);
    this.finish();
    this.worker.postMessage(recording);
    const number = this.recordings++;
    return () => this.command(number);
  }

  /**
   * Waits until the thread has done all that it was given.
   *
   * @throws {Error} where it failed, or does not answer.
   */
  finish(): void {
    const { control, commands } = this;
    for (let i = 0; i < LOOKS && Atomics.load(control, DONE) !== commands; i++);
    for (let done = Atomics.load(control, DONE); done !== commands; done = Atomics.load(control, DONE)) {
      if (Atomics.wait(control, DONE, done, PATIENCE) === 'timed-out') {
        throw new Error(`wasmThreads: a thread has not answered for ${PATIENCE / 1000} s`);
      }
    }
    if (Atomics.load(control, FAILED) !== 0) throw new Error('wasmThreads: a thread failed');
  }

  /** Ends the thread. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.command(END);
    this.worker.terminate();
  }

  private command(number: number): void {
    const { control } = this;
    if (this.ended && number !== END) throw new Error('wasmThreads: the trainer was disposed of');
    Atomics.store(control, COMMAND, number);
    this.commands = Atomics.add(control, COMMANDS, 1) + 1;
    Atomics.notify(control, COMMANDS);
  }
}

function openWorker(file: URL | string | undefined): AnyWorker {
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

function notLoaded(file: URL | string | undefined, cause: unknown): ThreadStartError {
  const why = (cause as { message?: unknown } | null)?.message;
  const which = file === undefined ? 'threadWorker.js, beside the module that starts it' : String(file);
  return new ThreadStartError(
    `the file of its threads (${which}) does not load${why ? `: ${why}` : ''}; the option threadWorker names a copy`,
    { cause },
  );
}

/** The first message of a worker. */
function answerOf(worker: AnyWorker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer for ${START / 1000} s`)), START);
    const settle = (how: (value: unknown) => void) => (value: unknown) => {
      clearTimeout(timer);
      how(value);
    };
    if (worker.once) {
      worker.once('message', settle(resolve));
      worker.once('error', settle(reject));
    } else {
      worker.onmessage = settle(resolve);
      worker.onerror = settle(reject);
    }
  });
}
