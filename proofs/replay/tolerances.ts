import type { Dtype } from 'bptt/tensor';

/** How far an engine may be from a golden value, relative to the largest entry of the array; 0 is bit for bit. */
export interface Tolerances {
  /** In which the engine computes. */
  dtype: Dtype;
  rng: { gaussians: number };
  numerics: { functions: number };
  minimalRnn: { values: number };
  elman: { values: number };
  charRnn: { values: number };
  linearRnn: { values: number };
  binaryAddition: { values: number };
  /**
   * Arrays of its true size come as checksums: what holds before training, for the losses of the first five updates, and
   * late. Smaller nets are held to `values` throughout.
   */
  minCharRnn: {
    values: number;
    beforeTraining: number;
    firstLosses: number;
    late: number;
  };
  torchLayers: { values: number };
  /** Adam and Rprop apart: they divide by the gradient's own size. */
  torchOptim: { values: number; adaptive: number };
  /** Gradients against numeric derivatives. */
  verification: { gradients: number };
  /** What rounding may add to all of these but 0. */
  rounding: Rounding;
}

/**
 * How an engine rounds. What that can do to a quantity is derived by computing it again in float64 with every rounding
 * played: see `perturbed.ts`.
 */
export interface Rounding {
  /** u: the result of an operation is off by at most u times its size. */
  unit: number;
  /** How many ulp, of 2u each, exp, log, tanh and σ may be off. */
  functions: number;
  /** How many times everything is played, */
  draws: number;
  /** and how many times its bound each rounding is then off, root mean square. */
  times: number;
  /** Where rounding may move an element by more than this share of the largest, the element shows nothing. */
  level: number;
}

/** Played only where a net turns out to magnify rounding past the rest: see `replayText`. */
const ts64: Tolerances = {
  dtype: 'float64',
  rng: { gaussians: 4 * 2 ** -52 },
  numerics: { functions: 1e-14 },
  minimalRnn: { values: 1e-11 },
  elman: { values: 1e-11 },
  charRnn: { values: 1e-11 },
  linearRnn: { values: 0 },
  binaryAddition: { values: 1e-11 },
  minCharRnn: { values: 1e-10, beforeTraining: 1e-12, firstLosses: 1e-10, late: 1e-7 },
  torchLayers: { values: 1e-12 },
  torchOptim: { values: 1e-12, adaptive: 1e-10 },
  verification: { gradients: 1e-7 },
  rounding: { unit: 2 ** -53, functions: 4, draws: 8, times: 8, level: 1e-2 },
};

/** float32 on a CPU, which rounds to the nearest; `src/wasm/` says how exact its functions are. */
const wasm32: Tolerances = {
  ...ts64,
  dtype: 'float32',
  rounding: { unit: 2 ** -24, functions: 4, draws: 8, times: 8, level: 1e-2 },
};

/** float32 as WGSL promises it: rounding may go either way; tanh, σ and the built-in exp and log within 9 ulp. */
const webgpu32: Tolerances = {
  ...ts64,
  dtype: 'float32',
  rounding: { unit: 2 ** -23, functions: 9, draws: 8, times: 8, level: 1e-2 },
};

const table: Readonly<Record<string, Partial<Record<Dtype, Tolerances>>>> = {
  ts: { float64: ts64 },
  wasm: { float32: wasm32 },
  webgpu: { float32: webgpu32 },
};

/** @throws {RangeError} where nobody has said how exact that engine is in that dtype. */
export function tolerancesOf(engine: string, dtype: Dtype): Tolerances {
  const tolerances = table[engine]?.[dtype];
  if (!tolerances) throw new RangeError(`replay: engine ${engine} has no tolerances for ${dtype}`);
  return tolerances;
}
