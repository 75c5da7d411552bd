import { MessageChannel, type MessagePort, receiveMessageOnPort, SHARE_ENV, Worker } from 'node:worker_threads';
import { type CpuEngine, tsEngine } from 'bptt';
import type { Answer, Argument, Order, PlainCall } from './webgpuCalls.ts';

/**
 * The engine `webgpu` for code that wants its numbers at once: the device is driven by a thread, and this one waits. A walk
 * is recorded, fused and run there; between walks all numbers come back into memory here. Clipping and updates, which the
 * trainer of engine `webgpu` does on the device, are the library's own in float32.
 */
export function webgpuHere(lengths: readonly number[]): CpuEngine {
  const memory = new SharedArrayBuffer(
    4 *
      Math.max(
        1,
        lengths.reduce((sum, length) => sum + padded(length), 0),
      ),
  );
  const engine = engines++;
  ask({ do: 'open', engine, memory });
  let end = 0;
  let programs = 0;
  let recording: PlainCall[] | null = null;
  const take = (length: number): number => {
    const start = end;
    end += padded(length);
    return 4 * start;
  };
  const argument = (arg: unknown): Argument => {
    const of = arg instanceof Float32Array ? 'floats' : arg instanceof Int32Array ? 'ints' : null;
    if (of === null) return arg as Argument;
    const { byteOffset, length } = arg as Float32Array | Int32Array;
    return { of, from: byteOffset / 4, to: byteOffset / 4 + length };
  };
  const record = (calls: readonly PlainCall[]): number => {
    ask({ do: 'record', engine, program: programs, calls });
    return programs++;
  };
  const single = new Map<string, number>();
  const call =
    (kernel: string) =>
    (...args: unknown[]): void => {
      const plain = { kernel, args: args.map(argument) };
      if (recording) {
        recording.push(plain);
        return;
      }
      const key = JSON.stringify(plain);
      const program = single.get(key) ?? record([plain]);
      single.set(key, program);
      ask({ do: 'run', engine, program });
    };
  const local = tsEngine('float32');
  const kernels = Object.fromEntries(Object.keys(local.kernels).map((kernel) => [kernel, call(kernel)]));
  return {
    ...local,
    name: 'webgpu',
    kernels: kernels as unknown as CpuEngine['kernels'],
    floats: (length) => new Float32Array(memory, take(length), length),
    ints: (length) => new Int32Array(memory, take(length), length),
    copy: call('copy'),
    fill: (buffer, value) => (recording ? call('fill')(buffer, value) : local.fill(buffer, value)),
    repeatable: (walk) => {
      let program: number | null = null;
      return () => {
        if (recording) {
          walk();
          return;
        }
        if (program === null) {
          const calls: PlainCall[] = [];
          recording = calls;
          try {
            walk();
          } finally {
            recording = null;
          }
          program = record(calls);
        }
        ask({ do: 'run', engine, program });
      };
    },
  };
}

/** Buffers begin at multiples of four numbers. */
const padded = (length: number): number => 4 * Math.ceil(length / 4);

/** How long a device may take over one order, the compiling of its kernels among it. */
const PATIENCE_MS = 120_000;

let engines = 0;
interface Thread {
  readonly port: MessagePort;
  readonly done: Int32Array;
}

let thread: Thread | null = null;

/** Has the thread do something, and waits until it is done. */
function ask(order: Order): void {
  thread ??= start();
  const { port, done } = thread;
  Atomics.store(done, 0, 0);
  port.postMessage(order);
  if (Atomics.wait(done, 0, 0, PATIENCE_MS) === 'timed-out') throw new Error('webgpu: the device does not answer');
  const answer = receiveMessageOnPort(port)!.message as Answer;
  if ('error' in answer) throw new Error(`webgpu: ${answer.error}`);
}

function start(): Thread {
  const memory = new SharedArrayBuffer(4);
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./webgpuThread.js', import.meta.url), {
    workerData: { memory, port: port2 },
    transferList: [port2],
    env: SHARE_ENV,
    execArgv: ['--conditions=bptt-source'],
  });
  worker.unref();
  return { port, done: new Int32Array(memory) };
}
