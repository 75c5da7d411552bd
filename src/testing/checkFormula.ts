import type { Algebra } from '../algebra/algebra.ts';
import { dualAlgebra } from '../algebra/dual.ts';
import { numberAlgebra } from '../algebra/numbers.ts';
import { type Cell, type CellPart, cellSizes, partProgram } from '../layers/cell.ts';
import { RandomState } from '../tensor/random.ts';

/** A function of a few numbers as a formula, with the backward that is to be its derivative. */
export interface DifferentiableFormula {
  readonly name: string;
  /** The names of its inputs, for messages. */
  readonly inputs: readonly string[];
  /** Draws the inputs. Default: normal numbers. Use it to stay in the domain. */
  draw?(rng: RandomState): readonly number[];
  forward<V>(m: Algebra<V>, inputs: readonly V[]): readonly V[];
  /**
   * The backward under check: Jᵀ·dout.
   *
   * @param outputs what `forward` gave on numbers
   */
  backward(inputs: readonly number[], dout: readonly number[], outputs: readonly number[]): readonly number[];
  /** The same function as plain loops, where the formula is written only to check those. */
  loops?(inputs: readonly number[]): readonly number[];
}

/** What {@link compareExactly} and {@link assertExact} take beside the formula. */
export interface ExactOptions {
  /** Random inputs to try. Default 200. */
  units?: number;
  /** Default 0. */
  seed?: number;
}

/** What {@link compareExactly} found. */
export interface ExactReport {
  readonly units: number;
  /** The largest relative error of ⟨u, Jᵀv⟩ against ⟨Ju, v⟩. */
  readonly worst: number;
  /** The input whose gradient is off most there, with both numbers; empty where nothing is off. */
  readonly where: string;
  /** Where loops and formula differ by more than a few roundings; empty where they do not, or there are none. */
  readonly apart: string;
}

/** How far loops and formula may be apart, relative to the number or 1. */
const LOOPS_TOLERANCE = 1e-14;

/** The largest relative error that float64 rounding accounts for: two dozen roundings of 2⁻⁵³, and a margin. */
export const EXACT_TOLERANCE = 1e-14;

/**
 * Compares a backward by hand with the exact derivative of its forward: for random inputs, directions u and v
 *
 *     ⟨J·u, v⟩ = ⟨u, Jᵀ·v⟩
 *
 * with J·u by dual numbers and Jᵀ·v by the backward. Errors are relative to the sum of the terms' magnitudes, so that
 * nothing but rounding is left of them, which central differences cannot say.
 */
export function compareExactly(formula: DifferentiableFormula, options: ExactOptions = {}): ExactReport {
  const { units = 200, seed = 0 } = options;
  const rng = new RandomState(seed);
  const m = dualAlgebra(numberAlgebra);
  let worst = 0;
  let where = '';
  let apart = '';
  for (let unit = 0; unit < units; unit++) {
    const inputs = formula.draw?.(rng) ?? Array.from(rng.randn(formula.inputs.length));
    const u = Array.from(rng.randn(inputs.length));
    const along = (direction: readonly number[]) =>
      formula.forward(
        m,
        inputs.map((value, i) => ({ value, derivative: direction[i] })),
      );
    const outputs = along(u);
    const v = Array.from(rng.randn(outputs.length));
    const loops = formula.loops?.(inputs) ?? outputs.map(({ value }) => value);
    const at = outputs.findIndex(
      ({ value }, k) => !(Math.abs(loops[k] - value) <= LOOPS_TOLERANCE * Math.max(1, Math.abs(value))),
    );
    if (at >= 0) apart = `output ${at} of the loops is ${loops[at]}, of the formula ${outputs[at].value}`;
    const gradient = formula.backward(
      inputs,
      v,
      outputs.map(({ value }) => value),
    );
    const ofForward = outputs.map(({ derivative }, k) => derivative * v[k]);
    const ofBackward = gradient.map((g, i) => g * u[i]);
    const size = Math.max(magnitude(ofForward), magnitude(ofBackward));
    const error = size === 0 ? 0 : Math.abs(sum(ofForward) - sum(ofBackward)) / size;
    if (error <= worst) continue; // a NaN is the worst of all
    worst = error;
    const exact = inputs.map((_, i) => {
      const basis = along(inputs.map((_, j) => Number(i === j)));
      return sum(basis.map(({ derivative }, k) => derivative * v[k]));
    });
    const off = exact.map((e, i) => Math.abs(e - gradient[i]));
    const most = off.findIndex((e) => Number.isNaN(e) || e === Math.max(...off));
    where = `the gradient of ${formula.inputs[most]} is ${gradient[most]}, by dual numbers ${exact[most]}`;
    if (Number.isNaN(error)) break;
  }
  return { units, worst, where, apart };
}

/**
 * {@link compareExactly} for tests: returns the report where nothing is off by more than rounding.
 *
 * @throws {Error} naming the formula and the input whose gradient is wrong.
 */
export function assertExact(formula: DifferentiableFormula, options: ExactOptions = {}): ExactReport {
  const report = compareExactly(formula, options);
  if (!(report.worst <= EXACT_TOLERANCE)) {
    throw new Error(`${formula.name}: backward is not the derivative of forward: ${report.where}`);
  }
  if (report.apart !== '') throw new Error(`${formula.name}: ${report.apart}`);
  return report;
}

/**
 * Holds the backward formula of a cell to the exact derivative of its forward formula. The parts of a cell with inner
 * gates are composed with a second product of random weights.
 *
 * @throws {Error} naming the cell and the input whose gradient is wrong; {RangeError} where a part gives another number of
 *   values than the cell's description says.
 */
export function checkFormula(cell: Cell, options: ExactOptions = {}): ExactReport {
  return assertExact(formulaOfCell(cell), options);
}

/** One unit of one sequence of a cell with its formula: states from gates, states before and extra parameters. */
export function formulaOfCell(cell: Cell): DifferentiableFormula {
  const { formula, gates, states } = cell;
  if (!formula) throw new TypeError(`cell ${cell.name} has no formula`);
  const { hidden, inner, extra } = cellSizes(cell);
  const program = (part: CellPart) => partProgram({ ...cell, formula }, part);
  const run = <V>(part: CellPart, m: Algebra<V>, arrays: Map<string, V[]>): void => {
    const { outputs, run: runUnit } = program(part);
    const values = runUnit(m, (name, block) => arrays.get(name)![block]);
    for (const [i, { name, first, blocks }] of outputs.entries()) {
      const array = arrays.get(name) ?? [];
      for (let k = 0; k < blocks; k++) array[first + k] = values[i][k];
      arrays.set(name, array);
    }
  };
  const extras = Object.entries(cell.extra ?? {});
  const blocks = (name: string, count: number) => Array.from({ length: count }, (_, k) => `${name}[${k}]`);
  const names = [
    ...blocks('xGates', gates),
    ...blocks('hGates', hidden),
    ...states.map((state) => `previous ${state}`),
    ...extras.flatMap(([name, { blocks: count }]) => blocks(name, count)),
    // The second product, of one unit: innerGates = weight·operand + bias.
    ...blocks('inner weight', inner),
    ...blocks('inner bias', inner),
  ];
  const split = <V>(inputs: readonly V[]): Map<string, V[]> => {
    const arrays = new Map<string, V[]>();
    let at = 0;
    const take = (name: string, count: number): void => {
      arrays.set(name, inputs.slice(at, at + count));
      at += count;
    };
    take('xGates', gates);
    take('hGates', hidden);
    for (const i of states.keys()) take(`previous${i}`, 1);
    for (const [i, [, { blocks: count }]] of extras.entries()) take(`extra${i}`, count);
    take('innerWeight', inner);
    take('innerBias', inner);
    return arrays;
  };
  const runForward = <V>(m: Algebra<V>, inputs: readonly V[]): Map<string, V[]> => {
    const arrays = split(inputs);
    run('forward', m, arrays);
    if (inner > 0) {
      const [operand] = arrays.get('operand')!;
      const biases = arrays.get('innerBias')!;
      const products = arrays.get('innerWeight')!.map((w, k) => m.add(m.mul(w, operand), biases[k]));
      arrays.set('innerGates', products);
      run('innerForward', m, arrays);
    }
    return arrays;
  };
  return {
    name: `cell ${cell.name}`,
    inputs: names,
    forward: (m, inputs) => {
      const arrays = runForward(m, inputs);
      return states.map((_, i) => arrays.get(`states${i}`)![0]);
    },
    backward(inputs, dstates) {
      const arrays = runForward(numberAlgebra, inputs);
      for (const [i, d] of dstates.entries()) arrays.set(`dstates${i}`, [d]);
      const ofInner: number[] = [];
      if (inner > 0) {
        run('innerBackward', numberAlgebra, arrays);
        const dinner = arrays.get('dinnerGates')!;
        const [operand] = arrays.get('operand')!;
        arrays.set('doperand', [sum(dinner.map((d, k) => d * arrays.get('innerWeight')![k]))]);
        ofInner.push(...dinner.map((d) => d * operand), ...dinner);
      }
      run('backward', numberAlgebra, arrays);
      const dx = arrays.get('dxGates')!;
      return [
        ...dx,
        ...(arrays.get('dhGates') ?? dx.slice(0, hidden)),
        ...states.map((_, i) => arrays.get(`dprevious${i}`)?.[0] ?? 0),
        ...Array.from({ length: extra === 0 ? 0 : extras.length }, (_, i) => arrays.get(`dextra${i}`)!).flat(),
        ...ofInner,
      ];
    },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function magnitude(values: readonly number[]): number {
  return values.reduce((total, value) => total + Math.abs(value), 0);
}
