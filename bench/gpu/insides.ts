/**
 * What no entry point exports, and the run on a GPU measures: the stages of a pass, and the plans by which they are computed.
 */

// biome-ignore-start lint/style/noRestrictedImports: plans and stages are not for users; here they are what is timed
export { modelAllocationPlan, SequenceModel } from '../../src/bptt/model.ts';
export type { Recurrence } from '../../src/bptt/recurrence.ts';
export { addWeightGradients, type WeightGradient } from '../../src/bptt/weightGradients.ts';
export { checksFor } from '../../src/webgpu/selfTest/checks.ts';
export { modelChecks } from '../../src/webgpu/selfTest/modelChecks.ts';
export { roomFor } from '../../src/webgpu/training/engine.ts';
export { backwardStage, fitPlan, forwardStage, type Stage } from '../../src/webgpu/training/recurrence.ts';
export { weightGradients } from '../../src/webgpu/training/weightGradients.ts';
// biome-ignore-end lint/style/noRestrictedImports: as above
