import { type Device, openDevice } from '../../src/webgpu/device.ts';

/**
 * The device that a suite runs on: the host's own GPU, else the software adapter. Where there is neither, it throws, so
 * that no suite passes because it ran nothing.
 */
export async function openTestDevice(): Promise<Device> {
  // Browsers have a WebGPU of their own.
  const gpu =
    'document' in globalThis ? undefined : await (await import('../../scripts/softwareGpu.ts')).gpuOrSoftware();
  const device = await openDevice(gpu ? { gpu } : {});
  const { name, software } = device.adapter;
  console.log(`WebGPU: ${name} (${software ? 'software' : 'GPU'})`);
  return device;
}
