import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertFlag, assertObject, assertOneOf } from '../check/values.ts';
import { assertCell } from '../layers/assertCell.ts';
import { assertLoss } from '../layers/assertLoss.ts';
import { type Cell, cellSizes } from '../layers/cell.ts';
import { elman, type Nonlinearity } from '../layers/elman.ts';
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
import { assertOptions, SPEC_FIELDS } from './options.ts';

/** `gru` resets after the product as PyTorch does, `gruResetBefore` before it as the paper does. */
export type CellName = 'elman' | 'gru' | 'gruResetBefore' | 'lstm' | 'lstmPeephole' | 'minGru';

/** The bundled cells but `elman`, which has a nonlinearity. */
const CELLS: Readonly<Record<Exclude<CellName, 'elman'>, Cell>> = {
  ...{ gru, gruResetBefore, lstm, lstmPeephole, minGru },
};

/** The names of the bundled cells. */
export const CELL_NAMES: readonly CellName[] = ['elman', ...(Object.keys(CELLS) as (keyof typeof CELLS)[])];

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
export type ResolvedSpec = Required<Omit<ModelSpec, 'cell' | 'loss'>> & { readonly cell: Cell; readonly loss: Loss };

/** What a parameter is in the net. */
export type ParameterRole = 'input' | 'recurrent' | 'bias' | 'extra' | 'initialState' | 'output';

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

/** The nonlinearities of the Elman cell. */
export const NONLINEARITIES = Object.keys(elman) as readonly Nonlinearity[];

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
    dropout: 0,
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
  if (!(typeof full.dropout === 'number' && full.dropout >= 0 && full.dropout < 1)) {
    throw new RangeError(`spec.dropout is ${describe(full.dropout)}, expected 0 ≤ dropout < 1`);
  }
  if (full.dropout > 0 && full.layers === 1) {
    throw new RangeError(`spec.dropout is ${full.dropout}, but it works between layers: it needs layers ≥ 2`);
  }
  const { reduction } = full;
  if (reduction !== 'sum' && reduction !== 'mean' && !(typeof reduction === 'number' && Number.isFinite(reduction))) {
    throw new RangeError(`spec.reduction is ${describe(reduction)}, expected 'sum', 'mean' or a finite number`);
  }
  const cell = resolveCell(full.cell, full.nonlinearity);
  const loss = resolveLoss(full.loss, full.outputActivation);
  // An object of the library says by itself what a name needs a second field for.
  const nonlinearity = NONLINEARITIES.find((name) => elman[name] === cell) ?? full.nonlinearity;
  const outputActivation = loss === squaredErrorOfSigmoid ? 'sigmoid' : full.outputActivation;
  const resolved: ResolvedSpec = { ...full, cell, loss, nonlinearity, outputActivation };
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

/** The size of the outputs: V, or the states' size where there is no output layer. */
export function outputWidth(spec: ResolvedSpec): number {
  return spec.outputSize || stateWidth(spec);
}

/** The size of the top layer's outputs: H, or 2H when bidirectional. */
export function stateWidth(spec: ResolvedSpec): number {
  return spec.hiddenSize * directionsOf(spec);
}

export function directionsOf(spec: ResolvedSpec): number {
  return spec.bidirectional ? 2 : 1;
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
  for (let layer = 0; layer < spec.layers; layer++) {
    for (let direction = 0; direction < directionsOf(spec); direction++) {
      const suffix = suffixOf(layer, direction === 1);
      const width = layer === 0 ? spec.inputSize : stateWidth(spec);
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
  }
  if (spec.outputSize > 0) {
    place('output', 'weight_ho', [spec.outputSize, stateWidth(spec)], true);
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
    known: Readonly<Record<string, V>>,
    bundled: readonly string[],
  ): V | string => {
    const name = json[field];
    const option = field === 'loss' ? 'losses' : 'cells';
    for (const [key, own] of Object.entries(known)) {
      if (own?.name === key) {
        if (field === 'cell') assertCell(own as unknown as Cell, `specFromJson: cells.${key}`);
        else assertLoss(own as unknown as Loss, `specFromJson: losses.${key}`);
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
  const spec = { ...json, cell: pick('cell', cells, CELL_NAMES), loss: pick('loss', losses, LOSS_NAMES) } as ModelSpec;
  resolveSpec(spec);
  return spec;
}
