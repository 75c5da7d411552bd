import type { Dtype } from 'bptt/tensor';

/** How far an engine may be from a golden value, relative to the largest entry of the array; 0 is bit for bit. */
export interface Tolerances {
  rng: { gaussians: number };
  numerics: { functions: number };
  minimalRnn: { values: number };
  elman: { values: number };
  charRnn: { values: number };
  linearRnn: { values: number };
  binaryAddition: { values: number };
  /**
   * Min-char-rnn at its true size, where arrays come as checksums, is chaotic: what holds before training, for the losses
   * of the first five updates, and to the end. Small nets are held to `values` throughout. Where a net of any size turns
   * out to magnify rounding beyond that, its bounds widen to `chaos` times what the last bits of its parameters do to it,
   * but never past `level`.
   */
  minCharRnn: {
    values: number;
    beforeTraining: number;
    firstLosses: number;
    late: number;
    chaos: number;
    level: number;
  };
  torchLayers: { values: number };
  /** Adam and Rprop apart: they divide by the gradient's own size. */
  torchOptim: { values: number; adaptive: number };
  /** Gradients against numeric derivatives. */
  verification: { gradients: number };
}

const ts64: Tolerances = {
  rng: { gaussians: 4 * 2 ** -52 },
  numerics: { functions: 1e-14 },
  minimalRnn: { values: 1e-11 },
  elman: { values: 1e-11 },
  charRnn: { values: 1e-11 },
  linearRnn: { values: 0 },
  binaryAddition: { values: 1e-11 },
  minCharRnn: { values: 1e-10, beforeTraining: 1e-12, firstLosses: 1e-10, late: 1e-7, chaos: 100, level: 0.1 },
  torchLayers: { values: 1e-12 },
  torchOptim: { values: 1e-12, adaptive: 1e-10 },
  verification: { gradients: 1e-7 },
};

const table: Readonly<Record<string, Partial<Record<Dtype, Tolerances>>>> = {
  ts: { float64: ts64 },
};

/** @throws {RangeError} where nobody has said how exact that engine is in that dtype. */
export function tolerancesOf(engine: string, dtype: Dtype): Tolerances {
  const tolerances = table[engine]?.[dtype];
  if (!tolerances) throw new RangeError(`replay: engine ${engine} has no tolerances for ${dtype}`);
  return tolerances;
}
