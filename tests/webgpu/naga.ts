import { openDevice } from '../../src/webgpu/device/device.ts';
import { messageOf } from '../../src/webgpu/device/errors.ts';
import type { KernelSource } from '../../src/webgpu/device/pipelines.ts';
import { selfTest } from '../../src/webgpu/selfTest/selfTest.ts';

/** For Deno, whose WebGPU is wgpu with the compiler naga, as in Firefox: tries every kernel and prints what came of it. */
const device = await openDevice();
const wrong: KernelSource = {
  name: 'wrong',
  outputs: { y: 'f32' },
  inputs: {},
  args: {},
  code: '@compute @workgroup_size(1)\nfn main() {\n  set_y(0u, undeclared + 1.0);\n}',
};
const y = device.floats(1);
device.dispatch(wrong, { y }, {}, [1, 1, 1]);
const shader = await y.read().then(() => null, messageOf);
const { adapter, checks, failures } = await selfTest(device, { cases: 2, all: true });
device.dispose();
console.log(JSON.stringify({ ...adapter, checks, failures, shader }));
