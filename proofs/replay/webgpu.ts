import { MessageChannel, type MessagePort, receiveMessageOnPort, SHARE_ENV, Worker } from 'node:worker_threads';
import { type CpuEngine, tsEngine } from 'bptt';
import type { FloatArray } from 'bptt/tensor';
import { type Answer, argumentOf, type Order, type PlainCall } from './webgpuCalls.ts';

/** The stages that the engine of the device does as a whole. */
const STAGES = [
  ...(['recurrenceForward', 'recurrenceBackward', 'weightGradients'] as const),
  ...(['lossOutputs', 'lossForward', 'lossBackward', 'lossForwardBackward'] as const),
];

/**
 * The engine `webgpu` for code that wants its numbers at once: the device is driven by a thread, and this one waits. A pass
 * is recorded and run there; between passes all numbers come back into memory here. Clipping and updates, which the
 * trainer of engine `webgpu` does on the device, are the library's own in float32.
 */
export function webgpuHere(lengths: readonly number[]): CpuEngine {
  const room = lengths.reduce((sum, length) => sum + padded(length), 0);
  const memory = new SharedArrayBuffer(4 * Math.max(1, room));
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
  const record = (calls: readonly PlainCall[]): number => {
    ask({ do: 'record', engine, program: programs, calls });
    return programs++;
  };
  const single = new Map<string, number>();
  const call =
    (fn: string) =>
    (...args: unknown[]): void => {
      const plain = { fn, args: args.map(argumentOf) };
      if (recording) {
        recording.push(plain);
        return;
      }
      const key = JSON.stringify(plain);
      const program = single.get(key) ?? record([plain]);
      single.set(key, program);
      ask({ do: 'run', engine, program });
    };
  const here = tsEngine('float32');
  const kernels = {
    ...Object.fromEntries(Object.keys(here.kernels).map((kernel) => [kernel, call(kernel)])),
    fill: (buffer: FloatArray, value: number) =>
      recording ? call('fill')(buffer, value) : here.kernels.fill(buffer, value),
  };
  return {
    ...here,
    name: 'webgpu',
    kernels: kernels as unknown as CpuEngine['kernels'],
    ...(Object.fromEntries(STAGES.map((stage) => [stage, call(stage)])) as Pick<CpuEngine, (typeof STAGES)[number]>),
    floats: (length) => new Float32Array(memory, take(length), length),
    ints: (length) => new Int32Array(memory, take(length), length),
    compile: (pass) => {
      let program: number | null = null;
      return () => {
        if (recording) {
          pass();
          return;
        }
        if (program === null) {
          const calls: PlainCall[] = [];
          recording = calls;
          try {
            pass();
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
