/**
 * What no entry point offers, and the runs on a GPU look at: the parts that a step is put together of, and the plans by
 * which they are done.
 */

// biome-ignore-start lint/style/noRestrictedImports: plans and stages are no user's business; here they are what is timed
export { countingEngine } from '../../src/bptt/engine.ts';
export { SequenceModel } from '../../src/bptt/model.ts';
export type { FloatBuffer, IntBuffer } from '../../src/webgpu/buffers.ts';
export { checksFor } from '../../src/webgpu/checks.ts';
export { roomFor } from '../../src/webgpu/engine.ts';
export type { Part, WalkStage } from '../../src/webgpu/fuse.ts';
export { type RecurrenceWay, type WalkPlan, walkBy } from '../../src/webgpu/recurrence.ts';
export { walkChecks } from '../../src/webgpu/walkChecks.ts';
export { type WeightGradient, weightGradients } from '../../src/webgpu/weightGradients.ts';
// biome-ignore-end lint/style/noRestrictedImports: as above
