import { expect, it } from 'vitest';
import { l2Backward, l2Forward } from '../../src/optim/l2.ts';
import { dtypes, from } from './support.ts';

it.each(dtypes)('λ·Σw², and dw += 2λ·w; %s', (dtype) => {
  const w = from(dtype, [1, -2, 3]);
  expect(l2Forward(w, 0.5)).toBe(7);
  const dw = from(dtype, [1, 1, 1]);
  l2Backward(dw, w, 0.5);
  expect(Array.from(dw)).toEqual([2, -1, 4]);
  expect(l2Forward(w, 0)).toBe(0);
});
