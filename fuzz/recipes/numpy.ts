import ndarray from 'ndarray';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

type View = ReturnType<typeof ndarray>;

const matrix = (r: Random, rows: number, cols: number, low = -3): View =>
  ndarray(
    Float64Array.from({ length: rows * cols }, () => r.between(low, 3)),
    [rows, cols],
  ) as unknown as View;

const one = (low = -3): Recipe => ({ args: (r) => [matrix(r, r.whole(1, 4), r.whole(1, 4), low)] });
const two: Recipe = {
  args(r) {
    const [rows, cols] = [r.whole(1, 4), r.whole(1, 4)];
    return [matrix(r, rows, cols), r.chance(0.3) ? 2 : matrix(r, r.chance(0.3) ? 1 : rows, cols, 0.5)];
  },
};
const inPlace: Recipe = { args: (r) => [matrix(r, 3, 2), r.chance(0.3) ? 2 : matrix(r, r.pick([1, 3]), 2)] };

export const numpy: Recipes = {
  ...{ abs: one(), around: one(), copy: one(), exp: one(), mean: one(), negative: one(), sum: one(), tanh: one() },
  ...{ T: one(), argmax: one(), tolist: one(), zerosLike: one(), log: one(0.1), sqrt: one(0) },
  ...{ add: two, subtract: two, multiply: two, divide: two, iadd: inPlace, isub: inPlace, imul: inPlace },
  array: {
    args: (r) => [
      r.pick<unknown>([
        [1, 2],
        [
          [1, 2],
          [3, 4],
        ],
        [[[1]]],
      ]),
    ],
  },
  zeros: { args: (r) => [r.whole(0, 4), r.whole(0, 4)] },
  clipInPlace: { args: (r) => [matrix(r, 2, 3), -1, 1] },
  row: { args: (r) => [matrix(r, 3, 2), r.whole(0, 2)] },
  column: { args: (r) => [matrix(r, 3, 2), r.whole(0, 1)] },
  copyto: { args: (r) => [matrix(r, 3, 2), matrix(r, r.pick([1, 3]), 2)] },
  dot: { args: (r) => [matrix(r, 3, 2), matrix(r, 2, r.whole(1, 4))] },
  outer: {
    args: (r) =>
      [matrix(r, 1, 3), matrix(r, 1, 2)].map((v) => (v as unknown as { pick(...at: number[]): View }).pick(0)),
  },
  sign: { args: (r) => [r.between(-1, 1)] },
  isclose: { args: () => [1, 1.000001] },
  roundHalfEven: { args: (r) => [r.between(-5, 5)] },
};
