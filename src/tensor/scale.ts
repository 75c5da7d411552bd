import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import { assertNumber } from '../check/numbers.ts';
import type { FloatArray } from './shape.ts';

/**
 * y = αx. `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function scale(y: FloatArray, x: FloatArray, alpha: number): void {
  assertFloats('scale', 'y', y);
  assertLength('scale', 'x', x, '[n]', y.length);
  assertDtype('scale', 'x', x, y);
  assertNumber('scale', 'alpha', alpha);
  for (let i = 0; i < y.length; i++) y[i] = alpha * x[i];
}

/** dx = α·dy (overwritten), for y = αx; returns dα = Σ dy·x. */
export function scaleBackward(dx: FloatArray, dy: FloatArray, x: FloatArray, alpha: number): number {
  assertFloats('scaleBackward', 'dx', dx);
  assertLength('scaleBackward', 'dy', dy, '[n]', dx.length);
  assertLength('scaleBackward', 'x', x, '[n]', dx.length);
  assertDtype('scaleBackward', 'dy', dy, dx);
  assertDtype('scaleBackward', 'x', x, dx);
  assertNumber('scaleBackward', 'alpha', alpha);
  scale(dx, dy, alpha);
  let dalpha = 0;
  for (let i = 0; i < x.length; i++) dalpha += dy[i] * x[i];
  return dalpha;
}

/**
 * y += αx.
 *
 * Backward: dx = α·dy and the gradient of the old y is dy itself, see {@link scaleBackward}.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function addScaled(y: FloatArray, x: FloatArray, alpha: number): void {
  assertFloats('addScaled', 'y', y);
  assertLength('addScaled', 'x', x, '[n]', y.length);
  assertDtype('addScaled', 'x', x, y);
  assertNumber('addScaled', 'alpha', alpha);
  for (let i = 0; i < y.length; i++) y[i] += alpha * x[i];
}

/**
 * y[r,·] = s[r]·x[r,·]: one factor a row. `y` may be `x`.
 *
 * @param y [R,n], overwritten
 * @param x [R,n]
 * @param s [R]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function scaleRows(y: FloatArray, x: FloatArray, s: FloatArray, rows: number, n: number): void {
  assertLength('scaleRows', 'y', y, '[R,n]', rows, n);
  assertLength('scaleRows', 'x', x, '[R,n]', rows, n);
  assertLength('scaleRows', 's', s, '[R]', rows);
  assertDtype('scaleRows', 'x', x, y);
  assertDtype('scaleRows', 's', s, y);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) y[r * n + j] = s[r] * x[r * n + j];
  }
}

/**
 * dx[r,·] = s[r]·dy[r,·] and ds[r] = Σ_j dy[r,j]·x[r,j], for y[r,·] = s[r]·x[r,·].
 *
 * @param dx [R,n], overwritten
 * @param ds [R], overwritten
 * @param dy [R,n]
 */
export function scaleRowsBackward(
  dx: FloatArray,
  ds: FloatArray,
  dy: FloatArray,
  x: FloatArray,
  s: FloatArray,
  rows: number,
  n: number,
): void {
  assertLength('scaleRowsBackward', 'dx', dx, '[R,n]', rows, n);
  assertLength('scaleRowsBackward', 'ds', ds, '[R]', rows);
  assertLength('scaleRowsBackward', 'dy', dy, '[R,n]', rows, n);
  assertLength('scaleRowsBackward', 'x', x, '[R,n]', rows, n);
  assertLength('scaleRowsBackward', 's', s, '[R]', rows);
  assertDtype('scaleRowsBackward', 'ds', ds, dx);
  assertDtype('scaleRowsBackward', 'dy', dy, dx);
  assertDtype('scaleRowsBackward', 'x', x, dx);
  assertDtype('scaleRowsBackward', 's', s, dx);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += dy[r * n + j] * x[r * n + j];
    ds[r] = sum;
  }
  scaleRows(dx, dy, s, rows, n);
}
