import fc from 'fast-check';
import { describe, it } from 'vitest';
import { cosOf, sinOf } from '../../src/tensor/sin.ts';
import { anySize, evenly, expectAccurate } from './accuracy.ts';
import * as exact from './bigReal.ts';

describe.each([
  { f: sinOf, of: exact.sin },
  { f: cosOf, of: exact.cos },
])('$f.name', ({ f, of }) => {
  it.each([
    ['over two turns', evenly(-4 * Math.PI, 4 * Math.PI)],
    [
      'where it vanishes',
      fc.integer({ min: -8, max: 8 }).chain((n) => evenly((n * Math.PI) / 2 - 1e-6, (n * Math.PI) / 2 + 1e-6)),
    ],
    ['of small numbers', anySize(-1074, -1)],
  ])('is within 0.85 ulp, %s', (_, x) => {
    expectAccurate(f, of, fc.tuple(x), 0.85);
  });
});
