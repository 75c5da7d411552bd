import { numberAlgebra } from '../algebra/numbers.ts';
import { assertCell } from '../layers/assertCell.ts';
import {
  accessor,
  type Cell,
  type CellBackward,
  type CellForward,
  type CellPart,
  cellSizes,
  partProgram,
} from '../layers/cell.ts';
import { linearForward } from '../layers/linear.ts';
import { matmulNN, matmulTN } from '../tensor/matmul.ts';
import { RandomState } from '../tensor/random.ts';
import { dtypeOf, type FloatArray, zeros } from '../tensor/shape.ts';
import { checkFormula } from './checkFormula.ts';
import { type CheckLayerOptions, checkLayer, type LayerUnderTest, type Tensors } from './checkLayer.ts';
import { assertCheckOptions } from './checkOptions.ts';
import { checkSequences } from './checkSequences.ts';
import { guarded } from './guarded.ts';

/** What {@link checkCell} takes beside the cell. */
export interface CheckCellOptions extends CheckLayerOptions {
  /** Fills gates, states and parameters of a step. Default: normal numbers. Use it to stay away from kinks. */
  fill?: LayerUnderTest<string>['fill'];
}

/** What was held against the cell. */
export interface CheckCellReport {
  runs: number;
  /** Elements of gradients of one step compared with central differences. */
  gradients: number;
  /** Units of the formula held to its exact derivative, and the largest relative error; 0 without a formula. */
  units: number;
  worst: number;
  /** Numbers of the loops compared with the formula; 0 without one. */
  loops: number;
  /** Whole nets made with the cell, and gradients through time compared with central differences. */
  sequences: number;
  throughTime: number;
}

/**
 * Puts a cell through everything that the bundled cells go through:
 *
 * - its description makes sense, and its functions stay within their arrays and leave alone what is not theirs to write;
 * - the battery of {@link checkLayer} on one step, the second product of cells with inner gates included;
 * - its formula, where it has one: the exact derivative ({@link checkFormula}), and the loops against the formula;
 * - nets made with it, in float64: gradients of all parameters, inputs and initial states through time; a batch is its
 *   sequences one by one; a sequence is its windows with the state carried and the gradient cut; what stands in padding
 *   does not matter; the reverse direction is the forward one on reversed time.
 *
 * @throws {Error} naming the cell and the promise it broke.
 */
export function checkCell(cell: Cell, options: CheckCellOptions = {}): CheckCellReport {
  assertCheckOptions('checkCell', options, ['runs', 'seed', 'tolerance', 'float32Tolerance', 'fill']);
  const { runs = 30, seed = 0, tolerance = 1e-7 } = options;
  assertCell(cell);
  try {
    staysWithinItsArrays(cell, seed);
    const { gradients } = checkLayer(cellStep(cell, options.fill), options);
    const { units, worst } = cell.formula ? checkFormula(cell, { seed }) : { units: 0, worst: 0 };
    const loops = cell.formula ? loopsAreTheFormula(cell, seed) : 0;
    const nets = Math.ceil(runs / 3);
    const { sequences, gradients: throughTime } = checkSequences(cell, { runs: nets, seed, tolerance });
    return { runs, gradients, units, worst, loops, sequences, throughTime };
  } catch (error) {
    const message = (error as Error).message.replace(/^(checkLayer: |cell )/, '');
    const named = message.startsWith(`${cell.name}: `) ? message : `${cell.name}: ${message}`;
    throw new Error(`checkCell: ${named}`, { cause: error });
  }
}

/** The arrays of one step, filled. */
interface StepArrays {
  forward: CellForward;
  backward: CellBackward;
}

/** A step of random numbers; what the functions are to overwrite comes with NaN. */
function drawStep(cell: Cell, B: number, H: number, rng: RandomState): StepArrays {
  const { hidden, inner, separate } = cellSizes(cell);
  const BH = B * H;
  const blank = (blocks: number) => new Float64Array(blocks * BH).fill(Number.NaN);
  const random = (length: number) => rng.randn(length);
  const extras = Object.values(cell.extra ?? {});
  const states = cell.states.map(() => blank(1));
  const previous = cell.states.map(() => random(BH));
  const extra = extras.map(({ blocks }) => random(blocks * H));
  const saved = blank(cell.savedBlocks);
  const dxGates = blank(cell.gates);
  return {
    forward: {
      ...{ states, saved, previous, extra },
      xGates: random(cell.gates * BH),
      hGates: random(hidden * BH),
      operand: blank(inner > 0 ? 1 : 0),
      innerGates: random(inner * BH),
    },
    backward: {
      ...{ states, saved, previous, extra, dxGates },
      dhGates: separate ? blank(hidden) : dxGates,
      dprevious: cell.states.map(() => blank(1)),
      dextra: extras.map(({ blocks }) => blank(blocks)),
      dstates: cell.states.map(() => random(BH)),
      dinnerGates: blank(inner),
      doperand: random(inner > 0 ? BH : 0),
    },
  };
}

/** The arrays that a part may write to, by the names of {@link CellForward} and {@link CellBackward}. */
function writable(cell: Cell, part: CellPart): (name: string, index: number) => boolean {
  const { inner, direct } = cellSizes(cell);
  return (name, index) => {
    if (part === 'innerBackward') return name === 'dinnerGates';
    if (part === 'backward') {
      if (name === 'dprevious') return direct || index > 0;
      return name === 'dxGates' || name === 'dhGates' || name === 'dextra';
    }
    if (name === 'states') return part === 'innerForward' || inner === 0;
    return name === 'saved' || (name === 'operand' && part === 'forward');
  };
}

function guardedStep<S extends CellForward | CellBackward>(cell: Cell, part: CellPart, step: S): S {
  const mayWrite = writable(cell, part);
  const guardedOf = (name: string, values: FloatArray | readonly FloatArray[]): unknown =>
    Array.isArray(values)
      ? values.map((one: FloatArray, i) => guarded(one, part, `${name}[${i}]`, mayWrite(name, i)))
      : guarded(values as FloatArray, part, name, mayWrite(name, 0));
  const entries = Object.entries(step).map(([name, values]) => [name, guardedOf(name, values)]);
  const arrays = Object.fromEntries(entries) as S & CellBackward;
  // One array where the loop hands in one.
  return 'dhGates' in step && step.dhGates === step.dxGates ? { ...arrays, dhGates: arrays.dxGates } : arrays;
}

function staysWithinItsArrays(cell: Cell, seed: number): void {
  const rng = new RandomState(seed);
  const inner = cellSizes(cell).inner > 0;
  for (const [B, H] of [
    [1, 1],
    [2, 3],
    [3, 2],
  ]) {
    const { forward, backward } = drawStep(cell, B, H, rng);
    cell.forward(guardedStep(cell, 'forward', forward), B, H);
    if (inner) {
      cell.innerForward!(guardedStep(cell, 'innerForward', forward), B, H);
      cell.innerBackward!(guardedStep(cell, 'innerBackward', backward), B, H);
    }
    cell.backward(guardedStep(cell, 'backward', backward), B, H);
  }
}

/**
 * One step of a cell as a layer for {@link checkLayer}: from gates, states before and parameters to the states after. The
 * second product of a cell with inner gates is part of it.
 */
export function cellStep(cell: Cell, fill?: CheckCellOptions['fill']): LayerUnderTest<string> {
  assertCell(cell);
  const { hidden, inner, separate, direct } = cellSizes(cell);
  const extras = Object.entries(cell.extra ?? {});
  const fixed = (count: number): readonly [number, number] => [count, count];
  const before = (state: string) => `previous ${state}`;
  const arraysOf = (
    states: Tensors,
    caches: Tensors,
    inputs: Tensors,
    parameters: Tensors,
  ): Pick<CellBackward, 'states' | 'saved' | 'previous' | 'extra'> => ({
    states: cell.states.map((state) => states[state]),
    saved: caches.saved,
    previous: cell.states.map((state) => inputs[before(state)]),
    extra: extras.map(([name]) => parameters[name]),
  });
  return {
    name: cell.name,
    sizes: {
      ...{ B: [1, 3], H: [1, 4], G: fixed(cell.gates), K: fixed(hidden), S: fixed(cell.savedBlocks), I: fixed(inner) },
      ...Object.fromEntries(extras.map(([name, { blocks }]) => [name, fixed(blocks)])),
    },
    batch: 'B',
    inputs: {
      xGates: ['B', 'G', 'H'],
      ...(hidden > 0 ? { hGates: ['B', 'K', 'H'] } : {}),
      ...Object.fromEntries(cell.states.map((state) => [before(state), ['B', 'H']])),
    },
    parameters: {
      ...Object.fromEntries(extras.map(([name]) => [name, [name, 'H']])),
      ...(inner > 0 ? { 'inner weight': ['I', 'H', 'H'], 'inner bias': ['I', 'H'] } : {}),
    },
    outputs: Object.fromEntries(cell.states.map((state) => [state, ['B', 'H']])),
    caches: { saved: ['B', 'S', 'H'], ...(inner > 0 ? { operand: ['B', 'H'] } : {}) },
    ...(fill ? { fill } : {}),
    forward(outputs, caches, inputs, parameters, { B, H }) {
      const blank = (length: number) => zeros(dtypeOf(inputs.xGates), length).fill(Number.NaN);
      const step: CellForward = {
        ...arraysOf(outputs, caches, inputs, parameters),
        ...{ xGates: inputs.xGates, hGates: inputs.hGates ?? blank(0) },
        ...{ operand: caches.operand ?? blank(0), innerGates: blank(inner * B * H) },
      };
      cell.forward(step, B, H);
      if (inner === 0) return;
      const { 'inner weight': weight, 'inner bias': bias } = parameters;
      linearForward(step.innerGates, step.operand, weight, bias, B, H, inner * H);
      cell.innerForward!(step, B, H);
    },
    backward(dinputs, dparameters, doutputs, caches, inputs, parameters, outputs, { B, H }) {
      const dtype = dtypeOf(inputs.xGates);
      const blank = (length: number) => zeros(dtype, length).fill(Number.NaN);
      const dprevious = cell.states.map((state) => dinputs[before(state)]);
      const dx = dinputs.xGates;
      const step: CellBackward = {
        ...arraysOf(outputs, caches, inputs, parameters),
        ...{ dxGates: dx, dhGates: separate ? dinputs.hGates : dx, dprevious },
        dextra: extras.map(([, { blocks }]) => blank(B * blocks * H)),
        dstates: cell.states.map((state) => doutputs[state]),
        ...{ dinnerGates: blank(inner * B * H), doperand: blank(inner > 0 ? B * H : 0) },
      };
      if (!direct) dprevious[0].fill(0); // h_{t−1} reaches nothing but through the product
      if (inner > 0) {
        cell.innerBackward!(step, B, H);
        matmulNN(step.doperand, step.dinnerGates, parameters['inner weight'], B, inner * H, H);
        matmulTN(dparameters['inner weight'], step.dinnerGates, caches.operand, inner * H, B, H, true);
        addRows(dparameters['inner bias'], step.dinnerGates);
      }
      cell.backward(step, B, H);
      if (hidden > 0 && !separate) dinputs.hGates.set(dx);
      for (const [e, [name]] of extras.entries()) addRows(dparameters[name], step.dextra[e]);
    },
  };
}

/** Adds the rows of `from` to `to`. */
function addRows(to: FloatArray, from: FloatArray): void {
  for (let i = 0; i < from.length; i++) to[i % to.length] += from[i];
}

/** Holds the loops of a cell to its formula, unit by unit. @returns how many numbers were compared */
function loopsAreTheFormula(cell: Cell, seed: number): number {
  const { formula } = cell;
  const inner = cellSizes(cell).inner > 0;
  const rng = new RandomState(seed);
  let compared = 0;
  const compare = (part: CellPart, step: CellForward | CellBackward, B: number, H: number): void => {
    const { inputs, outputs, run } = partProgram({ ...cell, formula: formula! }, part);
    const layout = new Map(inputs.map((input) => [input.name, input]));
    for (let i = 0; i < B * H; i++) {
      const [b, j] = [Math.floor(i / H), i % H];
      const values = run(numberAlgebra, (name, block) => {
        const { first, width, shared } = layout.get(name)!;
        return accessor(name)(step)[((shared ? 0 : b * width) + first + block) * H + j];
      });
      for (const [o, { name, first, width, blocks }] of outputs.entries()) {
        for (let block = 0; block < blocks; block++) {
          const got = accessor(name)(step)[(b * width + first + block) * H + j];
          const wanted = values[o][block];
          if (!(Math.abs(got - wanted) <= 1e-12 * Math.max(1, Math.abs(wanted)))) {
            throw new Error(`${part} gives ${name}[${block}] = ${got}, its formula ${wanted}`);
          }
          compared++;
        }
      }
    }
  };
  for (const [B, H] of [
    [1, 1],
    [3, 4],
    [2, 5],
  ]) {
    const { forward, backward } = drawStep(cell, B, H, rng);
    cell.forward(forward, B, H);
    compare('forward', forward, B, H);
    if (inner) {
      cell.innerForward!(forward, B, H);
      compare('innerForward', forward, B, H);
      cell.innerBackward!(backward, B, H);
      compare('innerBackward', backward, B, H);
    }
    cell.backward(backward, B, H);
    compare('backward', backward, B, H);
  }
  return compared;
}
