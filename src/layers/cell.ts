import type { Algebra } from '../algebra/algebra.ts';
import { RowAlgebra } from '../algebra/rows.ts';
import { assertTraced, type Traced, type TracedFormula, tracedValue, tracerAlgebra } from '../algebra/tracer.ts';
import { describe } from '../check/describe.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { assertFormulaCell } from './assertCell.ts';

/**
 * A recurrent cell: what happens between the products of a time step. The loop through time (`bptt/recurrence.ts`) makes
 *
 *     xGates_t = Wih·x_t + bih          [B,G·H], for all steps at once before the loop
 *     hGates_t = Whh·h_{t−1} + bhh      [B,G·H], in every step
 *
 * and calls {@link Cell.forward} with both. Backward it calls {@link Cell.backward}, which turns what reaches the states
 * into the gradients of both, makes dh_{t−1} from `dhGates·Whh`, and the weights' gradients after the loop.
 *
 * Write one as a {@link CellFormula} with {@link formulaCell}, and it runs on every engine; or write the two loops, and it
 * runs on engines `ts` and `wasm`.
 */
export interface Cell extends CellDescription {
  /** Overwrites `states` and `saved` (of a cell with inner gates: `operand` and its share of `saved`). */
  forward(step: CellForward, B: number, H: number): void;
  /** Overwrites `dxGates`, `dhGates` (where it is another array), `dprevious` and `dextra`. */
  backward(step: CellBackward, B: number, H: number): void;
  /** Cells with inner gates: the part after the second product; overwrites `states` and the rest of `saved`. */
  innerForward?(step: CellForward, B: number, H: number): void;
  /** Cells with inner gates: the part before the second product's backward; overwrites `dinnerGates`. */
  innerBackward?(step: CellBackward, B: number, H: number): void;
  /** The formulas that the loops were made from: the twins on other engines are made from them, too. */
  readonly formula?: CellFormula;
}

/** What the loop needs to know of a cell. */
export interface CellDescription {
  readonly name: string;
  /** G, the blocks of H rows of Wih, Whh and the biases. */
  readonly gates: number;
  /** The states carried from step to step, [B,H] each: `h`, which is also the output, then others. */
  readonly states: readonly [h: 'h', ...others: string[]];
  /** Blocks of H that forward saves for backward, of each sequence and step. */
  readonly savedBlocks: number;
  /** What the saved blocks are called, for who looks inside (`Inspector`): gates by their letter. Default: no names. */
  readonly savedNames?: readonly string[];
  /** False for a cell without the product Whh·h_{t−1} (minGRU, IndRNN): it has no Whh and no bhh. Default true. */
  readonly recurrentProduct?: boolean;
  /**
   * Whether `hGates` has another gradient than `xGates` (GRU: the reset gate stands between). Then backward writes `dhGates`
   * apart; otherwise it is the same array as `dxGates`. Default false.
   */
  readonly separateHiddenGradient?: boolean;
  /**
   * Whether h_{t−1} reaches the states past the product (GRU: z ⊙ h_{t−1}). Then backward writes its share to
   * `dprevious[0]`; otherwise it must leave that alone. Default false; always true without a product.
   */
  readonly directHiddenGradient?: boolean;
  /**
   * The last blocks of the gates whose product is not with h_{t−1} but with the `operand` that forward makes: a second
   * product in a step (GRU with the reset before the product). Default 0.
   */
  readonly innerGates?: number;
  /** Parameters of the cell's own, in blocks of H, by name; the layer's suffix is added (`weight_peephole_l0`). */
  readonly extra?: Readonly<Record<string, ExtraParameter>>;
  /** What the bias of a gate block begins with under init `orthogonal`: the LSTM's forget gate 1. Default 0 each. */
  readonly initialBias?: readonly number[];
}

/** A parameter beside Wih, Whh and the biases: `[blocks·H]`, the same for every sequence. */
export interface ExtraParameter {
  readonly blocks: number;
  /** What it begins with: a number, or random like the rest of the weights. Default random. */
  readonly initial?: number;
  /** Whether L2 counts it among the weights. Default: where it begins at random. */
  readonly decays?: boolean;
}

/** The arrays of one forward step. */
export interface CellForward<F = FloatArray> {
  /** [B,H] each, in the order of {@link CellDescription.states}: after the step. */
  readonly states: readonly F[];
  /** [B,savedBlocks·H] */
  readonly saved: F;
  /** [B,G·H] */
  readonly xGates: F;
  /** [B,(G − innerGates)·H]; empty without a recurrent product. */
  readonly hGates: F;
  /** [B,H] each: before the step. */
  readonly previous: readonly F[];
  /** [blocks·H] each, in the order of {@link CellDescription.extra}. */
  readonly extra: readonly F[];
  /** [B,H] and [B,innerGates·H], of a cell with inner gates: what goes into the second product, and what comes of it. */
  readonly operand: F;
  readonly innerGates: F;
}

/** The arrays of one backward step. */
export interface CellBackward<F = FloatArray> {
  /** [B,G·H] */
  readonly dxGates: F;
  /** [B,(G − innerGates)·H]; the same array as `dxGates` unless {@link CellDescription.separateHiddenGradient}. */
  readonly dhGates: F;
  /** [B,H] each: what reaches the states before the step, the first one past the product. */
  readonly dprevious: readonly F[];
  /** [B,blocks·H] each: the extra parameters' gradients, of each sequence by itself. */
  readonly dextra: readonly F[];
  /** [B,H] each: all that reaches the states after the step. */
  readonly dstates: readonly F[];
  readonly saved: F;
  readonly states: readonly F[];
  readonly previous: readonly F[];
  readonly extra: readonly F[];
  /** [B,innerGates·H] and [B,H], of a cell with inner gates: the gradients of `innerGates` and of `operand`. */
  readonly dinnerGates: F;
  readonly doperand: F;
}

/** One unit of one sequence, forward: what it reads. */
export interface UnitForward<V> {
  /** The unit's share of each gate block of `xGates` and of `hGates` (of `innerGates` in `innerForward`). */
  readonly x: readonly V[];
  readonly h: readonly V[];
  /** The states before the step. */
  readonly previous: readonly V[];
  /** The unit's numbers of all extra parameters, block after block. */
  readonly extra: readonly V[];
  /** What the first part saved; `innerForward` only. */
  readonly saved: readonly V[];
}

/** One unit of one sequence, backward: what it reads. */
export interface UnitBackward<V> {
  readonly dstates: readonly V[];
  readonly saved: readonly V[];
  readonly states: readonly V[];
  readonly previous: readonly V[];
  readonly extra: readonly V[];
  /** Cells with inner gates. */
  readonly dinner: readonly V[];
  readonly doperand: V | null;
}

/** A cell's pointwise part over an algebra, forward and backward by hand: one unit of one sequence. */
export interface CellFormula {
  forward<V>(
    m: Algebra<V>,
    unit: UnitForward<V>,
  ): { states?: readonly V[]; saved?: readonly V[] /** Inner gates only. */; operand?: V };
  backward<V>(
    m: Algebra<V>,
    unit: UnitBackward<V>,
  ): {
    dx: readonly V[];
    /** Separate hidden gradients only. */
    dh?: readonly V[];
    /** In the order of the states; the first only where h_{t−1} reaches the states past the product, else null. */
    dprevious?: readonly (V | null)[];
    dextra?: readonly V[];
  };
  /** Cells with inner gates: the part after the second product. */
  innerForward?<V>(m: Algebra<V>, unit: UnitForward<V>): { states: readonly V[]; saved?: readonly V[] };
  /** Cells with inner gates: the gradients of the inner gates. */
  innerBackward?<V>(m: Algebra<V>, unit: UnitBackward<V>): { dinner: readonly V[] };
}

/** The parts of a cell's formula that are kernels of their own. */
export type CellPart = 'forward' | 'innerForward' | 'backward' | 'innerBackward';

/** d·y(1 − y): the gradient behind y = σ(a). */
export function sigmoidSlope<V>(m: Algebra<V>, d: V, y: V): V {
  return m.mul(m.mul(d, y), m.sub(m.constant(1), y));
}

/** d·(1 − y²): the gradient behind y = tanh(a). */
export function tanhSlope<V>(m: Algebra<V>, d: V, y: V): V {
  return m.mul(d, m.sub(m.constant(1), m.mul(y, y)));
}

/** Where the blocks of a cell's arrays stand. */
export interface CellSizes {
  /** Gate blocks of the product with h_{t−1}; 0 without one. */
  readonly hidden: number;
  readonly inner: number;
  /** Blocks of all extra parameters together. */
  readonly extra: number;
  readonly direct: boolean;
  readonly separate: boolean;
}

/** The sizes that follow from a cell's description. */
export function cellSizes({
  gates,
  innerGates = 0,
  recurrentProduct = true,
  extra = {},
  directHiddenGradient = false,
  separateHiddenGradient = false,
}: CellDescription): CellSizes {
  return {
    hidden: recurrentProduct ? gates - innerGates : 0,
    inner: innerGates,
    extra: Object.values(extra).reduce((sum, { blocks }) => sum + blocks, 0),
    direct: directHiddenGradient || !recurrentProduct,
    // The gradient of fewer gates is an array of its own in any case.
    separate: recurrentProduct && (separateHiddenGradient || innerGates > 0),
  };
}

/** An array of a formula's part, named as in {@link CellForward} and {@link CellBackward}: `states0`, `extra1`, … */
export interface PartArray {
  readonly name: string;
  /** The blocks of H that are meant: `first` … `first + blocks − 1` of `width`. */
  readonly blocks: number;
  readonly first: number;
  readonly width: number;
  /** Whether there is one row for all sequences, `[width·H]`, and not one for each, `[B,width·H]`. */
  readonly shared: boolean;
}

/** A part of a cell's formula as a program over arrays: an interpreter loads the inputs, runs it, and stores the outputs. */
export interface PartProgram {
  /** The arrays of which the formula uses a number. */
  readonly inputs: readonly PartArray[];
  readonly outputs: readonly PartArray[];
  /**
   * Runs one unit.
   *
   * @param input gives the unit's number in a block of an input; asked only for what the formula uses
   * @returns of each output its blocks
   */
  run<V>(m: Algebra<V>, input: (name: string, block: number) => V): readonly (readonly V[])[];
}

/**
 * A part of a cell's formula as a program. What it uses, and which blocks a cell with inner gates saves in which part, is
 * found out by running it once.
 *
 * @throws {RangeError} where the formula gives another number of values than the cell's description says.
 */
export function partProgram(cell: CellDescription & { readonly formula: CellFormula }, part: CellPart): PartProgram {
  const used = new Set<string>();
  const all = programOf(cell, part, null);
  const formula = tracedFormula(cell, part);
  const outputs = all.run(tracerAlgebra(formula), (name, block) =>
    tracedValue(formula, () => used.add(`${name} ${block}`)),
  );
  for (const value of outputs.flat()) {
    assertTraced(formula, value);
    value.used();
  }
  const { inputs, run } = programOf(cell, part, used);
  const isUsed = ({ name, blocks }: PartArray): boolean =>
    Array.from({ length: blocks }, (_, k) => used.has(`${name} ${k}`)).some(Boolean);
  return { inputs: inputs.filter(isUsed), outputs: all.outputs, run };
}

function tracedFormula({ name }: CellDescription, part: CellPart): TracedFormula {
  return { name: `cell ${name}: ${part}`, reads: 'a gate, state or block that the cell does not have' };
}

/** @param used the blocks that are loaded; null for all */
function programOf(
  cell: CellDescription & { readonly formula: CellFormula },
  part: CellPart,
  used: ReadonlySet<string> | null,
): PartProgram {
  const { formula, gates, states, savedBlocks } = cell;
  const { hidden, inner, separate, direct } = cellSizes(cell);
  const { name: fn } = tracedFormula(cell, part);
  const array = (name: string, blocks: number, width = blocks, first = 0): PartArray => ({
    ...{ name, blocks, first, width, shared: false },
  });
  const each = (name: string): PartArray[] => states.map((_, i) => array(`${name}${i}`, 1));
  const extras = Object.values(cell.extra ?? {}).map(({ blocks }, i) => array(`extra${i}`, blocks));
  const count = (what: string, values: readonly unknown[], wanted: number, hint = ''): void => {
    if (!Array.isArray(values)) {
      throw new TypeError(`${fn} gives ${describe(values)} for ${what}, expected a list of ${wanted}`);
    }
    if (values.length !== wanted) {
      throw new RangeError(`${fn} gives ${values.length} ${what}, expected ${wanted}${hint}`);
    }
  };
  /** Gives the unit's numbers in the blocks of these arrays; the list of blocks is made here, once. */
  const reader = (arrays: readonly PartArray[]): (<V>(input: (name: string, block: number) => V) => V[]) => {
    const blocks = arrays.flatMap(({ name, blocks: count }) =>
      Array.from({ length: count }, (_, block) => {
        return { name, block, isUsed: used === null || used.has(`${name} ${block}`) };
      }),
    );
    return <V>(input: (name: string, block: number) => V) =>
      blocks.map(({ name, block, isUsed }) => (isUsed ? input(name, block) : (undefined as V)));
  };

  if (part === 'forward' || part === 'innerForward') {
    const second = part === 'innerForward';
    const savedBefore = second ? savedByFirst(cell) : 0;
    const savedHere = inner > 0 && !second ? savedByFirst(cell) : savedBlocks - savedBefore;
    const x = array('xGates', gates);
    const h = second ? array('innerGates', inner) : array('hGates', hidden);
    const saved = array('saved', savedBefore, savedBlocks);
    const read = {
      x: reader([x]),
      h: reader([h]),
      previous: reader(each('previous')),
      extra: reader(extras),
      saved: reader([saved]),
    };
    return {
      inputs: [x, h, ...each('previous'), ...extras.map((extra) => ({ ...extra, shared: true })), saved],
      outputs: [
        ...(inner > 0 && !second ? [array('operand', 1)] : each('states')),
        ...(savedHere > 0 ? [array('saved', savedHere, savedBlocks, savedBefore)] : []),
      ],
      run(m, input) {
        const unit = {
          x: read.x(input),
          h: read.h(input),
          previous: read.previous(input),
          extra: read.extra(input),
          saved: read.saved(input),
        };
        if (inner > 0 && !second) {
          const { operand, saved: own = [] } = assertResult(fn, formula.forward(m, unit));
          count('saved blocks', own, savedHere);
          if (operand === undefined) throw new RangeError(`${fn} gives no operand, inner gates need one`);
          return savedHere > 0 ? [[operand], own] : [[operand]];
        }
        const result = second ? formula.innerForward!(m, unit) : formula.forward(m, unit);
        const { states: next = [], saved: own = [] } = assertResult(fn, result);
        count('states', next, states.length);
        count('saved blocks', own, savedHere);
        return [...next.map((value) => [value]), ...(savedHere > 0 ? [own] : [])];
      },
    };
  }

  const first = part === 'innerBackward';
  const saved = array('saved', savedBlocks);
  const dinner = array('dinnerGates', first ? 0 : inner);
  const doperand = array('doperand', inner > 0 && !first ? 1 : 0);
  const read = {
    dstates: reader(each('dstates')),
    saved: reader([saved]),
    states: reader(each('states')),
    previous: reader(each('previous')),
    extra: reader(extras),
    dinner: reader([dinner]),
    doperand: reader([doperand]),
  };
  return {
    inputs: [
      ...each('dstates'),
      saved,
      ...each('states'),
      ...each('previous'),
      ...extras.map((extra) => ({ ...extra, shared: true })),
      ...[dinner, doperand],
    ],
    outputs: first
      ? [array('dinnerGates', inner)]
      : [
          array('dxGates', gates),
          ...(separate ? [array('dhGates', hidden)] : []),
          ...each('dprevious').slice(direct ? 0 : 1),
          ...extras.map((extra) => ({ ...extra, name: `d${extra.name}` })),
        ],
    run(m, input) {
      const unit = {
        dstates: read.dstates(input),
        saved: read.saved(input),
        states: read.states(input),
        previous: read.previous(input),
        extra: read.extra(input),
        dinner: read.dinner(input),
        doperand: read.doperand(input)[0] ?? null,
      };
      if (first) {
        const { dinner: given } = assertResult(fn, formula.innerBackward!(m, unit));
        count('gradients of inner gates', given, inner);
        return [given];
      }
      const { dx, dh = [], dprevious = [], dextra = [] } = assertResult(fn, formula.backward(m, unit));
      count('gradients of xGates', dx, gates);
      const apart = ': a gradient of hGates apart from that of xGates needs separateHiddenGradient: true';
      count('gradients of hGates', dh, separate ? hidden : 0, separate ? '' : apart);
      const wanted = extras.reduce((sum, { blocks }) => sum + blocks, 0);
      count('gradients of extra parameters', dextra, wanted);
      if (direct || states.length > 1) count('gradients of previous states', dprevious, states.length);
      if (!direct && (dprevious[0] ?? null) !== null) {
        throw new RangeError(
          `${fn} gives a gradient of the previous h past the product, which needs directHiddenGradient: true`,
        );
      }
      const past = dprevious.slice(direct ? 0 : 1).map((value, i) => {
        if (value === null || value === undefined)
          throw new RangeError(`${fn} gives no gradient of the previous ${states[direct ? i : i + 1]}`);
        return [value];
      });
      let at = 0;
      const ofExtras = extras.map(({ blocks }) => {
        at += blocks;
        return dextra.slice(at - blocks, at);
      });
      return [dx, ...(separate ? [dh] : []), ...past, ...ofExtras];
    },
  };
}

/** What a part of a formula returned. */
function assertResult<R>(fn: string, result: R): R {
  if (typeof result === 'object' && result !== null) return result;
  throw new TypeError(`${fn} returns ${describe(result)}, expected an object of its results`);
}

/** The blocks that the first part of a cell with inner gates saves. */
function savedByFirst(cell: CellDescription & { readonly formula: CellFormula }): number {
  const { hidden, extra } = cellSizes(cell);
  const formula = tracedFormula(cell, 'forward');
  const some = (length: number): Traced[] => Array.from({ length }, () => tracedValue(formula, () => {}));
  const unit = {
    x: some(cell.gates),
    h: some(hidden),
    previous: some(cell.states.length),
    extra: some(extra),
    saved: [],
  };
  return assertResult(formula.name, cell.formula.forward(tracerAlgebra(formula), unit)).saved?.length ?? 0;
}

/**
 * A cell whose loops are made from its formula; with its formula it runs on every engine.
 *
 * @throws {RangeError | TypeError} naming the cell and what is wrong with its description, or with what its formula uses and
 *   gives.
 */
export function formulaCell(description: CellDescription & { readonly formula: CellFormula }): Cell {
  assertFormulaCell(description);
  const inner = cellSizes(description).inner > 0;
  return {
    ...description,
    forward: loopOf(description, 'forward'),
    backward: loopOf(description, 'backward'),
    ...(inner
      ? { innerForward: loopOf(description, 'innerForward'), innerBackward: loopOf(description, 'innerBackward') }
      : {}),
  };
}

/** The loop over sequences that runs a part of a formula on the units of a few sequences at a time. */
function loopOf(
  cell: CellDescription & { readonly formula: CellFormula },
  part: CellPart,
): (step: CellForward | CellBackward, B: number, H: number) => void {
  const { inputs, outputs, run } = partProgram(cell, part);
  const byName = new Map(inputs.map((input, i) => [input.name, i]));
  const arraysOf = (arrays: readonly PartArray[]) => arrays.map(({ name }) => accessor(name));
  const [inputOf, outputOf] = [arraysOf(inputs), arraysOf(outputs)];
  let size = 0;
  // For whole chunks of sequences, and for what is left over.
  let algebras = new Map<number, RowAlgebra>();
  return (step, B, H) => {
    if (size !== H) {
      algebras = new Map();
      size = H;
    }
    const from = inputOf.map((of) => of(step));
    const to = outputOf.map((of) => of(step));
    const most = Math.max(1, Math.floor(CHUNK / H));
    for (let b = 0; b < B; b += most) {
      const sequences = Math.min(most, B - b);
      let m = algebras.get(sequences);
      if (!m) {
        m = new RowAlgebra(H, sequences);
        if (algebras.size === MOST_ALGEBRAS) algebras.clear();
        algebras.set(sequences, m);
      }
      const rows = m;
      rows.begin();
      const written = run(rows, (name, block) => {
        const i = byName.get(name)!;
        const { first, width, shared } = inputs[i];
        const at = (first + block) * H;
        return shared ? rows.load(from[i], at) : rows.load(from[i], b * width * H + at, width * H);
      });
      for (let i = 0; i < outputs.length; i++) {
        const { first, width, blocks } = outputs[i];
        for (let k = 0; k < blocks; k++) rows.store(to[i], (b * width + first + k) * H, written[i][k], width * H);
      }
    }
  };
}

/** Units that a loop made from a formula takes at a time, at least those of one sequence, and the algebras it keeps. */
const CHUNK = 256;
const MOST_ALGEBRAS = 4;

/** Gives the array of a step by the name that {@link PartArray} has for it. */
export function accessor(name: string): <F>(step: CellForward<F> | CellBackward<F>) => F {
  const [, list, index] = /^([a-z]+)(\d+)$/.exec(name) ?? [];
  return <F>(step: CellForward<F> | CellBackward<F>): F => {
    const arrays = step as unknown as Readonly<Record<string, F & readonly F[]>>;
    return list === undefined ? arrays[name] : arrays[list][Number(index)];
  };
}
