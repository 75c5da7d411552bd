import { elman, squaredError } from 'bptt/layers';
import { formulaOfCell } from 'bptt/testing';
import type { Recipe, Recipes } from '../recipe.ts';

const few = { runs: 1, seed: 1 };
const checking: Partial<Recipe> = { weight: 0.05, subject: /^(cell|loss|checkLayer|checkLoss|checkCell)\b/ };

/** A layer y = 2·x. */
const layer = {
  name: 'twice',
  sizes: { n: [1, 3] as const },
  inputs: { x: ['n'] as const },
  outputs: { y: ['n'] as const },
  forward({ y }: Tensors, _caches: Tensors, { x }: Tensors): void {
    for (let i = 0; i < y.length; i++) y[i] = 2 * x[i];
  },
  backward({ x: dx }: Tensors, _dparameters: Tensors, { y: dy }: Tensors): void {
    for (let i = 0; i < dx.length; i++) dx[i] = 2 * dy[i];
  },
};

type Tensors = Record<string, Float64Array>;

export const testing: Recipes = {
  arbitrarySizes: { args: () => [{ n: [1, 3] }] },
  arbitraryTensor: { args: () => [4, 'float64'] },
  arbitraryParameters: {
    args: () => [{ w: ['n'] }, { n: 3 }, 'float64'],
    subject: /^(arbitraryTensor|lengthOf)\b/,
    loose: /without w|\[0\](\.w)? = (\{\}|\[\])/,
  },
  arbitraryLengths: { args: () => [3, 2] },
  lengthOf: { args: () => [['n', 'm'], { n: 2, m: 3 }], loose: /\[0\] = \[\]/ },
  cellStep: { args: () => [{ ...elman.tanh }], subject: /^cell\b/ },
  formulaOfCell: { args: () => [{ ...elman.tanh }], subject: /^cell\b/ },
  checkCell: { args: () => [{ ...elman.tanh }, few], ...checking },
  checkFormula: { args: () => [{ ...elman.tanh }, { units: 2, seed: 1 }], ...checking },
  checkLoss: { args: () => [{ ...squaredError }, few], ...checking },
  checkLayer: { args: () => [{ ...layer }, few], ...checking },
  assertExact: { args: () => [formulaOfCell(elman.tanh), { units: 2, seed: 1 }], ...checking, fixed: [0] },
  compareExactly: { args: () => [formulaOfCell(elman.tanh), { units: 2, seed: 1 }], ...checking, fixed: [0] },
};
