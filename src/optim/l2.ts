import { assertFloats, assertTensor } from '../check/arrays.ts';
import { assertNumber } from '../check/numbers.ts';
import { addScaled } from '../tensor/scale.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { sumOfSquares } from '../tensor/sum.ts';

/** λ·Σ w²: what L2 regularisation adds to the loss. */
export function l2Forward(w: FloatArray, lambda: number): number {
  assertFloats('l2Forward', 'w', w);
  assertNumber('l2Forward', 'lambda', lambda);
  return lambda * sumOfSquares(w);
}

/** dw += 2λ·w, for loss = λ·Σ w². */
export function l2Backward(dw: FloatArray, w: FloatArray, lambda: number): void {
  assertFloats('l2Backward', 'dw', dw);
  assertTensor('l2Backward', 'w', w, dw, '[n]', dw.length);
  assertNumber('l2Backward', 'lambda', lambda);
  addScaled(dw, w, 2 * lambda);
}
