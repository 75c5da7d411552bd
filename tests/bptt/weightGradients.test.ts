import { expect, test } from 'vitest';
import { tsKernels } from '../../src/bptt/engine.ts';
import { addWeightGradients, linearGradients } from '../../src/bptt/weightGradients.ts';

// Two rows of y = W·x + b with O = 2 and D = 3, of small whole numbers: every sum is exact.
const dy = Float64Array.of(1, 2, 3, 4);
const x = Float64Array.of(1, 0, 2, 5, 1, 1);

test('the gradients of W and b are added to what is there', () => {
  const dW = Float64Array.of(100, 0, 0, 0, 0, 0);
  const db = Float64Array.of(10, 0);
  const list = linearGradients<Float64Array, Int32Array>(dW, db, dy, { x }, 2, 2, 3);
  addWeightGradients(tsKernels, list);
  // dW[o,d] = Σ_r dy[r,o]·x[r,d]
  expect(Array.from(dW)).toEqual([100 + 1 + 15, 3, 2 + 3, 2 + 20, 4, 4 + 4]);
  expect(Array.from(db)).toEqual([10 + 4, 6]);
});

test('with ids the rows of x are one-hot; without a bias there is one gradient', () => {
  const dW = Float64Array.of(1, 0, 0, 0, 0, 0);
  const list = linearGradients<Float64Array, Int32Array>(dW, null, dy, { ids: Int32Array.of(2, 0) }, 2, 2, 3);
  expect(list).toHaveLength(1);
  addWeightGradients(tsKernels, list);
  expect(Array.from(dW)).toEqual([1 + 3, 0, 1, 4, 0, 2]);
});
