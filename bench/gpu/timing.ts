import { type CommandList, type Device, MAX_REPEATS, matmulNN, openDevice } from 'bptt/webgpu';
import type { Run } from './section.ts';

/** What a recorded list takes. */
export interface Timed {
  /** Of one repetition, in microseconds: the smallest of the samples. */
  readonly us: number;
  /** How much of that time the host needed to send it. Near 1, and the host is what is timed. */
  readonly host: number;
}

/** Dispatches of a submit: enough that its own cost is small, and few enough that the device begins soon. */
const DISPATCHES_A_SUBMIT = 512;
const SAMPLES = 2;

/**
 * Times a recorded list over so many repetitions that they take at least `ms`, sent one after another, and waits once. It
 * waits by asking the device all the time, and not as `Device.done` does, which sleeps most of it.
 */
export async function timeList(device: Device, list: CommandList, ms: number): Promise<Timed> {
  const chunk = Math.max(1, Math.min(MAX_REPEATS, Math.floor(DISPATCHES_A_SUBMIT / Math.max(1, list.dispatches))));
  const run = async (times: number): Promise<{ ms: number; sent: number }> => {
    const start = performance.now();
    for (let left = times; left > 0; left -= chunk) list.submit(Math.min(left, chunk));
    const sent = performance.now() - start;
    await device.gpu.queue.onSubmittedWorkDone();
    return { ms: performance.now() - start, sent };
  };
  await run(1); // drivers still compile
  let times = 1;
  let last = await run(times);
  while (last.ms < ms / 4) {
    times *= last.ms < ms / 64 ? 16 : 4;
    last = await run(times);
  }
  times = Math.max(1, Math.ceil((times * ms) / last.ms));
  let best = last;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const now = await run(times);
    if (sample === 0 || now.ms < best.ms) best = now;
  }
  await device.done(); // throws what the device objected to
  return { us: (1000 * best.ms) / times, host: best.sent / best.ms };
}

/** Records calls and times them. */
export async function timeCalls(device: Device, ms: number, calls: () => void): Promise<Timed> {
  const list = await device.record(calls);
  try {
    return await timeList(device, list, ms);
  } finally {
    list.destroy();
  }
}

/** Keeps a device busy until its clock has risen. */
export async function warmUp(device: Device, ms: number): Promise<void> {
  const N = device.adapter.software ? 64 : 1024;
  const [c, a, b] = ['c', 'a', 'b'].map((name) => device.floats(N * N, name));
  const list = await device.record(() => matmulNN(c, a, b, N, N, N));
  const end = performance.now() + ms;
  while (performance.now() < end) {
    list.submit(4);
    await device.gpu.queue.onSubmittedWorkDone();
  }
  list.destroy();
  for (const buffer of [c, a, b]) buffer.destroy();
}

/**
 * Does the same work for one thing after another on a device whose clock has risen. What fails is told, and the next one gets
 * a new device, since the old one may be lost; what there is no time for is told too.
 */
export async function forEach<A>(
  { emit, effort, left }: Run,
  things: readonly A[],
  nameOf: (thing: A) => string,
  work: (device: Device, thing: A) => Promise<void>,
): Promise<void> {
  let device: Device | null = null;
  for (const thing of things) {
    if (left() < 0) {
      emit('left out', { what: nameOf(thing) });
      continue;
    }
    try {
      if (!device) {
        device = await openDevice();
        await warmUp(device, effort === 'small' ? 20 : 500);
      }
      await work(device, thing);
    } catch (error) {
      emit('failures', { what: nameOf(thing), message: words(error) });
      device?.dispose();
      device = null;
    }
  }
}

/** Three or four digits. */
export function figure(value: number): number {
  return Number(value.toPrecision(4));
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
