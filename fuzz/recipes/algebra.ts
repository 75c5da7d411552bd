import { exactly, float32Precision, numberAlgebra, RowAlgebra } from 'bptt/algebra';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

/**
 * Operations on rows that the algebra itself has made: they run for each element of each step, and a row of another's making
 * is refused where formulas are checked, not here.
 */
const operation = (rows: number): Recipe => ({
  args(r: Random) {
    const m = new RowAlgebra(3);
    m.begin();
    return [m, ...Array.from({ length: rows }, () => m.splat(r.between(0.5, 2)))];
  },
  fixed: [0, 1, 2, 3, 4],
});

const unary = ['neg', 'abs', 'sqrt', 'exp', 'log', 'tanh', 'sigmoid'];
const binary = ['add', 'sub', 'mul', 'div', 'max', 'min'];

export const algebra: Recipes = {
  'RowAlgebra.constructor': { args: (r) => [r.whole(1, 8), r.whole(1, 3)] },
  'RowAlgebra.begin': operation(0),
  'RowAlgebra.row': operation(0),
  ...Object.fromEntries(unary.map((name) => [`RowAlgebra.${name}`, operation(1)])),
  ...Object.fromEntries(binary.map((name) => [`RowAlgebra.${name}`, operation(2)])),
  'RowAlgebra.whereGreater': operation(4),
  'RowAlgebra.constant': { args: () => [new RowAlgebra(2), 2], fixed: [0, 1] },
  'RowAlgebra.splat': { args: () => [new RowAlgebra(2), 2], fixed: [0, 1] },
  'RowAlgebra.load': { args: () => [new RowAlgebra(2), new Float64Array(4), 1], fixed: [0, 1, 2] },
  'RowAlgebra.store': {
    args: () => [new RowAlgebra(2), new Float64Array(4), 1, new Float64Array(2)],
    fixed: [0, 1, 2, 3],
  },
  dualAlgebra: { args: () => [numberAlgebra] },
  radiusAlgebra: { args: () => [float32Precision()] },
  float32Precision: { args: () => [{ exp: 2 }, 2 ** -149] },
  exactly: { args: () => [1.5] },
  isWithin: { args: () => [exactly(1), 1] },
};
