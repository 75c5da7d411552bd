import { type CpuEngine, type ModelSpec, resolveSpec, tsEngine } from 'bptt';
import type { Dtype, FloatArray } from 'bptt/tensor';
import { panelLengths, wasmEngine } from 'bptt/wasm';
import { webgpuHere } from './webgpu.ts';

/** Makes the engines that one replay computes on. */
export interface ReplayEngine {
  readonly name: string;
  readonly dtype: Dtype;
  /**
   * A fresh engine.
   *
   * @param lengths counts every buffer that it will be asked for; an engine whose memory grows does not ask
   * @param spec of the model that will run on it, if one does
   */
  make(lengths: () => readonly number[], spec?: ModelSpec): CpuEngine;
  /** Given numbers as the engine holds them. */
  floats(values: ArrayLike<number>): FloatArray;
}

const ts64: ReplayEngine = {
  name: 'ts',
  dtype: 'float64',
  make: () => tsEngine('float64'),
  floats: (values) => Float64Array.from(values),
};

const wasm: ReplayEngine = {
  name: 'wasm',
  dtype: 'float32',
  make: (lengths, spec) =>
    wasmEngine({ lengths: [...lengths(), ...(spec === undefined ? [] : panelLengths(resolveSpec(spec)))] }),
  floats: (values) => Float32Array.from(values),
};

const webgpu: ReplayEngine = {
  name: 'webgpu',
  dtype: 'float32',
  make: (lengths) => webgpuHere(lengths()),
  floats: (values) => Float32Array.from(values),
};

/** The engines that a golden file can be replayed on, by the name that `--engine` takes. */
export const engines = { ts: ts64, wasm, webgpu } as const satisfies Readonly<Record<string, ReplayEngine>>;

export type ReplayEngineName = keyof typeof engines;
