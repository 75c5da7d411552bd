import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFlag, assertObject, assertOneOf } from '../check/values.ts';
import { NONLINEARITIES, type Nonlinearity } from '../layers/elman.ts';

/** A learned vector for each id, in the place of a one-hot one. */
export interface EmbeddingSpec {
  /** E, the numbers of a vector. */
  size: number;
  /**
   * Whether the table is the output layer's weights as well (Press & Wolf 2017): logits = table·z + bias_ho. Then
   * `outputSize` is `inputSize`, and z, what the output layer reads, has E numbers. Default false.
   */
  tied?: boolean;
}

/** A dense layer, the same for every step: y = f(W·x + b). */
export interface DenseSpec {
  /** The numbers that it gives. */
  size: number;
  /** f. Default `identity`. */
  activation?: Nonlinearity;
}

/** Shares that are dropped while training; what is left is divided by 1 − share. */
export interface DropoutSpec {
  /** Of the inputs: of the vectors of an embedding, or of dense inputs. Default 0. */
  input?: number;
  /** Of a recurrent layer's outputs on the way to the next layer. Default 0. */
  between?: number;
  /** Of the top layer's outputs on the way to the output layer, or to the dense layer before it. Default 0. */
  output?: number;
}

/** The layers around the recurrence with every default filled in. */
export interface ResolvedLayers {
  readonly embedding: Readonly<Required<EmbeddingSpec>> | null;
  readonly inputDense: Readonly<Required<DenseSpec>> | null;
  readonly outputDense: Readonly<Required<DenseSpec>> | null;
  readonly dropout: Readonly<Required<DropoutSpec>>;
  readonly layerNorm: boolean;
  readonly residual: boolean | 'all';
}

/** What of a spec the layers around the recurrence have to fit. */
interface Around {
  readonly input: 'ids' | 'dense';
  readonly inputSize: number;
  readonly outputSize: number;
  readonly layers: number;
  /** H·directions */
  readonly width: number;
}

/** What the fields of a spec that {@link resolveLayers} reads may hold: anything. */
export type GivenLayers = { readonly [K in keyof ResolvedLayers]?: unknown };

/**
 * The layers around the recurrence, checked.
 *
 * @throws {RangeError | TypeError} naming the field, what it is and what it may be.
 */
export function resolveLayers(given: GivenLayers, around: Around): ResolvedLayers {
  const { layerNorm = false, residual = false, dropout = 0 } = given;
  assertFlag('spec.', 'layerNorm', layerNorm);
  if (residual !== 'all') assertFlag('spec.', 'residual', residual, "true, false or 'all'");
  const layers: ResolvedLayers = {
    embedding: embeddingOf(given.embedding ?? null, around),
    inputDense: denseOf('inputDense', given.inputDense ?? null),
    outputDense: denseOf('outputDense', given.outputDense ?? null),
    dropout: dropoutOf(dropout),
    layerNorm,
    residual: residual as boolean | 'all',
  };
  assertDropoutFits(layers, around);
  assertResidualFits(layers, around);
  assertTiedFits(layers, around);
  return layers;
}

function embeddingOf(given: unknown, { input }: Around): ResolvedLayers['embedding'] {
  if (given === null) return null;
  assertPart('embedding', given, ['size', 'tied'], 'embedding: { size: 64 }');
  const { size, tied = false } = given;
  assertWhole('spec.', 'embedding.size', size, 1);
  assertFlag('spec.', 'embedding.tied', tied);
  if (input !== 'ids') throw new RangeError(`spec.embedding has vectors for ids, but spec.input is ${input}`);
  return { size, tied };
}

function denseOf(field: string, given: unknown): ResolvedLayers['inputDense'] {
  if (given === null) return null;
  assertPart(field, given, ['size', 'activation'], `${field}: { size: 64, activation: 'tanh' }`);
  const { size, activation = 'identity' } = given;
  assertWhole('spec.', `${field}.size`, size, 1);
  assertOneOf('spec.', `${field}.activation`, activation, NONLINEARITIES);
  return { size, activation: activation as Nonlinearity };
}

function dropoutOf(given: unknown): ResolvedLayers['dropout'] {
  if (typeof given !== 'object' || given === null) {
    assertShare('dropout', given);
    return { input: 0, between: given, output: 0 };
  }
  assertOptions('spec.dropout', given, ['input', 'between', 'output']);
  const shares = { input: 0, between: 0, output: 0, ...given };
  for (const [name, share] of Object.entries(shares)) assertShare(`dropout.${name}`, share);
  return shares;
}

function assertDropoutFits({ dropout, embedding }: ResolvedLayers, { input, layers }: Around): void {
  if (dropout.between > 0 && layers === 1) {
    throw new RangeError(`spec.dropout is ${dropout.between}, but it works between layers: it needs layers ≥ 2`);
  }
  if (dropout.input > 0 && input === 'ids' && embedding === null) {
    throw new RangeError(
      `spec.dropout.input is ${dropout.input}, but ids are nothing to drop of: it needs an embedding`,
    );
  }
}

function assertResidualFits({ residual, embedding, inputDense }: ResolvedLayers, around: Around): void {
  const { input, inputSize, layers, width } = around;
  if (residual === true && layers === 1) {
    throw new RangeError("spec.residual is true, but it goes from layer to layer: it needs layers ≥ 2, or 'all'");
  }
  if (residual !== 'all') return;
  if (input === 'ids' && embedding === null && inputDense === null) {
    throw new RangeError("spec.residual is 'all', but layer 0 reads ids: it needs an embedding or an inputDense");
  }
  const read = inputDense?.size ?? embedding?.size ?? inputSize;
  if (read !== width) {
    throw new RangeError(
      `spec.residual is 'all', but layer 0 reads ${read} numbers and gives ${width}: an inputDense of size ${width} makes them agree`,
    );
  }
}

function assertTiedFits({ embedding, outputDense }: ResolvedLayers, { inputSize, outputSize, width }: Around): void {
  if (!embedding?.tied) return;
  if (outputSize !== inputSize) {
    throw new RangeError(
      `spec.embedding is tied to the output layer, but outputSize is ${outputSize} and inputSize ${inputSize}: expected the same`,
    );
  }
  const read = outputDense?.size ?? width;
  if (read !== embedding.size) {
    throw new RangeError(
      `spec.embedding is tied to the output layer, which reads ${read} numbers, but its size is ${embedding.size}: an outputDense of size ${embedding.size} makes them agree`,
    );
  }
}

type Part = Readonly<Record<string, unknown>>;

function assertPart(field: string, given: unknown, known: readonly string[], example: string): asserts given is Part {
  assertObject('spec.', field, given, `an object, as in ${example}`);
  assertOptions(`spec.${field}`, given, known);
}

function assertShare(field: string, value: unknown): asserts value is number {
  if (!(typeof value === 'number' && value >= 0 && value < 1)) {
    throw new RangeError(`spec.${field} is ${describe(value)}, expected 0 ≤ dropout < 1`);
  }
}
