import * as cpu from './bptt/cpuTrainer.ts';
import { type CpuEngineName, type CreateTrainerOptions, trainerOn } from './bptt/createTrainer.ts';
import type { ModelSpec, ResolvedSpec } from './bptt/spec.ts';
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
 * `createTrainer` in one piece, for bundles that cannot be split: scripts in the format `iife` or `umd`, as Vite 7 makes of a
 * worker unless `worker.format` is `es`.
 */

const wasm = { hasWasmSimd, panelLengths, ThreadStartError, wasmEngine, wasmEngines, whyNoThreads, whyOneThread };

/** What {@link createTrainer} of `bptt/static` takes beside the spec. */
export interface StaticTrainerOptions extends Omit<CreateTrainerOptions, 'engine' | 'webgpu'> {
  /** Who computes. Default `auto`: `wasm` for float32 where the host has WebAssembly SIMD, else `ts`. */
  engine?: CpuEngineName;
}

/**
 * As `createTrainer` of `bptt`, with the engines of the CPU in the same piece of code, and without that of WebGPU.
 *
 * @throws {RangeError | TypeError} on an unknown engine, or where spec or options make no sense.
 */
export function createTrainer(spec: ModelSpec | ResolvedSpec, options: StaticTrainerOptions): Promise<Trainer> {
  return trainerOn({ cpu: async () => cpu, wasm: async () => wasm, webgpu: null }, spec, options);
}
