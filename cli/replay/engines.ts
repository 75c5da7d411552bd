import { fullSpec, type LocalEngine, type ModelSpec, tsEngine } from 'bptt/bptt';
import type { Dtype, FloatArray } from 'bptt/tensor';
import { panelLengths, wasmEngine } from 'bptt/wasm';

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
  make(lengths: () => readonly number[], spec?: ModelSpec): LocalEngine;
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
    wasmEngine({ lengths: [...lengths(), ...(spec === undefined ? [] : panelLengths(fullSpec(spec)))] }),
  floats: (values) => Float32Array.from(values),
};

/** The engines that a golden file can be replayed on, by the name that `--engine` takes. */
export const engines = { ts: ts64, wasm } as const satisfies Readonly<Record<string, ReplayEngine>>;

export type ReplayEngineName = keyof typeof engines;
