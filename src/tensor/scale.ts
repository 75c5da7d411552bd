import { expectDtype, expectLength, type FloatArray } from './shape.ts';

/**
 * y = αx. `y` may be `x`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function scale(y: FloatArray, x: FloatArray, alpha: number): void {
  expectLength('scale', 'x', x, '[n]', y.length);
  expectDtype('scale', 'x', x, y);
  for (let i = 0; i < y.length; i++) y[i] = alpha * x[i];
}

/** dx = α·dy (overwritten), for y = αx; returns dα = Σ dy·x. */
export function scaleBackward(dx: FloatArray, dy: FloatArray, x: FloatArray, alpha: number): number {
  expectLength('scaleBackward', 'dy', dy, '[n]', dx.length);
  expectLength('scaleBackward', 'x', x, '[n]', dx.length);
  expectDtype('scaleBackward', 'dy', dy, dx);
  expectDtype('scaleBackward', 'x', x, dx);
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
  expectLength('addScaled', 'x', x, '[n]', y.length);
  expectDtype('addScaled', 'x', x, y);
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
  expectLength('scaleRows', 'y', y, '[R,n]', rows, n);
  expectLength('scaleRows', 'x', x, '[R,n]', rows, n);
  expectLength('scaleRows', 's', s, '[R]', rows);
  expectDtype('scaleRows', 'x', x, y);
  expectDtype('scaleRows', 's', s, y);
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
  expectLength('scaleRowsBackward', 'dx', dx, '[R,n]', rows, n);
  expectLength('scaleRowsBackward', 'ds', ds, '[R]', rows);
  expectLength('scaleRowsBackward', 'dy', dy, '[R,n]', rows, n);
  expectLength('scaleRowsBackward', 'x', x, '[R,n]', rows, n);
  expectLength('scaleRowsBackward', 's', s, '[R]', rows);
  expectDtype('scaleRowsBackward', 'ds', ds, dx);
  expectDtype('scaleRowsBackward', 'dy', dy, dx);
  expectDtype('scaleRowsBackward', 'x', x, dx);
  expectDtype('scaleRowsBackward', 's', s, dx);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += dy[r * n + j] * x[r * n + j];
    ds[r] = sum;
  }
  scaleRows(dx, dy, s, rows, n);
}
