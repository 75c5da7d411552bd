import type { Nonlinearity } from '../layers/elman.ts';
import type { FloatArray } from '../tensor/shape.ts';

/** `gru` resets after the product as PyTorch does, `gruResetBefore` before it as the paper does. */
export type CellName = 'elman' | 'gru' | 'gruResetBefore' | 'lstm' | 'lstmPeephole';

export type LossName =
  | 'softmaxCrossEntropy'
  | 'sigmoidCrossEntropy'
  | 'squaredError'
  /** The minimal-RNN notebook's cost. */
  | 'binaryCrossEntropyOfSoftmax';

/** A stack of recurrent layers. */
export interface StackSpec {
  cell: CellName;
  /** D: the vocabulary where the input is ids, else the number of features. */
  inputSize: number;
  /** H, in each direction. */
  hiddenSize: number;
  /** `ids` are symbols, read as one-hot vectors; `dense` are vectors. Default `ids`. */
  input?: 'ids' | 'dense';
  /** What the Elman cell puts its sum through. Default `tanh`. */
  nonlinearity?: Nonlinearity;
  /** Default 1. */
  layers?: number;
  /** Default false. */
  bidirectional?: boolean;
  /** `both` as PyTorch (bias_ih and bias_hh), `input` for bias_ih alone as the notebooks, `none`. Default `both`. */
  bias?: 'both' | 'input' | 'none';
  /** What a sequence starts from where no state is given or carried. `learned` makes h0 (and c0) parameters. Default `zero`. */
  initialState?: 'zero' | 'learned';
  /** Share of a layer's outputs dropped on the way to the next layer while training. Default 0. */
  dropout?: number;
}

/** A stack of recurrent layers with an output layer and a loss. */
export interface ModelSpec extends StackSpec {
  /** V. 0 for no output layer: the top layer's states are the outputs. */
  outputSize: number;
  /** Default true. */
  outputBias?: boolean;
  /** What the outputs go through before a squared error. The cross-entropies bring their own. Default `identity`. */
  outputActivation?: 'identity' | 'sigmoid';
  loss: LossName;
  /** A loss at every step (many-to-many) or at the last one of each sequence (many-to-one). Default `every`. */
  lossAt?: 'every' | 'last';
  /**
   * `sum` over steps and sequences as the notebooks; `mean` over the steps that count, and over the outputs of a step
   * where they are compared one by one; or a factor on the sum. Default `sum`.
   */
  reduction?: 'sum' | 'mean' | number;
}

/** A model's spec with every default filled in. */
export type FullSpec = Required<ModelSpec>;

/** One parameter's place in the flat block. */
export interface ParameterPlace {
  name: string;
  shape: readonly number[];
  offset: number;
  length: number;
}

/** Parameters, gradients or anything of their size by name. */
export type NamedTensors = Record<string, FloatArray>;

/** The number of gate blocks G of a cell: rows of `weight_ih` are G·H. */
export const GATES: Readonly<Record<CellName, number>> = {
  elman: 1,
  gru: 3,
  gruResetBefore: 3,
  lstm: 4,
  lstmPeephole: 4,
};

export function hasCellState(cell: CellName): boolean {
  return cell === 'lstm' || cell === 'lstmPeephole';
}

/** The most parameters a model may have: 2³¹ bytes of float32. */
const MOST_PARAMETERS = 2 ** 29;

/**
 * Fills in the defaults and refuses what makes no sense.
 *
 * @throws {RangeError | TypeError} naming the field, what it is and what it may be.
 */
export function fullSpec(spec: ModelSpec): FullSpec {
  const full: FullSpec = {
    input: 'ids',
    nonlinearity: 'tanh',
    layers: 1,
    bidirectional: false,
    bias: 'both',
    initialState: 'zero',
    dropout: 0,
    outputBias: true,
    outputActivation: 'identity',
    lossAt: 'every',
    reduction: 'sum',
    ...spec,
  };
  expectOneOf('cell', full.cell, Object.keys(GATES));
  expectOneOf('input', full.input, ['ids', 'dense']);
  expectOneOf('nonlinearity', full.nonlinearity, ['tanh', 'sigmoid', 'relu', 'identity']);
  expectOneOf('bias', full.bias, ['both', 'input', 'none']);
  expectOneOf('initialState', full.initialState, ['zero', 'learned']);
  expectOneOf('outputActivation', full.outputActivation, ['identity', 'sigmoid']);
  expectOneOf('lossAt', full.lossAt, ['every', 'last']);
  expectOneOf('loss', full.loss, [
    'softmaxCrossEntropy',
    'sigmoidCrossEntropy',
    'squaredError',
    'binaryCrossEntropyOfSoftmax',
  ]);
  expectSize('inputSize', full.inputSize, 1);
  expectSize('hiddenSize', full.hiddenSize, 1);
  expectSize('outputSize', full.outputSize, 0);
  expectSize('layers', full.layers, 1);
  if (!(full.dropout >= 0 && full.dropout < 1)) {
    throw new RangeError(`fullSpec: dropout is ${full.dropout}, expected 0 ≤ dropout < 1`);
  }
  const { reduction } = full;
  if (reduction !== 'sum' && reduction !== 'mean' && !(typeof reduction === 'number' && Number.isFinite(reduction))) {
    throw new RangeError(`fullSpec: reduction is ${reduction}, expected 'sum', 'mean' or a finite number`);
  }
  if (full.outputActivation === 'sigmoid' && full.loss !== 'squaredError') {
    throw new RangeError(`fullSpec: outputActivation sigmoid goes with loss squaredError, got ${full.loss}`);
  }
  if (full.nonlinearity !== 'tanh' && full.cell !== 'elman') {
    throw new RangeError(`fullSpec: nonlinearity ${full.nonlinearity} goes with cell elman, got ${full.cell}`);
  }
  if (full.loss === 'binaryCrossEntropyOfSoftmax' && outputWidth(full) < 2) {
    throw new RangeError('fullSpec: loss binaryCrossEntropyOfSoftmax needs at least 2 outputs, got 1');
  }
  const parameters = parameterCount(full);
  if (parameters > MOST_PARAMETERS) {
    throw new RangeError(
      `fullSpec: the model would have ${parameters} parameters, expected at most ${MOST_PARAMETERS}`,
    );
  }
  return full;
}

function expectOneOf(field: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new RangeError(`fullSpec: ${field} is ${value}, expected ${allowed.join(', ')}`);
}

function expectSize(field: string, value: number, low: number): void {
  if (!Number.isInteger(value) || value < low) {
    throw new RangeError(`fullSpec: ${field} is ${value}, expected a whole number ≥ ${low}`);
  }
}

/** The size of the outputs: V, or the states' size where there is no output layer. */
export function outputWidth(spec: FullSpec): number {
  return spec.outputSize || stateWidth(spec);
}

/** The size of the top layer's outputs: H, or 2H when bidirectional. */
export function stateWidth(spec: FullSpec): number {
  return spec.hiddenSize * directionsOf(spec);
}

export function directionsOf(spec: FullSpec): number {
  return spec.bidirectional ? 2 : 1;
}

/** PyTorch's suffix of a layer's parameters: `_l0`, `_l0_reverse`, `_l1`, … */
export function suffixOf(layer: number, reverse: boolean): string {
  return `_l${layer}${reverse ? '_reverse' : ''}`;
}

/** The parameters of a model in the order in which they stand in the flat block. */
export function parameterPlaces(spec: FullSpec): ParameterPlace[] {
  const H = spec.hiddenSize;
  const G = GATES[spec.cell];
  const places: ParameterPlace[] = [];
  let offset = 0;
  const place = (name: string, ...shape: number[]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    places.push({ name, shape, offset, length });
    offset += length;
  };
  for (let layer = 0; layer < spec.layers; layer++) {
    for (let direction = 0; direction < directionsOf(spec); direction++) {
      const suffix = suffixOf(layer, direction === 1);
      place(`weight_ih${suffix}`, G * H, layer === 0 ? spec.inputSize : stateWidth(spec));
      place(`weight_hh${suffix}`, G * H, H);
      if (spec.bias !== 'none') place(`bias_ih${suffix}`, G * H);
      if (spec.bias === 'both') place(`bias_hh${suffix}`, G * H);
      if (spec.cell === 'lstmPeephole') place(`weight_peephole${suffix}`, 3 * H);
      if (spec.initialState === 'learned') {
        place(`h0${suffix}`, H);
        if (hasCellState(spec.cell)) place(`c0${suffix}`, H);
      }
    }
  }
  if (spec.outputSize > 0) {
    place('weight_ho', spec.outputSize, stateWidth(spec));
    if (spec.outputBias) place('bias_ho', spec.outputSize);
  }
  return places;
}

/** P: the number of parameters of a model. */
export function parameterCount(spec: FullSpec): number {
  const count = (layers: number): number => {
    const last = parameterPlaces({ ...spec, layers }).at(-1)!;
    return last.offset + last.length;
  };
  // All layers but the first are alike, so that an absurd number of them is counted without listing it.
  return spec.layers === 1 ? count(1) : count(1) + (spec.layers - 1) * (count(2) - count(1));
}
