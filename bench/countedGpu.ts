import { type AdapterDescription, type Counters, openDevice } from 'bptt/webgpu';
import { gpuOrSoftware } from '../scripts/softwareGpu.ts';
import { type Contender, type DeviceFacts, factsOf } from './contender.ts';

/** The adapter that a peer's process finds, and what has been asked of the devices of that process. */
export interface CountedGpu {
  readonly adapter: AdapterDescription;
  readonly counters: Readonly<Counters>;
}

/**
 * Puts WebGPU where a page has it, so that a peer written for pages finds it in Node, on the adapter of engine webgpu. Calls
 * are counted on the prototypes: the devices are made by the peer.
 */
export async function openCountedGpu(): Promise<CountedGpu> {
  const gpu = await gpuOrSoftware();
  const { globals } = await import('webgpu'); // here, since a peer on the CPU needs no WebGPU
  const device = await openDevice({ gpu }); // for the adapter's name as rows of engine webgpu have it
  device.dispose();
  Object.assign(globalThis, globals);
  // jax-js wants to know the browser too.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node.js' }, configurable: true });
  const counters = { dispatches: 0, submits: 0, buffers: 0, readbacks: 0 };
  countCalls(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => counters.dispatches++);
  countCalls(GPUQueue.prototype, 'submit', () => counters.submits++);
  countCalls(GPUDevice.prototype, 'createBuffer', () => counters.buffers++);
  countCalls(GPUBuffer.prototype, 'mapAsync', () => counters.readbacks++);
  return { adapter: device.adapter, counters };
}

/** Has each call of a method counted, whatever the object. */
function countCalls<A extends object>(prototype: A, name: keyof A & string, count: () => void): void {
  const method = prototype[name] as (...args: unknown[]) => unknown;
  Object.assign(prototype, {
    [name](this: A, ...args: unknown[]) {
      count();
      return method.apply(this, args);
    },
  });
}

/**
 * The contender that does steps, and afterwards reads what they gave: the reading is timed, but counted to no step.
 *
 * @param gpu null where the steps are done on the CPU
 * @param work does that many steps, and leaves what they give where it is
 */
export function thenReading<A>(
  gpu: CountedGpu | null,
  work: (steps: number) => A,
  read: (given: A) => Promise<ArrayLike<number>>,
): Contender {
  if (!gpu) return { run: (steps) => read(work(steps)) };
  let facts: DeviceFacts;
  return {
    run(steps) {
      const before = { ...gpu.counters };
      const given = work(steps);
      facts = factsOf(gpu.adapter, steps, before, gpu.counters);
      return read(given);
    },
    device: () => facts,
  };
}
