import { expect, test } from 'vitest';
import { openCountedGpu, thenReading } from '../../bench/countedGpu.ts';

process.env.BPTT_SOFTWARE_GPU = '1';

test('what a peer asks of the device that it found is counted, but not the reading at the end', async () => {
  const gpu = await openCountedGpu();
  expect(gpu.adapter).toMatchObject({ name: expect.stringMatching(/SwiftShader/), software: true });

  // A peer, with no more than what a page offers it.
  const { navigator } = globalThis as unknown as { navigator: { gpu: GPU } };
  const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
  const code = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(1) fn main() { x[0] += 1; }`;
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const bytes = 4;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const read = async (x: GPUBuffer): Promise<Float32Array> => {
    const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(x, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return new Float32Array(staging.getMappedRange());
  };
  /** Adds one to a number as many times as there are steps, twice in each submit. */
  const add = (steps: number): GPUBuffer => {
    const x = device.createBuffer({ size: bytes, usage });
    const entries = [{ binding: 0, resource: { buffer: x } }];
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    for (let done = 0; done < steps; done += 2) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < 2; i++) pass.dispatchWorkgroups(1);
      pass.end();
      device.queue.submit([encoder.finish()]);
    }
    return x;
  };

  const contender = thenReading(gpu, add, read);
  expect(Array.from(await contender.run(8))).toEqual([8]);
  const { name: adapter, software } = gpu.adapter;
  const counts = { dispatchesPerStep: 1, submitsPerStep: 1 / 2, buffersPerStep: 1 / 8, readbacksPerStep: 0 };
  expect(contender.device!()).toEqual({ adapter, software, ...counts });
  expect(gpu.counters.readbacks).toBe(1);

  // Reading that is a part of the steps counts.
  const impatient = thenReading(
    gpu,
    () => read(add(2)),
    (values) => values,
  );
  await impatient.run(2);
  expect(impatient.device!()).toMatchObject({ submitsPerStep: 1, readbacksPerStep: 1 / 2 });
});

test('a contender on the CPU tells of no device', async () => {
  const contender = thenReading(
    null,
    (steps) => steps,
    async (steps) => [steps],
  );
  expect(await contender.run(3)).toEqual([3]);
  expect(contender.device).toBeUndefined();
});
