export * from './device/buffers.ts';
export * from './device/commands.ts';
export * from './device/device.ts';
export * from './device/errors.ts';
export * from './device/pipelines.ts';
export * from './kernels/add.ts';
export * from './kernels/clip.ts';
export * from './kernels/columns.ts';
export * from './kernels/copy.ts';
export * from './kernels/exp.ts';
export { gatherColumns, gatherColumnsBackward, gatherRows, gatherRowsBackward } from './kernels/gather.ts';
export * from './kernels/layerNorm.ts';
export * from './kernels/linear.ts';
export * from './kernels/logSoftmax.ts';
export * from './kernels/matmul.ts';
export * from './kernels/matmulKernels.ts';
export * from './kernels/matvec.ts';
export * from './kernels/max.ts';
export * from './kernels/multiply.ts';
export * from './kernels/relu.ts';
export * from './kernels/scale.ts';
export * from './kernels/sigmoid.ts';
export { sigmoidCrossEntropyBackward, sigmoidCrossEntropyForward } from './kernels/sigmoidCrossEntropy.ts';
export * from './kernels/softmax.ts';
export { softmaxCrossEntropyBackward, softmaxCrossEntropyForward } from './kernels/softmaxCrossEntropy.ts';
export { squaredErrorBackward, squaredErrorForward } from './kernels/squaredError.ts';
export * from './kernels/state.ts';
export * from './kernels/sum.ts';
export * from './kernels/tanh.ts';
export {
  type EngineCall,
  type EngineWrite,
  type WebgpuEngine,
  type WebgpuEngineOptions,
  webgpuEngine,
} from './training/engine.ts';
export { type WebgpuPredictor, type WebgpuPredictorOptions, webgpuPredictor } from './training/predictor.ts';
export type { PersistentPlan, RecurrencePlan } from './training/recurrence.ts';
export { type WebgpuSampler, type WebgpuSamplerOptions, webgpuSampler } from './training/sampler.ts';
export { type WebgpuTrainer, type WebgpuTrainerOptions, webgpuTrainer } from './training/trainer.ts';
