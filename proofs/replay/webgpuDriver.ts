/** The thread in which `webgpu.ts` computes: it does what it is told, and wakes whoever told it. */
import { type MessagePort, workerData } from 'node:worker_threads';
import { type CommandList, type FloatBuffer, type IntBuffer, openDevice, webgpuEngine } from 'bptt/webgpu';
import { gpuOrSoftware } from '../../scripts/softwareGpu.ts';
import { type Answer, type Order, type PlainCall, reviveArgument } from './webgpuCalls.ts';

const { memory, port } = workerData as { memory: SharedArrayBuffer; port: MessagePort };
const done = new Int32Array(memory);
const device = await openDevice({ gpu: await gpuOrSoftware() });
process.stderr.write(`${device.description}\n`);

/** An engine's memory here and on the device, where it stands twice: as floats and as ints. */
class Mirror {
  readonly engine = webgpuEngine(device);
  readonly programs = new Map<number, CommandList>();
  private readonly host: Float32Array<ArrayBuffer>;
  private readonly hostInts: Int32Array<ArrayBuffer>;
  private readonly floats: FloatBuffer;
  private readonly ints: IntBuffer;
  private readonly shared: Float32Array;

  constructor(memory: SharedArrayBuffer) {
    this.shared = new Float32Array(memory);
    this.host = new Float32Array(this.shared.length);
    this.hostInts = new Int32Array(this.host.buffer);
    this.floats = this.engine.floats(this.host.length);
    this.ints = this.engine.ints(this.host.length);
  }

  record(program: number, calls: readonly PlainCall[]): void {
    type Functions = Record<string, (...args: unknown[]) => void>;
    const fns = { ...this.engine.kernels, ...this.engine } as unknown as Functions;
    const runs = calls.map(({ fn, args }) => {
      const values = args.map((arg) => reviveArgument(arg, (of, from, to) => this[of].slice(from, to)));
      return () => fns[fn](...values);
    });
    const list = device.list(() => {
      for (const run of runs) run();
    });
    this.programs.set(program, list);
  }

  async run(program: number): Promise<void> {
    this.host.set(this.shared);
    this.floats.write(this.host);
    this.ints.write(this.hostInts);
    this.programs.get(program)!.submit();
    // What a pass changes are floats.
    this.shared.set(await this.floats.read());
  }
}

const mirrors = new Map<number, Mirror>();

async function follow(order: Order): Promise<void> {
  if (order.do === 'open') mirrors.set(order.engine, new Mirror(order.memory));
  else if (order.do === 'record') mirrors.get(order.engine)!.record(order.program, order.calls);
  else await mirrors.get(order.engine)!.run(order.program);
}

port.on('message', async (order: Order) => {
  const answer: Answer = await follow(order).then(
    () => ({ done: true }),
    (error: unknown) => ({ error: String(error) }),
  );
  port.postMessage(answer);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});
