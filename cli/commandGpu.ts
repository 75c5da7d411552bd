import { existsSync } from 'node:fs';
import type { EngineName } from 'bptt';

/** In a clone of the repository: finds SwiftShader where the machine has no GPU. */
const software = new URL('../scripts/softwareGpu.ts', import.meta.url);

/**
 * Where the engine `webgpu` of a command computes: on the machine's GPU; in a clone of the repository, where there is none,
 * on SwiftShader, a program that takes its place. Nothing for the other engines.
 */
export async function commandGpu(engine: EngineName): Promise<{ webgpu?: { deviceOptions: { gpu: GPU } } }> {
  if (engine !== 'webgpu' || !existsSync(software)) return {};
  const { gpuOrSoftware }: typeof import('../scripts/softwareGpu.ts') = await import(software.href);
  return { webgpu: { deviceOptions: { gpu: await gpuOrSoftware() } } };
}
