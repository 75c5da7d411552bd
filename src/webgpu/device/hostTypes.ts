/**
 * The host's own types of WebGPU, for declarations that users compile: the browser's or those of `@webgpu/types`, where a
 * program has either. Where it has neither, the host's names would be errors in the library's declarations; these are
 * `object` there.
 */
type HostClass<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : object;

export type GPU = HostClass<'GPU'>;
export type GPUAdapter = HostClass<'GPUAdapter'>;
export type GPUBindGroup = HostClass<'GPUBindGroup'>;
export type GPUBindGroupLayout = HostClass<'GPUBindGroupLayout'>;
export type GPUBuffer = HostClass<'GPUBuffer'>;
export type GPUComputePipeline = HostClass<'GPUComputePipeline'>;
export type GPUDevice = HostClass<'GPUDevice'>;
export type GPUError = HostClass<'GPUError'>;
export type GPUSupportedLimits = HostClass<'GPUSupportedLimits'>;
