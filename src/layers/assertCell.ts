import { describe } from '../check/describe.ts';
import { assertOptions } from '../check/options.ts';
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
  assertFunctions(`${what} ${cell.name}:`, cell, partNames(cell));
}

/**
 * The same for a cell whose loops are still to be made from its formula.
 *
 * @throws as {@link assertCell}.
 */
export function assertFormulaCell(cell: CellDescription & { readonly formula: CellFormula }): void {
  assertDescription(cell, 'cell');
  const { name, formula } = cell;
  if (typeof formula !== 'object' || formula === null) {
    throw new TypeError(`cell ${name}: formula is ${describe(formula)}, expected { ${partNames(cell).join(', ')} }`);
  }
  assertFunctions(`cell ${name}: formula:`, formula, partNames(cell));
}

function partNames({ innerGates = 0 }: CellDescription): readonly string[] {
  return ['forward', 'backward', ...(innerGates > 0 ? ['innerForward', 'innerBackward'] : [])];
}

function assertFunctions(prefix: string, from: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (from as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'function') {
      throw new TypeError(`${prefix} ${name} is ${describe(value)}, expected a function`);
    }
  }
}

function assertDescription(cell: CellDescription, what: string): void {
  if (typeof cell !== 'object' || cell === null) throw new TypeError(`${what} is ${describe(cell)}, expected a cell`);
  const { name, gates, states, savedBlocks, savedNames, innerGates = 0, extra = {}, initialBias = [] } = cell;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`${what}: name is ${describe(name)}, expected a name`);
  }
  const own = `${what} ${name}`;
  assertOptions(own, cell, Object.keys(FIELDS));
  const count = (field: string, value: unknown, low: number): void => {
    if (!Number.isInteger(value) || (value as number) < low) {
      throw new RangeError(`${own}: ${field} is ${describe(value)}, expected a whole number ≥ ${low}`);
    }
  };
  count('gates', gates, 1);
  count('savedBlocks', savedBlocks, 0);
  count('innerGates', innerGates, 0);
  for (const flag of ['recurrentProduct', 'separateHiddenGradient', 'directHiddenGradient'] as const) {
    const value = cell[flag];
    if (value !== undefined && typeof value !== 'boolean') {
      throw new TypeError(`${own}: ${flag} is ${describe(value)}, expected true or false`);
    }
  }
  if (innerGates >= gates) {
    throw new RangeError(`${own}: innerGates is ${innerGates}, expected less than gates ${gates}`);
  }
  if (innerGates > 0 && cell.recurrentProduct === false) {
    throw new RangeError(`${own}: innerGates is ${innerGates}, but recurrentProduct is false`);
  }
  if (!Array.isArray(states) || states[0] !== 'h') {
    throw new RangeError(`${own}: states is ${JSON.stringify(states)}, expected 'h' first`);
  }
  for (const state of [...states, ...Object.keys(extra)]) {
    if (typeof state !== 'string' || !/^[A-Za-z_][A-Za-z_0-9]*$/.test(state) || state in Object.prototype) {
      throw new RangeError(`${own}: ${JSON.stringify(state)} is no name of a state or parameter`);
    }
  }
  const again = states.find((state, i) => states.indexOf(state) !== i);
  if (again !== undefined) throw new RangeError(`${own}: states has '${again}' twice`);
  const ofStates = states.map((state) => `${state}0`);
  const taken = Object.keys(extra).find((given) => ofStates.includes(given) || OWN_PARAMETERS.includes(given));
  if (taken !== undefined) throw new RangeError(`${own}: the name ${taken} is taken`);
  for (const [given, parameter] of Object.entries(extra)) count(`extra.${given}.blocks`, parameter?.blocks, 1);
  if (!Array.isArray(initialBias) || initialBias.length > gates) {
    const got = Array.isArray(initialBias) ? `has ${initialBias.length} numbers` : `is ${describe(initialBias)}`;
    throw new RangeError(`${own}: initialBias ${got}, expected at most gates ${gates}`);
  }
  if (savedNames !== undefined && (savedNames.length !== savedBlocks || new Set(savedNames).size !== savedBlocks)) {
    throw new RangeError(
      `${own}: savedNames is ${JSON.stringify(savedNames)}, expected savedBlocks = ${savedBlocks} different names`,
    );
  }
}
