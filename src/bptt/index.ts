export * from './batch.ts';
export * from './beamSearch.ts';
export * from './cpuSession.ts';
export { type CreateModelOptions, createModel } from './createModel.ts';
export * from './createTrainer.ts';
export * from './direction.ts';
export * from './engine.ts';
export {
  type BatchProgress,
  type EpochRecord,
  type FitData,
  type FitHistory,
  type FitOptions,
  fit,
} from './fit.ts';
export { type ForecastOptions, forecast } from './forecast.ts';
export * from './gradcheck.ts';
export { InferenceModel } from './inferenceModel.ts';
export { InferenceSession } from './inferenceSession.ts';
export * from './initialise.ts';
export * from './lruMap.ts';
export { METRIC_NAMES, type MetricName, type Metrics } from './metrics.ts';
export * from './model.ts';
export * from './modelFile.ts';
export * from './parameters.ts';
export * from './recurrence.ts';
export * from './recurrent.ts';
export {
  readSafetensors,
  type Safetensors,
  type SafetensorsDtype,
  type SafetensorsInput,
  type SafetensorsTensor,
  type SafetensorsValues,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './safetensors.ts';
export * from './sample.ts';
export {
  type LoadedModel,
  type LoadedTrainer,
  type LoadModelOptions,
  type LoadTrainerOptions,
  loadModel,
  loadTrainer,
  type SaveOptions,
  saveModel,
  saveTrainer,
} from './save.ts';
export type { Sequence, Windows } from './sequenceBatches.ts';
export * from './session.ts';
export * from './shards.ts';
export * from './spec.ts';
export * from './stepper.ts';
export { type LayerSummary, type ModelSummary, type SummaryOptions, summary } from './summary.ts';
export * from './trainer.ts';
export { NonFiniteError } from './trainerChecks.ts';
export * from './weightGradients.ts';
