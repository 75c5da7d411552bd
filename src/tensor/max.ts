import { assertDtype, assertFloats, assertIds, assertInts, assertLength } from '../check/arrays.ts';
import { fill } from './detached.ts';
import type { FloatArray } from './shape.ts';

/**
 * y[o,i] = max_a x[o,a,i] and argmax[o,i], the first a that reaches it; x is seen as `[outer, axis, inner]`.
 * A NaN in the axis wins, as in NumPy.
 *
 * @param y [outer,inner], overwritten
 * @param argmax [outer,inner], overwritten
 * @param x [outer,axis,inner], axis ≥ 1
 * @throws {RangeError} on a length that does not fit or an empty axis, {TypeError} on mixed dtypes.
 */
export function maxAxis(
  y: FloatArray,
  argmax: Int32Array,
  x: FloatArray,
  outer: number,
  axis: number,
  inner: number,
): void {
  assertFloats('maxAxis', 'y', y);
  assertInts('maxAxis', 'argmax', argmax);
  assertLength('maxAxis', 'y', y, '[outer,inner]', outer, inner);
  assertLength('maxAxis', 'argmax', argmax, '[outer,inner]', outer, inner);
  assertLength('maxAxis', 'x', x, '[outer,axis,inner]', outer, axis, inner);
  assertDtype('maxAxis', 'x', x, y);
  if (axis < 1) throw new RangeError(`maxAxis: axis is ${axis}, expected at least 1`);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let best = 0;
      let max = x[o * axis * inner + i];
      for (let a = 1; a < axis; a++) {
        const v = x[(o * axis + a) * inner + i];
        if (v > max || (Number.isNaN(v) && !Number.isNaN(max))) {
          best = a;
          max = v;
        }
      }
      y[o * inner + i] = max;
      argmax[o * inner + i] = best;
    }
  }
}

/**
 * dx[o,argmax[o,i],i] = dy[o,i] and 0 elsewhere, for y = maxAxis(x). `dx` is overwritten.
 *
 * @throws {RangeError} on a length that does not fit or an argmax outside of the axis, {TypeError} on mixed dtypes.
 */
export function maxAxisBackward(
  dx: FloatArray,
  dy: FloatArray,
  argmax: Int32Array,
  outer: number,
  axis: number,
  inner: number,
): void {
  assertFloats('maxAxisBackward', 'dx', dx);
  assertInts('maxAxisBackward', 'argmax', argmax);
  assertLength('maxAxisBackward', 'dx', dx, '[outer,axis,inner]', outer, axis, inner);
  assertLength('maxAxisBackward', 'dy', dy, '[outer,inner]', outer, inner);
  assertLength('maxAxisBackward', 'argmax', argmax, '[outer,inner]', outer, inner);
  assertDtype('maxAxisBackward', 'dy', dy, dx);
  assertIds('maxAxisBackward', 'argmax', argmax, axis);
  fill(dx, 0);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const a = argmax[o * inner + i];
      dx[(o * axis + a) * inner + i] = dy[o * inner + i];
    }
  }
}
