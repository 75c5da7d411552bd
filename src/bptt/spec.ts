import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertFlag, assertObject, assertOneOf } from '../check/values.ts';
import { assertCell } from '../layers/assertCell.ts';
import { assertLoss } from '../layers/assertLoss.ts';
import { type Cell, cellSizes } from '../layers/cell.ts';
import { elman, NONLINEARITIES, type Nonlinearity } from '../layers/elman.ts';
import { gru } from '../layers/gru.ts';
import { gruResetBefore } from '../layers/gruResetBefore.ts';
import {
  type Loss,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
  squaredError,
  squaredErrorOfSigmoid,
} from '../layers/loss.ts';
import { lstm, lstmPeephole } from '../layers/lstm.ts';
import { minGru } from '../layers/minGru.ts';
import type { FloatArray } from '../tensor/shape.ts';
import {
  type DenseSpec,
  type DropoutSpec,
  type EmbeddingSpec,
  type ResolvedLayers,
  resolveLayers,
} from './layerSpecs.ts';
import { assertOptions, SPEC_FIELDS } from './options.ts';

/** `gru` resets after the product as PyTorch does, `gruResetBefore` before it as the paper does. */
export type CellName = 'elman' | 'gru' | 'gruResetBefore' | 'lstm' | 'lstmPeephole' | 'minGru';

/** The bundled cells but `elman`, which has a nonlinearity. */
const CELLS: Readonly<Record<Exclude<CellName, 'elman'>, Cell>> = {
  ...{ gru, gruResetBefore, lstm, lstmPeephole, minGru },
};

/** The names of the bundled cells. */
export const CELL_NAMES: readonly CellName[] = ['elman', ...(Object.keys(CELLS) as (keyof typeof CELLS)[])];

/** The losses that a spec may name; others are given as values. */
export type LossName = 'softmaxCrossEntropy' | 'sigmoidCrossEntropy' | 'squaredError';

const LOSSES: Readonly<Record<LossName, Loss>> = { softmaxCrossEntropy, sigmoidCrossEntropy, squaredError };

/** The names of the bundled losses. */
export const LOSS_NAMES = Object.keys(LOSSES) as readonly LossName[];

/** A stack of recurrent layers. */
export interface StackSpec {
  /** A bundled cell by name, or a cell of one's own. */
  cell: CellName | Cell;
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
  /** A learned vector for each id instead of a one-hot one; null for none, which is the default. */
  embedding?: EmbeddingSpec | null;
  /** A dense layer before the recurrent ones, the same for every step; null for none, which is the default. */
  inputDense?: DenseSpec | null;
  /**
   * Whether each recurrent layer's outputs are normalised, over both directions together (Ba et al. 2016): each row gets mean 0
   * and variance 1, then a learned gain and bias. Default false.
   */
  layerNorm?: boolean;
  /**
   * Whether what a layer reads is added to what it gives: `true` for every layer but the first, which has no other below it;
   * `'all'` for the first one, too, whose input must then have the size of its outputs. Default false.
   */
  residual?: boolean | 'all';
  /** Shares that are dropped while training; a number is the share `between` layers. Default 0. */
  dropout?: number | DropoutSpec;
}

/** A stack of recurrent layers with an output layer and a loss. */
export interface ModelSpec extends StackSpec {
  /** V. 0 for no output layer: the outputs are what it would read. */
  outputSize: number;
  /** A dense layer between the recurrent ones and the output layer; null for none, which is the default. */
  outputDense?: DenseSpec | null;
  /** Default true. */
  outputBias?: boolean;
  /** What the outputs go through before a squared error. The cross-entropies bring their own. Default `identity`. */
  outputActivation?: 'identity' | 'sigmoid';
  /** A bundled loss by name, or a loss of one's own. */
  loss: LossName | Loss;
  /** A loss at every step (many-to-many) or at the last one of each sequence (many-to-one). Default `every`. */
  lossAt?: 'every' | 'last';
  /**
   * `sum` over steps and sequences as the notebooks; `mean` over the steps that count, and over the outputs of a step
   * where they are compared one by one; or a factor on the sum. Default `sum`.
   */
  reduction?: 'sum' | 'mean' | number;
}

/** A model's spec with every default filled in, cell and loss as objects. */
export type ResolvedSpec = Required<Omit<ModelSpec, 'cell' | 'loss' | keyof ResolvedLayers>> &
  ResolvedLayers & { readonly cell: Cell; readonly loss: Loss };

/** What a parameter is in the net. */
export type ParameterRole =
  | 'embedding'
  | 'dense'
  | 'input'
  | 'recurrent'
  | 'bias'
  | 'extra'
  | 'initialState'
  | 'norm'
  | 'output';

/** Where one parameter lies in the flat block. */
export interface ParameterLayout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
  readonly role: ParameterRole;
  /** Whether L2 counts it: the weight matrices, not biases or initial states. */
  readonly decays: boolean;
}

/** Parameters, gradients or anything of their size by name. */
export type NamedTensors = Record<string, FloatArray>;

/** The most parameters a model may have: 2³¹ bytes of float32. */
const MOST_PARAMETERS = 2 ** 29;

/**
 * Fills in the defaults and refuses what makes no sense. A spec that is resolved already stays as it is.
 *
 * @throws {RangeError | TypeError} naming the field, what it is and what it may be; a name that is none of a spec's.
 */
export function resolveSpec(spec: ModelSpec | ResolvedSpec): ResolvedSpec {
  assertOptions('spec', spec, SPEC_FIELDS);
  const full = {
    input: 'ids',
    nonlinearity: 'tanh',
    layers: 1,
    bidirectional: false,
    bias: 'both',
    initialState: 'zero',
    outputBias: true,
    outputActivation: 'identity',
    lossAt: 'every',
    reduction: 'sum',
    ...spec,
  } as const;
  assertOneOf('spec.', 'input', full.input, ['ids', 'dense']);
  assertOneOf('spec.', 'nonlinearity', full.nonlinearity, NONLINEARITIES);
  assertOneOf('spec.', 'bias', full.bias, ['both', 'input', 'none']);
  assertOneOf('spec.', 'initialState', full.initialState, ['zero', 'learned']);
  assertOneOf('spec.', 'outputActivation', full.outputActivation, ['identity', 'sigmoid']);
  assertOneOf('spec.', 'lossAt', full.lossAt, ['every', 'last']);
  assertFlag('spec.', 'bidirectional', full.bidirectional);
  assertFlag('spec.', 'outputBias', full.outputBias);
  assertWhole('spec.', 'inputSize', full.inputSize, 1);
  assertWhole('spec.', 'hiddenSize', full.hiddenSize, 1);
  assertWhole('spec.', 'outputSize', full.outputSize, 0);
  assertWhole('spec.', 'layers', full.layers, 1);
  const around = resolveLayers(full, { ...full, width: full.hiddenSize * (full.bidirectional ? 2 : 1) });
  const { reduction } = full;
  if (reduction !== 'sum' && reduction !== 'mean' && !(typeof reduction === 'number' && Number.isFinite(reduction))) {
    throw new RangeError(`spec.reduction is ${describe(reduction)}, expected 'sum', 'mean' or a finite number`);
  }
  const cell = resolveCell(full.cell, full.nonlinearity);
  const loss = resolveLoss(full.loss, full.outputActivation);
  // An object of the library says by itself what a name needs a second field for.
  const nonlinearity = NONLINEARITIES.find((name) => elman[name] === cell) ?? full.nonlinearity;
  const outputActivation = loss === squaredErrorOfSigmoid ? 'sigmoid' : full.outputActivation;
  const resolved: ResolvedSpec = { ...full, ...around, cell, loss, nonlinearity, outputActivation };
  if (loss.per === 'sequence' && full.lossAt === 'last') {
    throw new RangeError(`spec.lossAt is last, but loss ${loss.name} reads every step`);
  }
  const V = outputWidth(resolved);
  const { leastOutputs = 1 } = loss;
  if (V < leastOutputs) throw new RangeError(`spec.loss ${loss.name} needs at least ${leastOutputs} outputs, got ${V}`);
  const parameters = parameterCount(resolved);
  if (parameters > MOST_PARAMETERS) {
    throw new RangeError(`spec: the model would have ${parameters} parameters, expected at most ${MOST_PARAMETERS}`);
  }
  return resolved;
}

function resolveCell(cell: CellName | Cell, nonlinearity: Nonlinearity): Cell {
  if (cell === 'elman') return elman[nonlinearity];
  const own = typeof cell === 'object' && cell !== null;
  if (!own && !Object.hasOwn(CELLS, cell)) {
    throw new RangeError(`spec.cell is ${describe(cell)}, expected ${CELL_NAMES.join(', ')} or a cell`);
  }
  if (own) assertCell(cell, 'spec.cell');
  const resolved = own ? cell : CELLS[cell];
  if (nonlinearity !== 'tanh' && !Object.values(elman).includes(resolved)) {
    throw new RangeError(`spec.nonlinearity ${nonlinearity} goes with cell elman, got ${resolved.name}`);
  }
  return resolved;
}

function resolveLoss(loss: LossName | Loss, activation: 'identity' | 'sigmoid'): Loss {
  if (activation === 'sigmoid' && loss !== 'squaredError' && loss !== squaredErrorOfSigmoid) {
    const name = typeof loss === 'string' ? loss : loss.name;
    throw new RangeError(`spec.outputActivation sigmoid goes with loss squaredError, got ${name}`);
  }
  if (loss === 'squaredError' && activation === 'sigmoid') return squaredErrorOfSigmoid;
  if (typeof loss === 'object' && loss !== null) {
    assertLoss(loss, 'spec.loss');
    return loss;
  }
  if (typeof loss === 'function') {
    throw new TypeError(`spec.loss is ${describe(loss)}; call it: ${(loss as { name: string }).name}()`);
  }
  if (!Object.hasOwn(LOSSES, loss)) {
    throw new RangeError(`spec.loss is ${describe(loss)}, expected ${LOSS_NAMES.join(', ')} or a loss`);
  }
  return LOSSES[loss];
}

/** The size of the outputs: V, or of what the output layer would read where there is none. */
export function outputWidth(spec: ResolvedSpec): number {
  return spec.outputSize || readoutWidth(spec);
}

/** The size of what the output layer reads. */
export function readoutWidth(spec: ResolvedSpec): number {
  return spec.outputDense?.size ?? stateWidth(spec);
}

/** The size of what the first recurrent layer reads. */
export function recurrentInputWidth({ inputDense, embedding, inputSize }: ResolvedSpec): number {
  return inputDense?.size ?? embedding?.size ?? inputSize;
}

/** Whether anything is dropped in training. */
export function drops({ dropout: { input, between, output } }: ResolvedSpec): boolean {
  return input > 0 || between > 0 || output > 0;
}

/** The size of the top layer's outputs: H, or 2H when bidirectional. */
export function stateWidth(spec: ResolvedSpec): number {
  return spec.hiddenSize * directionsOf(spec);
}

export function directionsOf(spec: ResolvedSpec): number {
  return spec.bidirectional ? 2 : 1;
}

/** Whether a layer adds what it reads to what it gives. */
export function hasResidual({ residual }: ResolvedSpec, layer: number): boolean {
  return residual === 'all' || (residual && layer > 0);
}

/** PyTorch's suffix of a layer's parameters: `_l0`, `_l0_reverse`, `_l1`, … */
export function suffixOf(layer: number, reverse: boolean): string {
  return `_l${layer}${reverse ? '_reverse' : ''}`;
}

/** The parameters of a model in the order in which they lie in the flat block. */
export function parameterLayout(spec: ResolvedSpec): ParameterLayout[] {
  const { cell, hiddenSize: H } = spec;
  const { hidden, inner } = cellSizes(cell);
  const layout: ParameterLayout[] = [];
  let offset = 0;
  const place = (role: ParameterRole, name: string, shape: readonly number[], decays = false): void => {
    const length = shape.reduce((product, size) => product * size, 1);
    layout.push({ name, shape, offset, length, role, decays });
    offset += length;
  };
  const placeDense = (name: string, size: number, width: number): void => {
    place('dense', `${name}.weight`, [size, width], true);
    place('dense', `${name}.bias`, [size]);
  };
  const { embedding, inputDense, outputDense } = spec;
  const vectors = embedding?.size ?? spec.inputSize;
  if (embedding !== null) place('embedding', 'embedding.weight', [spec.inputSize, vectors], true);
  if (inputDense !== null) placeDense('input_dense', inputDense.size, vectors);
  for (let layer = 0; layer < spec.layers; layer++) {
    for (let direction = 0; direction < directionsOf(spec); direction++) {
      const suffix = suffixOf(layer, direction === 1);
      const width = layer === 0 ? recurrentInputWidth(spec) : stateWidth(spec);
      place('input', `weight_ih${suffix}`, [cell.gates * H, width], true);
      if (hidden > 0) place('recurrent', `weight_hh${suffix}`, [(hidden + inner) * H, H], true);
      if (spec.bias !== 'none') place('bias', `bias_ih${suffix}`, [cell.gates * H]);
      if (spec.bias === 'both' && hidden > 0) place('bias', `bias_hh${suffix}`, [(hidden + inner) * H]);
      for (const [name, { blocks, initial, decays = initial === undefined }] of Object.entries(cell.extra ?? {})) {
        place('extra', `${name}${suffix}`, [blocks * H], decays);
      }
      if (spec.initialState === 'learned')
        for (const state of cell.states) place('initialState', `${state}0${suffix}`, [H]);
    }
    if (!spec.layerNorm) continue;
    for (const name of ['weight', 'bias']) place('norm', `norm_l${layer}.${name}`, [stateWidth(spec)]);
  }
  if (outputDense !== null) placeDense('output_dense', outputDense.size, stateWidth(spec));
  if (spec.outputSize > 0) {
    if (!embedding?.tied) place('output', 'weight_ho', [spec.outputSize, readoutWidth(spec)], true);
    if (spec.outputBias) place('bias', 'bias_ho', [spec.outputSize]);
  }
  return layout;
}

/** P: the number of parameters of a model. */
export function parameterCount(spec: ResolvedSpec): number {
  const count = (layers: number): number => {
    const last = parameterLayout({ ...spec, layers }).at(-1)!;
    return last.offset + last.length;
  };
  // All layers but the first are alike, so that an absurd number of them is counted without listing it.
  return spec.layers === 1 ? count(1) : count(1) + (spec.layers - 1) * (count(2) - count(1));
}

/**
 * A spec as plain data, cell and loss by name: what a model file holds.
 *
 * @throws {RangeError} where a cell or loss of one's own has the name of a bundled one, which it would be read back as.
 */
export function specToJson(spec: ModelSpec | ResolvedSpec): Record<string, unknown> {
  const full = resolveSpec(spec);
  const { cell, loss, nonlinearity, outputActivation } = full;
  const bundledCell = CELL_NAMES.includes(cell.name as CellName);
  if (bundledCell && cell !== resolveCell(cell.name as CellName, nonlinearity)) {
    throw new RangeError(`specToJson: a cell of one's own has the name of the bundled ${cell.name}`);
  }
  const bundledLoss = LOSS_NAMES.includes(loss.name as LossName);
  if (bundledLoss && loss !== resolveLoss(loss.name as LossName, outputActivation)) {
    throw new RangeError(`specToJson: a loss of one's own has the name of the bundled ${loss.name}`);
  }
  return namedSpec(full);
}

/** The same for whoever notes by itself which names mean a cell or loss of one's own. */
export function namedSpec(spec: ResolvedSpec): Record<string, unknown> {
  return { ...spec, cell: spec.cell.name, loss: spec.loss.name };
}

/** What a saved spec may name beside the bundled cells and losses. */
export interface Known {
  readonly cells?: Readonly<Record<string, Cell>>;
  readonly losses?: Readonly<Record<string, Loss>>;
}

/**
 * A spec out of plain data; a name of `known` goes before a bundled one.
 *
 * @throws {RangeError | TypeError} naming a field that makes no sense, or a cell or loss that is not known.
 */
export function specFromJson(json: Readonly<Record<string, unknown>>, known: Known = {}): ModelSpec {
  assertOptions('specFromJson', known, { cells: true, losses: true });
  const { cells = {}, losses = {} } = known;
  assertObject('specFromJson', 'json', json);
  assertObject('specFromJson', 'cells', cells);
  assertObject('specFromJson', 'losses', losses);
  const pick = <V extends { readonly name: string }>(
    field: string,
    option: string,
    known: Readonly<Record<string, V>>,
    bundled: readonly string[],
    assertOwn: (own: V, what: string) => void,
  ): V | string => {
    const name = json[field];
    for (const [key, own] of Object.entries(known)) {
      if (own?.name === key) {
        assertOwn(own, `specFromJson: ${option}.${key}`);
        continue;
      }
      const got = own?.name === undefined ? describe(own) : `the ${field} ${describe(own.name)}`;
      throw new RangeError(`specFromJson: ${option}.${key} is ${got}, expected a ${field} of that name`);
    }
    if (typeof name === 'string' && Object.hasOwn(known, name)) return known[name];
    if (typeof name === 'string' && bundled.includes(name)) return name;
    const names = [...Object.keys(known), ...bundled].join(', ');
    throw new RangeError(
      `spec.${field} is ${describe(name)}, expected ${names}: hand a ${field} of your own in \`${option}\``,
    );
  };
  const cell = pick('cell', 'cells', cells, CELL_NAMES, assertCell);
  const loss = pick('loss', 'losses', losses, LOSS_NAMES, assertLoss);
  const spec = { ...json, cell, loss } as ModelSpec;
  resolveSpec(spec);
  return spec;
}
