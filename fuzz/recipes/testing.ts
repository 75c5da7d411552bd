import { elman, squaredError } from 'bptt/layers';
import { formulaOfCell } from 'bptt/testing';
import type { Recipe, Recipes } from '../recipe.ts';

const few = { runs: 1, seed: 1 };
const checking: Partial<Recipe> = { weight: 0.05, subject: /^(cell|loss|checkLayer|checkLoss|checkCell)\b/ };

/** A layer y = a·x, one number wide. */
const layer = {
  sizes: { n: [1, 3] as [number, number] },
  parameters: { x: ['n'] as ['n'] },
  forward: ({ x }: { x: Float64Array }) => x.map((v) => 2 * v),
  backward: (dy: Float64Array) => ({ x: dy.map((v) => 2 * v) }),
};

export const testing: Recipes = {
  arbitrarySizes: { args: () => [{ n: [1, 3] }] },
  arbitraryTensor: { args: () => [4, 'float64'] },
  arbitraryParameters: { args: () => [{ w: ['n'] }, { n: 3 }, 'float64'] },
  arbitraryLengths: { args: () => [3, 2] },
  lengthOf: { args: () => [['n', 'm'], { n: 2, m: 3 }] },
  cellStep: { args: () => [{ ...elman.tanh }], subject: /^cell\b/ },
  formulaOfCell: { args: () => [{ ...elman.tanh }], subject: /^cell\b/ },
  checkCell: { args: () => [{ ...elman.tanh }, few], ...checking },
  checkFormula: { args: () => [{ ...elman.tanh }, { units: 2, seed: 1 }], ...checking },
  checkLoss: { args: () => [{ ...squaredError }, few], ...checking },
  checkLayer: { args: () => [{ ...layer }, few], ...checking },
  assertExact: { args: () => [formulaOfCell(elman.tanh), { units: 2, seed: 1 }], ...checking, fixed: [0] },
  compareExactly: { args: () => [formulaOfCell(elman.tanh), { units: 2, seed: 1 }], ...checking, fixed: [0] },
};
