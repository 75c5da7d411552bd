/**
 * Training, models, sampling, gradient checks and model files. Update rules are in `bptt/optim`, layers and initialisation in
 * `bptt/layers`, arrays and random streams in `bptt/tensor`, data sets in `bptt/data`.
 */
export type { Batch, Carry, InputBatch } from './bptt/batch.ts';
export { type Beam, type BeamSearchOptions, beamSearch } from './bptt/beamSearch.ts';
export { allocationPlan } from './bptt/cpuSession.ts';
export { type CreateModelOptions, createModel } from './bptt/createModel.ts';
export {
  type CreateSamplerOptions,
  type CreateTrainerOptions,
  createSampler,
  createTrainer,
  ENGINE_NAMES,
  type EngineName,
  initialParameters,
  type WebgpuOptions,
} from './bptt/createTrainer.ts';
export type { DropoutMask } from './bptt/dropoutMask.ts';
export {
  type CpuEngine,
  defaultStages,
  type Engine,
  type Kernels,
  type OptimKernels,
  type Stages,
  sizingEngine,
  tsEngine,
} from './bptt/engine.ts';
export {
  type BatchProgress,
  type EpochRecord,
  type FitData,
  type FitHistory,
  type FitOptions,
  fit,
} from './bptt/fit.ts';
export { type ForecastOptions, forecast } from './bptt/forecast.ts';
export {
  assertGradcheck,
  formatGradcheck,
  type GradcheckElement,
  type GradcheckKink,
  type GradcheckOptions,
  type GradcheckReport,
  gradcheck,
  type LossFunction,
  type NamedGradcheckReport,
  type Params,
  type VectorFunction,
} from './bptt/gradcheck.ts';
export { InferenceModel } from './bptt/inferenceModel.ts';
export { InferenceSession } from './bptt/inferenceSession.ts';
export type { Scheme } from './bptt/initialise.ts';
export {
  type Inspection,
  type InspectOptions,
  Inspector,
  inspectorAllocationPlan,
  type LayerInspection,
} from './bptt/inspector.ts';
export type { DenseSpec, DropoutSpec, EmbeddingSpec, ResolvedLayers } from './bptt/layerSpecs.ts';
export { METRIC_NAMES, type MetricName, type Metrics } from './bptt/metrics.ts';
export { type ModelOptions, SequenceModel } from './bptt/model.ts';
export { decodeModel, encodeModel, type ModelFile } from './bptt/modelFile.ts';
export type { ChosenParameter, ParameterGroup } from './bptt/parameterGroups.ts';
export { ParameterBlock } from './bptt/parameters.ts';
export type { Recurrence, Step, Weights } from './bptt/recurrence.ts';
export { RecurrentStack, type StackOptions, type WindowKind } from './bptt/recurrent.ts';
export {
  readSafetensors,
  type Safetensors,
  type SafetensorsDtype,
  type SafetensorsInput,
  type SafetensorsTensor,
  type SafetensorsValues,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './bptt/safetensors.ts';
export { type AnySampler, type SampleOptions, Sampler, sampleFrom } from './bptt/sample.ts';
export {
  type LoadedModel,
  type LoadedTrainer,
  type LoadModelOptions,
  type LoadTrainerOptions,
  loadModel,
  loadTrainer,
  type SaveModelOptions,
  type SaveOptions,
  saveModel,
  saveTrainer,
} from './bptt/save.ts';
export type { Sequence, Windows } from './bptt/sequenceBatches.ts';
export {
  CELL_NAMES,
  type CellName,
  type Known,
  LOSS_NAMES,
  type LossName,
  type ModelSpec,
  type NamedTensors,
  type ParameterLayout,
  type ParameterRole,
  parameterCount,
  parameterLayout,
  type ResolvedSpec,
  resolveSpec,
  type StackSpec,
  specFromJson,
  specToJson,
} from './bptt/spec.ts';
export { Stepper, stepperAllocationPlan } from './bptt/stepper.ts';
export { type LayerSummary, type ModelSummary, type SummaryOptions, summary } from './bptt/summary.ts';
export {
  type Clip,
  CpuTrainer,
  type PredictionBatch,
  Trainer,
  type TrainerOptions,
  type TrainerState,
  type TrainingBatch,
} from './bptt/trainer.ts';
export { NonFiniteError } from './bptt/trainerChecks.ts';
export { addWeightGradients, linearGradients, type WeightGradient } from './bptt/weightGradients.ts';
export {
  type Cell,
  type CellBackward,
  type CellDescription,
  type CellFormula,
  type CellForward,
  type ExtraParameter,
  formulaCell,
  sigmoidSlope,
  tanhSlope,
  type UnitBackward,
  type UnitForward,
} from './layers/cell.ts';
export { NONLINEARITIES } from './layers/elman.ts';
export type { Loss, LossSizes, LossWgsl, LossWindow } from './layers/loss.ts';
