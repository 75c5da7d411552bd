import { type Device, type DeviceOptions, openDevice } from '../../src/webgpu/device/device.ts';

/** Browsers and Deno have a WebGPU of their own. */
const gpu = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu ?? (await softwareOrNot());

async function softwareOrNot(): Promise<GPU> {
  const { gpuOrSoftware } = await import('../../scripts/softwareGpu.ts');
  return gpuOrSoftware();
}

/**
 * The device that a suite runs on: the host's own GPU, else the software adapter. Where there is neither, it throws, so
 * that no suite passes because it ran nothing.
 */
export async function openTestDevice(options: DeviceOptions = {}): Promise<Device> {
  const device = await openDevice({ gpu, ...options });
  const { name, software } = device.adapter;
  console.log(`WebGPU: ${name} (${software ? 'software' : 'GPU'})`);
  return device;
}
