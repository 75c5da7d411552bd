import { type Device, MAX_REPEATS, matmulNN, openDevice } from 'bptt/webgpu';
import {
  type Contender,
  type DeviceFacts,
  factsOf,
  type Product,
  type Scope,
  type Task,
  type Tensors,
} from './contender.ts';
import { trainingContender } from './library.ts';

/** Steps of training whose losses are read together where the time is to be end to end. */
const STEPS_A_READ = 4;

/**
 * The library doing a task on WebGPU.
 *
 * @param gpu where to look for an adapter; left out, where the library does
 * @throws {Error} on sampling, which this engine does not do here.
 */
export async function webgpuContender(task: Task, tensors: Tensors, scope: Scope, gpu?: GPU): Promise<Contender> {
  if (task.kind === 'sampling') throw new Error('webgpuContender: task is sampling, expected training or product');
  const device = await openDevice(gpu ? { gpu } : {});
  if (task.kind === 'product') return counting(device, scope, await productRun(device, task, tensors, scope));
  const who = { engine: 'webgpu', dtype: 'float32', threads: 1, webgpu: { device } } as const;
  const { run } = await trainingContender(task, tensors, who, scope === 'compute' ? Infinity : STEPS_A_READ);
  return counting(device, scope, run);
}

async function productRun(device: Device, { N }: Product, { a, b }: Tensors, scope: Scope): Promise<Contender['run']> {
  const [c, left, right] = [device.floats(N * N, 'c'), device.floats(a, 'a'), device.floats(b, 'b')];
  const product = await device.record(() => matmulNN(c, left, right, N, N, N));
  if (scope === 'compute') {
    return (steps) => {
      for (let done = 0; done < steps; done += MAX_REPEATS) product.submit(Math.min(steps - done, MAX_REPEATS));
      return c.read();
    };
  }
  return async (steps) => {
    let values = new Float32Array(0);
    for (let i = 0; i < steps; i++) {
      left.write(a);
      right.write(b);
      product.submit();
      values = await c.read();
    }
    return values;
  };
}

/** The contender that does `run`, and says what its last run asked of the device. */
function counting(device: Device, scope: Scope, run: Contender['run']): Contender {
  // The read that ends a call, a submit of its own, belongs to no step of it.
  const atTheEnd = scope === 'compute' ? 1 : 0;
  let facts: DeviceFacts;
  return {
    async run(steps) {
      const before = { ...device.counters };
      const results = await run(steps);
      const { submits, readbacks, ...others } = device.counters;
      const after = { ...others, submits: submits - atTheEnd, readbacks: readbacks - atTheEnd };
      facts = factsOf(device.adapter, steps, before, after);
      return results;
    },
    device: () => facts,
  };
}
