import { RandomState } from 'bptt/tensor';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

/** A method of a stream of random numbers: a call that throws has drawn nothing. */
const method = (args: (r: Random) => unknown[], loose?: RegExp): Recipe => ({
  ...(loose && { loose }),
  args: (r) => [new RandomState(r.whole(0, 1000)), ...args(r)],
  fixed: [0],
  state: ([self]) => (self as RandomState).getState(),
});

const count = (r: Random): unknown[] => (r.chance(0.5) ? [] : [r.whole(0, 30)]);

export const random: Recipes = {
  'RandomState.constructor': {
    args: (r) => [r.pick<unknown>([7, [1, 2, 3], Uint32Array.of(5)])],
    loose: /= (7|NaN|\[1?\]|Float64Array|Symbol)/,
  },
  'RandomState.getState': method(() => []),
  'RandomState.setState': method(() => [new RandomState(3).getState()]),
  'RandomState.randomSample': method(count),
  'RandomState.rand': method(count),
  'RandomState.standardNormal': method(count),
  'RandomState.randn': method(count),
  'RandomState.uniform': method((r) => [-1, 2, ...count(r)]),
  'RandomState.normal': method((r) => [1, 2, ...count(r)]),
  'RandomState.fillUniform': method(() => [new Float64Array(4), 0, 1]),
  'RandomState.fillNormal': method(() => [[0, 0, 0], 0, 1], /\[0\]\[/),
  'RandomState.randint': method((r) => r.pick<unknown[]>([[5], [2, 9], [0, 9, 4], [0, 2 ** 40]])),
  'RandomState.permutation': method((r) => [r.pick<unknown>([5, [1, 2, 3]])], /^\[0\]/),
  'RandomState.shuffle': method((r) => [r.pick<unknown>([[1, 2, 3], Int32Array.of(1, 2, 3, 4)])], /^\[0\]/),
  'RandomState.choice': method(
    (r) => [
      r.pick<unknown>([4, ['a', 'b', 'c', 'd']]),
      ...r.pick<unknown[]>([
        [],
        [{ size: 3 }],
        [{ size: 2, replace: false }],
        [{ size: 2, p: [0.25, 0.25, 0.25, 0.25] }],
      ]),
    ],
    /\[0\]/,
  ),
  'RandomState.multinomial': method(() => [20, [0.2, 0.3, 0.5], 2]),
};
