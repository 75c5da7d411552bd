import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import type { FloatArray } from './shape.ts';

/**
 * y[o,i] = Σ_a x[o,a,i]: the sum along one axis of x seen as `[outer, axis, inner]`.
 * Rows of a matrix `[R,n]`: (R, n, 1). Columns: (1, R, n).
 *
 * @param y [outer,inner], overwritten
 * @param x [outer,axis,inner]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function sumAxis(y: FloatArray, x: FloatArray, outer: number, axis: number, inner: number): void {
  assertLength('sumAxis', 'y', y, '[outer,inner]', outer, inner);
  assertLength('sumAxis', 'x', x, '[outer,axis,inner]', outer, axis, inner);
  assertDtype('sumAxis', 'x', x, y);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let a = 0; a < axis; a++) sum += x[(o * axis + a) * inner + i];
      y[o * inner + i] = sum;
    }
  }
}

/** dx[o,a,i] = dy[o,i] for every a, for y = sumAxis(x). `dx` is overwritten. */
export function sumAxisBackward(dx: FloatArray, dy: FloatArray, outer: number, axis: number, inner: number): void {
  assertLength('sumAxisBackward', 'dx', dx, '[outer,axis,inner]', outer, axis, inner);
  assertLength('sumAxisBackward', 'dy', dy, '[outer,inner]', outer, inner);
  assertDtype('sumAxisBackward', 'dy', dy, dx);
  for (let o = 0; o < outer; o++) {
    for (let a = 0; a < axis; a++) {
      for (let i = 0; i < inner; i++) dx[(o * axis + a) * inner + i] = dy[o * inner + i];
    }
  }
}

/** Σ x², the square of the Euclidean norm; NaN or infinite exactly when x holds such an element or overflows. */
export function sumOfSquares(x: FloatArray): number {
  assertFloats('sumOfSquares', 'x', x);
  // Four sums side by side: one alone would wait for each addition to finish.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const n4 = x.length - (x.length % 4);
  for (let i = 0; i < n4; i += 4) {
    s0 += x[i] * x[i];
    s1 += x[i + 1] * x[i + 1];
    s2 += x[i + 2] * x[i + 2];
    s3 += x[i + 3] * x[i + 3];
  }
  for (let i = n4; i < x.length; i++) s0 += x[i] * x[i];
  return s0 + s1 + (s2 + s3);
}
