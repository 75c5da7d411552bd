import * as cpu from './bptt/cpuTrainer.ts';
import { type CreateModelOptions, modelOn } from './bptt/createModel.ts';
import { type CpuEngineName, type CreateTrainerOptions, trainerOn } from './bptt/createTrainer.ts';
import type { InferenceModel } from './bptt/inferenceModel.ts';
import {
  type LoadedModel,
  type LoadedTrainer,
  type LoadModelOptions,
  type LoadTrainerOptions,
  loadModelWith,
  loadTrainerWith,
} from './bptt/save.ts';
import type { ModelSpec, NamedTensors, ResolvedSpec } from './bptt/spec.ts';
import type { Trainer } from './bptt/trainer.ts';
import {
  hasWasmSimd,
  panelLengths,
  ThreadStartError,
  wasmEngine,
  wasmEngines,
  whyNoThreads,
  whyOneThread,
} from './wasm/index.ts';

/**
 * `createTrainer`, `createModel`, `loadTrainer` and `loadModel` in one piece, for bundles that cannot be split: scripts in the
 * format `iife` or `umd`, as Vite 7 makes of a worker unless `worker.format` is `es`.
 */

const wasm = { hasWasmSimd, panelLengths, ThreadStartError, wasmEngine, wasmEngines, whyNoThreads, whyOneThread };
const code = { cpu: async () => cpu, wasm: async () => wasm, webgpu: null };

/** Options with the engines that there are here. */
type Static<O> = Omit<O, 'engine' | 'webgpu'> & {
  /** Who computes. Default `auto`: `wasm` for float32 where the host has WebAssembly SIMD, else `ts`. */
  engine?: CpuEngineName;
};

/** What {@link createTrainer} of `bptt/static` takes beside the spec. */
export type StaticTrainerOptions = Static<CreateTrainerOptions>;
/** What {@link createModel} of `bptt/static` takes. */
export type StaticModelOptions = Static<CreateModelOptions>;
/** What {@link loadTrainer} of `bptt/static` takes. */
export type StaticLoadTrainerOptions = Static<LoadTrainerOptions>;
/** What {@link loadModel} of `bptt/static` takes. */
export type StaticLoadModelOptions = Static<LoadModelOptions>;

/**
 * As `createTrainer` of `bptt`, with the engines of the CPU in the same piece of code, and without that of WebGPU.
 *
 * @throws {RangeError | TypeError} on an unknown engine, or where spec or options make no sense.
 */
export function createTrainer(spec: ModelSpec | ResolvedSpec, options: StaticTrainerOptions): Promise<Trainer> {
  return trainerOn(code, spec, options);
}

/**
 * As `createModel` of `bptt`, with the engines of the CPU in the same piece of code, and without that of WebGPU.
 *
 * @throws {RangeError | TypeError} on an unknown option or engine, or where spec or parameters make no sense.
 */
export function createModel(
  spec: ModelSpec | ResolvedSpec,
  parameters: NamedTensors,
  options: StaticModelOptions = {},
): Promise<InferenceModel> {
  return modelOn(code, spec, parameters, options);
}

/**
 * As `loadTrainer` of `bptt`, by this {@link createTrainer}: a file saved on engine `webgpu` needs another one named.
 *
 * @throws as `loadTrainer` of `bptt`.
 */
export function loadTrainer(bytes: Uint8Array, options: StaticLoadTrainerOptions = {}): Promise<LoadedTrainer> {
  return loadTrainerWith((spec, all) => trainerOn(code, spec, all), bytes, options);
}

/**
 * As `loadModel` of `bptt`, by this {@link createModel}.
 *
 * @throws as `loadModel` of `bptt`.
 */
export function loadModel(bytes: Uint8Array, options: StaticLoadModelOptions = {}): Promise<LoadedModel> {
  return loadModelWith((spec, parameters, all = {}) => modelOn(code, spec, parameters, all), bytes, options);
}

export { saveModel, saveTrainer } from './bptt/save.ts';
