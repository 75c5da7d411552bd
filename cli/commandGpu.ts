import type { EngineName } from 'bptt';

/**
 * Where the engine `webgpu` of a command computes: on the machine's GPU, and only where there is none on SwiftShader, a
 * program that takes its place. Nothing for the other engines.
 */
export async function commandGpu(engine: EngineName): Promise<{ webgpu?: { deviceOptions: { gpu: GPU } } }> {
  if (engine !== 'webgpu') return {};
  const { gpuOrSoftware } = await import('../scripts/softwareGpu.ts');
  return { webgpu: { deviceOptions: { gpu: await gpuOrSoftware() } } };
}
