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

type WorkerConstructor = new (url: URL, options: { type: 'module'; execArgv: string[] }) => AnyWorker;

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

  /** Starts a thread with the kernels on that memory. */
  static async start({ memory, variant }: WasmMemory): Promise<Thread> {
    const worker = await openWorker();
    const control = new Int32Array(new SharedArrayBuffer(16));
    const ready = answerOf(worker);
    const message: { memory: SomeMemory; kernels: CompiledModule; control: Int32Array } = {
      memory,
      kernels: wasmModule(variant).module,
      control,
    };
    worker.postMessage(message);
    await ready;
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

async function openWorker(): Promise<AnyWorker> {
  const inNode = 'node:worker_threads'; // a variable, so that nobody looks for it when bundling for a browser
  const { Worker }: { Worker?: WorkerConstructor } =
    'Worker' in globalThis ? globalThis : await import(/* @vite-ignore */ inNode);
  // Without the process's own flags, which may name loaders and scripts that are none of the thread's.
  return new Worker!(new URL('./threadWorker.js', import.meta.url), { type: 'module', execArgv: [] });
}

/** The first message of a worker. */
function answerOf(worker: AnyWorker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (worker.once) {
      worker.once('message', resolve);
      worker.once('error', reject);
    } else {
      worker.onmessage = resolve;
      worker.onerror = reject;
    }
  });
}
