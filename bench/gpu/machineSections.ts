import { addScaled, type Device, matmulNN, openDevice, planMatmul, scale } from 'bptt/webgpu';
import { selfTest } from 'bptt/webgpu/self-test';
import { machineWith } from '../machine.ts';
import { checksFor, modelChecks } from './insides.ts';
import type { Run, Section } from './section.ts';
import { figure, forEach, timeCalls, timeList, warmUp } from './timing.ts';

/** The adapter, and whether its kernels are right. */
export const ADAPTER: Section = {
  name: 'adapter',
  title: 'The machine and its adapter',
  seconds: { full: 20, small: 20 },
  async run({ emit }) {
    const { cpu, cores, node, platform } = machineWith({});
    for (const [what, is] of Object.entries({ cpu: cpu ?? '', cores, node: node ?? '', platform })) {
      emit('machine', { what, is });
    }
    const device = await openDevice();
    const { name, vendor, architecture, software } = device.adapter;
    const limits = device.limits as unknown as Record<string, number>;
    const names = Object.keys(Object.getPrototypeOf(limits) as object).filter((limit) => limit.startsWith('max'));
    for (const [what, is] of Object.entries({ adapter: name, vendor, architecture, software })) {
      emit('machine', { what, is });
    }
    for (const limit of names) emit('limits', { limit, is: Number(limits[limit]) });
  },
};

export const KERNELS: Section = {
  name: 'kernels',
  title: 'Every kernel against float64',
  seconds: { full: 70, small: 15 },
  async run({ emit, effort, left }) {
    const device = await openDevice();
    const names = [...new Set([...checksFor(device, true), ...modelChecks].map(({ name }) => name))];
    // A few of each kind in a trial.
    const asked = effort === 'small' ? names.filter((_, n) => n % 40 === 0) : names;
    let checks = 0;
    let failed = 0;
    let at = 0;
    // One at a time, so that what was seen is known if it comes to an end.
    for (const name of asked) {
      if (left() < 0) break;
      const report = await selfTest(device, { all: true, only: [name] });
      checks += report.checks;
      failed += report.failures.length;
      for (const { name, sizes, message } of report.failures) {
        emit('failures', { kernel: name, sizes: JSON.stringify(sizes), message });
      }
      at++;
      if (at % 50 === 0 || at === asked.length) emit('checks', { kernels: at, of: asked.length, checks, failed });
    }
    if (at < asked.length) emit('checks', { kernels: at, of: asked.length, checks, failed });
  },
};

export const LATENCY: Section = {
  name: 'latency',
  title: 'What asking costs',
  seconds: { full: 15, small: 15 },
  async run({ emit, effort }) {
    const device = await openDevice();
    const small = effort === 'small';
    await warmUp(device, small ? 20 : 500);
    const ms = small ? 10 : 150;
    const tell = (what: string, value: number, unit: string): void =>
      emit('latency', { what, value: figure(value), unit });

    const few = device.floats(256, 'few');
    const chain = await timeCalls(device, ms, () => {
      for (let i = 0; i < 128; i++) scale(few, few, 1);
    });
    tell('a dispatch after another that it waits for, of 128 in a list', chain.us / 128, 'µs');
    tell('share of that which the host needs to send it', chain.host, '');
    const apart = Array.from({ length: 16 }, (_, i) => device.floats(256, `apart ${i}`));
    const free = await timeCalls(device, ms, () => {
      for (let i = 0; i < 128; i++) scale(apart[i % 16], apart[i % 16], 1);
    });
    tell('a dispatch in buffers of its own, 16 of them in turn', free.us / 128, 'µs');

    const one = await device.record(() => scale(few, few, 1));
    one.submit();
    await device.done();
    const submits = small ? 20 : 2000;
    const from = performance.now();
    for (let i = 0; i < submits; i++) one.submit();
    const sent = performance.now();
    await device.gpu.queue.onSubmittedWorkDone();
    tell('a submit of one dispatch, sent without waiting', (1000 * (performance.now() - from)) / submits, 'µs');
    tell('of that the host', (1000 * (sent - from)) / submits, 'µs');
    const trips = small ? 10 : 200;
    const began = performance.now();
    for (let i = 0; i < trips; i++) {
      one.submit();
      await device.gpu.queue.onSubmittedWorkDone();
    }
    tell('a submit of one dispatch, waited for', (1000 * (performance.now() - began)) / trips, 'µs');

    await timeReads(device, small, tell);
    await timeMemory(device, small, ms, tell);
  },
};

type Tell = (what: string, value: number, unit: string) => void;

async function timeReads(device: Device, small: boolean, tell: Tell): Promise<void> {
  for (const length of [4, small ? 2 ** 12 : 2 ** 20]) {
    const buffer = device.floats(length, 'read');
    await buffer.read();
    const reads = small ? 5 : 50;
    const from = performance.now();
    for (let i = 0; i < reads; i++) await buffer.read();
    tell(`a read of ${4 * length} bytes`, (1000 * (performance.now() - from)) / reads, 'µs');
  }
}

/** y += αx over memory that no cache holds: 12 bytes an element. */
async function timeMemory(device: Device, small: boolean, ms: number, tell: Tell): Promise<void> {
  const length = small ? 2 ** 16 : 2 ** 26;
  const [y, x] = [device.floats(length, 'y'), device.floats(length, 'x')];
  const { us } = await timeCalls(device, ms, () => addScaled(y, x, 0.5));
  tell(`memory, y += αx over ${length} floats`, (12 * length) / us / 1000, 'GB/s');
}

export const PRODUCTS: Section = {
  name: 'products',
  title: 'C = A·B, square: the rate of products',
  seconds: { full: 25, small: 15 },
  run: (run) =>
    forEach(run, run.effort === 'small' ? [64, 128] : [256, 512, 1024, 2048, 4096], String, (device, N) =>
      timeProduct(device, N, run),
    ),
};

async function timeProduct(device: Device, N: number, { emit, effort }: Run): Promise<void> {
  const values = Float32Array.from({ length: N * N }, (_, i) => Math.sin(i));
  const [c, a, b] = [device.floats(N * N, 'c'), device.floats(values, 'a'), device.floats(values, 'b')];
  const list = await device.record(() => matmulNN(c, a, b, N, N, N));
  const { us, host } = await timeList(device, list, effort === 'small' ? 10 : 200);
  const { kernel, splits } = planMatmul(device, N, N, N);
  emit('products', {
    N,
    kernel,
    splits,
    µs: figure(us),
    'GFLOP/s': figure((2 * N ** 3) / us / 1000),
    host: figure(host),
  });
  for (const buffer of [c, a, b]) buffer.destroy();
}
