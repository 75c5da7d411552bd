import type { ModelSpec, NamedTensors } from '../bptt/spec.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { bundledLayout } from './bundledSpec.ts';
import { FormatError } from './formatError.ts';

/** A net read from another library's file, as a model of this one. */
export interface ForeignModel {
  /** What `createTrainer` takes. */
  spec: ModelSpec;
  /** The tensors by this library's names, all float32 or all float64. */
  parameters: NamedTensors;
  /** In words: what was found, and what was assumed where the file does not say. */
  recognised: string[];
}

/** What most formats do not say: how the net is trained. Default loss `squaredError`, whose outputs are the plain sums. */
export type Training = Partial<Pick<ModelSpec, 'loss' | 'lossAt' | 'reduction' | 'dropout' | 'outputActivation'>>;

/**
 * Joins what a reader found, and checks every tensor against the spec.
 *
 * @throws {FormatError} where a tensor is missing, left over, of another length or not finite, or the spec is refused.
 */
export function foreignModel(
  fn: string,
  spec: ModelSpec,
  parameters: Readonly<Record<string, FloatArray>>,
  recognised: string[],
): ForeignModel {
  const places = specPlaces(fn, spec);
  const extra = Object.keys(parameters).filter((name) => !places.some((place) => place.name === name));
  if (extra.length > 0) throw new FormatError(`${fn}: the model has no ${extra.join(', ')}`);
  const doubles = Object.values(parameters).some((values) => values instanceof Float64Array);
  const complete: NamedTensors = {};
  for (const { name, shape, length } of places) {
    const values = parameters[name];
    if (!values) throw new FormatError(`${fn}: ${name} [${shape.join(',')}] is missing`);
    if (values.length !== length) {
      throw new FormatError(`${fn}: ${name} has ${values.length} elements, expected [${shape.join(',')}]`);
    }
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw new FormatError(`${fn}: ${name} holds ${values[at]} at element ${at}`);
    complete[name] = doubles ? Float64Array.from(values) : Float32Array.from(values);
  }
  return { spec, parameters: complete, recognised };
}

function specPlaces(fn: string, spec: ModelSpec): ReturnType<typeof bundledLayout> {
  try {
    return bundledLayout(spec);
  } catch (error) {
    throw new FormatError(`${fn}: ${(error as Error).message}`);
  }
}

/**
 * An embedding followed by the first layer's input weights, as input weights for ids: Wih·Eᵀ, summed in float64. A
 * column of it is what the layer's gates get from that symbol.
 *
 * @param Wih [R,D]
 * @param E [N,D], a row for each symbol
 * @returns [R,N] of the dtype of Wih
 * @throws {FormatError} where that would be more than 2²⁷ numbers.
 */
export function foldEmbedding(fn: string, Wih: FloatArray, E: FloatArray, R: number, N: number, D: number): FloatArray {
  if (R * N > 2 ** 27) {
    throw new FormatError(
      `${fn}: an embedding of ${N} symbols folded into ${R} rows of weight_ih_l0 exceeds 2²⁷ numbers`,
    );
  }
  const folded = Wih instanceof Float32Array ? new Float32Array(R * N) : new Float64Array(R * N);
  for (let r = 0; r < R; r++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let d = 0; d < D; d++) sum += Wih[r * D + d] * E[n * D + d];
      folded[r * N + n] = sum;
    }
  }
  return folded;
}

/** [n,m] of [m,n]. */
export function transposed(a: FloatArray, m: number, n: number): FloatArray {
  const result = a.slice();
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) result[j * m + i] = a[i * n + j];
  return result;
}

/**
 * The blocks of rows of a gated weight in another order.
 *
 * @param a [G·rows,columns]
 * @param order for each block of the result, which block of `a` it is
 */
export function reorderBlocks(a: FloatArray, order: readonly number[]): FloatArray {
  const block = a.length / order.length;
  const result = a.slice();
  for (const [to, from] of order.entries()) result.set(a.subarray(from * block, (from + 1) * block), to * block);
  return result;
}
