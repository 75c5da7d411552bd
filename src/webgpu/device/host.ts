import { messageOf, WebgpuError } from './errors.ts';
import type { GPU } from './hostTypes.ts';

// Flags of the WebGPU specification. Node has no globals that hold them.
/** `GPUBufferUsage` */
export const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 0x40, STORAGE: 0x80 } as const;
/** `GPUShaderStage.COMPUTE` */
export const STAGE_COMPUTE = 4;
/** `GPUMapMode.READ` */
export const MAP_READ = 1;

/** The optional peer dependency that gives Node a WebGPU. Not written into `import()`, so that bundlers leave it alone. */
const DAWN = 'webgpu';
/** What Dawn gave: kept for the life of the process, since Dawn crashes when it is collected before its devices. */
let dawn: GPU | undefined;

/**
 * The host's WebGPU: `navigator.gpu` of browsers and Deno; in Node the package `webgpu`, loaded at the first call.
 *
 * @throws {WebgpuError} `no-webgpu`, saying how to get it.
 */
export async function hostGpu(): Promise<GPU> {
  // Neither is there in every host.
  const { navigator, process } = globalThis as {
    navigator?: { gpu?: GPU };
    process?: { versions?: { node?: string } };
  };
  if (navigator?.gpu) return navigator.gpu;
  if (!process?.versions?.node) {
    throw new WebgpuError(
      'no-webgpu',
      'openDevice: this host has no navigator.gpu; a browser offers it on https and localhost only',
    );
  }
  if (!dawn) {
    try {
      const { create } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ DAWN)) as {
        create(flags: string[]): GPU;
      };
      dawn = create([]);
    } catch (error) {
      throw new WebgpuError(
        'no-webgpu',
        `openDevice: Node has no WebGPU of its own; npm install webgpu (${messageOf(error)})`,
        { cause: error },
      );
    }
  }
  return dawn;
}

/** Whether waiting for the device keeps a core busy: Dawn in Node asks whether it is done until it is. */
export function waitsBusily(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string; deno?: string } } };
  return process?.versions?.node !== undefined && process.versions.deno === undefined;
}
