import { assertDtype, assertLength } from '../check/arrays.ts';
import { assertFlag } from '../check/values.ts';
import type { FloatArray } from './shape.ts';

/**
 * y[r, offset + j] = x[r,j]: x becomes a block of columns of y; the other columns stay. Two of these concatenate.
 *
 * Backward: {@link takeColumns} of dy.
 *
 * @param y [R,N], its columns offset … offset + n − 1 overwritten
 * @param x [R,n]
 * @throws {RangeError} on a length that does not fit or columns that leave y, {TypeError} on mixed dtypes.
 */
export function placeColumns(y: FloatArray, x: FloatArray, rows: number, N: number, offset: number, n: number): void {
  assertColumns('placeColumns', 'y', y, 'x', x, rows, N, offset, n);
  assertDtype('placeColumns', 'x', x, y);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) y[r * N + offset + j] = x[r * n + j];
  }
}

/**
 * y[r,j] = x[r, offset + j], or y += that when `accumulate` is set: a block of columns of x.
 *
 * Backward: {@link placeColumns} of dy.
 *
 * @param y [R,n], overwritten (or added to)
 * @param x [R,N]
 * @throws {RangeError} on a length that does not fit or columns that leave x, {TypeError} on mixed dtypes.
 */
export function takeColumns(
  y: FloatArray,
  x: FloatArray,
  rows: number,
  N: number,
  offset: number,
  n: number,
  accumulate = false,
): void {
  assertColumns('takeColumns', 'x', x, 'y', y, rows, N, offset, n);
  assertDtype('takeColumns', 'x', x, y);
  assertFlag('takeColumns', 'accumulate', accumulate);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) y[r * n + j] = (accumulate ? y[r * n + j] : 0) + x[r * N + offset + j];
  }
}

/**
 * Throws unless `wide` is [R,N], `narrow` [R,n], and the columns offset … offset + n − 1 lie in `wide`.
 *
 * @throws {RangeError} naming function, argument, what it got and what it wants.
 */
export function assertColumns(
  fn: string,
  wideName: string,
  wide: FloatArray,
  narrowName: string,
  narrow: FloatArray,
  rows: number,
  N: number,
  offset: number,
  n: number,
): void {
  assertLength(fn, wideName, wide, '[R,N]', rows, N);
  assertLength(fn, narrowName, narrow, '[R,n]', rows, n);
  if (!(Number.isInteger(offset) && offset >= 0 && offset + n <= N)) {
    throw new RangeError(
      `${fn}: offset is ${String(offset)}, expected 0 … ${N - n}: ${n} of the ${N} columns of ${wideName}`,
    );
  }
}
