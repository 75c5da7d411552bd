import { describe } from '../check/describe.ts';
import { assertRange, assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFlag, assertFunction } from '../check/values.ts';
import type { Cell, CellDescription, CellFormula } from './cell.ts';

/** The fields of a cell: who adds one has to list it, too. */
const FIELDS: Readonly<Record<keyof Cell, true>> = {
  ...{ name: true, gates: true, states: true, savedBlocks: true, savedNames: true, recurrentProduct: true },
  ...{ separateHiddenGradient: true, directHiddenGradient: true, innerGates: true, extra: true, initialBias: true },
  ...{ forward: true, backward: true, innerForward: true, innerBackward: true, formula: true },
};

/** Names that the library gives to parameters. */
const OWN_PARAMETERS = ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh', 'weight_ho', 'bias_ho'];

/**
 * Throws unless a cell's description makes sense and its functions are there; what they do is checked by `checkCell` of
 * `bptt/testing`.
 *
 * @param what the prefix of the message
 * @throws {RangeError | TypeError} naming the field, what it is and what it may be.
 */
export function assertCell(cell: Cell, what = 'cell'): void {
  assertDescription(cell, what);
  assertFunctions(`${what} ${cell.name}`, cell, partNames(cell));
  if (cell.formula !== undefined) assertFormula(cell, what);
}

/**
 * The same for a cell whose loops are still to be made from its formula.
 *
 * @throws as {@link assertCell}.
 */
export function assertFormulaCell(cell: CellDescription & { readonly formula: CellFormula }): void {
  assertDescription(cell, 'cell');
  assertFormula(cell, 'cell');
}

function assertFormula(cell: CellDescription & { readonly formula?: CellFormula }, what: string): void {
  const { name, formula } = cell;
  if (typeof formula !== 'object' || formula === null) {
    throw new TypeError(`${what} ${name}: formula is ${describe(formula)}, expected { ${partNames(cell).join(', ')} }`);
  }
  assertFunctions(`${what} ${name}: formula`, formula, partNames(cell));
}

function partNames({ innerGates = 0 }: CellDescription): readonly string[] {
  return ['forward', 'backward', ...(innerGates > 0 ? ['innerForward', 'innerBackward'] : [])];
}

function assertFunctions(fn: string, from: object, names: readonly string[]): void {
  for (const name of names) assertFunction(fn, name, (from as Readonly<Record<string, unknown>>)[name]);
}

function assertDescription(cell: CellDescription, what: string): void {
  if (typeof cell !== 'object' || cell === null) throw new TypeError(`${what} is ${describe(cell)}, expected a cell`);
  const { name, gates, states, savedBlocks, savedNames, innerGates = 0, extra = {}, initialBias = [] } = cell;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`${what}: name is ${describe(name)}, expected a name`);
  }
  const own = `${what} ${name}`;
  assertOptions(own, cell, Object.keys(FIELDS));
  assertWhole(own, 'gates', gates, 1, 1024);
  assertWhole(own, 'savedBlocks', savedBlocks, 0);
  assertWhole(own, 'innerGates', innerGates, 0);
  for (const flag of ['recurrentProduct', 'separateHiddenGradient', 'directHiddenGradient'] as const) {
    if (cell[flag] !== undefined) assertFlag(own, flag, cell[flag]);
  }
  if (innerGates >= gates) {
    throw new RangeError(`${own}: innerGates is ${innerGates}, expected less than gates ${gates}`);
  }
  if (innerGates > 0 && cell.recurrentProduct === false) {
    throw new RangeError(`${own}: innerGates is ${innerGates}, but recurrentProduct is false`);
  }
  if (!Array.isArray(states) || states[0] !== 'h') {
    throw new RangeError(`${own}: states is ${list(states)}, expected 'h' first`);
  }
  for (const state of [...states, ...Object.keys(extra)]) {
    if (typeof state !== 'string' || !/^[A-Za-z_][A-Za-z_0-9]*$/.test(state) || state in Object.prototype) {
      throw new RangeError(`${own}: ${describe(state)} is no name of a state or parameter`);
    }
  }
  const again = states.find((state, i) => states.indexOf(state) !== i);
  if (again !== undefined) throw new RangeError(`${own}: states has '${again}' twice`);
  const ofStates = states.map((state) => `${state}0`);
  const taken = Object.keys(extra).find((given) => ofStates.includes(given) || OWN_PARAMETERS.includes(given));
  if (taken !== undefined) throw new RangeError(`${own}: the name ${taken} is taken`);
  for (const [given, parameter] of Object.entries(extra)) {
    assertWhole(own, `extra.${given}.blocks`, parameter?.blocks, 1);
  }
  if (!Array.isArray(initialBias) || initialBias.length > gates) {
    const got = Array.isArray(initialBias) ? `has ${initialBias.length} numbers` : `is ${describe(initialBias)}`;
    throw new RangeError(`${own}: initialBias ${got}, expected at most gates ${gates}`);
  }
  for (const [i, value] of initialBias.entries()) assertRange(own, `initialBias[${i}]`, value);
  const named =
    savedNames === undefined || (Array.isArray(savedNames) && savedNames.every((n) => typeof n === 'string'));
  if (!named) throw new TypeError(`${own}: savedNames is ${describe(savedNames)}, expected a list of names`);
  if (savedNames !== undefined && (savedNames.length !== savedBlocks || new Set(savedNames).size !== savedBlocks)) {
    throw new RangeError(
      `${own}: savedNames is ${list(savedNames)}, expected savedBlocks = ${savedBlocks} different names`,
    );
  }
}

/** A list in a message, as JSON writes it. */
function list(values: unknown): string {
  return Array.isArray(values)
    ? `[${values.map((v) => (typeof v === 'string' ? JSON.stringify(v) : describe(v)))}]`
    : describe(values);
}
