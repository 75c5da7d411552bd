import { expect } from 'vitest';
import type { Device } from '../../src/webgpu/device/device.ts';

/** Has a kernel written otherwise on this device; its memoize, which have something after its name, too. */
export function plantInKernel({ gpu }: Device, name: string, right: string | RegExp, wrong: string): void {
  const createShaderModule = gpu.createShaderModule.bind(gpu);
  const isIt = (label: string): boolean => label.startsWith(name) && /^\d*( .*)?$/.test(label.slice(name.length));
  gpu.createShaderModule = (descriptor) => {
    if (!isIt(descriptor.label ?? '')) return createShaderModule(descriptor);
    const code = descriptor.code.replace(right, wrong);
    expect(code).not.toBe(descriptor.code);
    return createShaderModule({ ...descriptor, code });
  };
}
