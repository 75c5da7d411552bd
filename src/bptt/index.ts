export * from './batch.ts';
export * from './beamSearch.ts';
export * from './cells.ts';
export * from './createTrainer.ts';
export * from './direction.ts';
export * from './engine.ts';
export * from './gradcheck.ts';
export * from './initialise.ts';
export * from './model.ts';
export * from './modelFile.ts';
export * from './parameters.ts';
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
export * from './shards.ts';
export * from './spec.ts';
export * from './stepper.ts';
export * from './trainer.ts';
export { NonFiniteError } from './trainerChecks.ts';
