import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import type { FloatArray } from './shape.ts';

/**
 * z = x ⊙ y, element by element. `z` may be `x` or `y`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function multiply(z: FloatArray, x: FloatArray, y: FloatArray): void {
  assertFloats('multiply', 'z', z);
  assertLength('multiply', 'x', x, '[n]', z.length);
  assertLength('multiply', 'y', y, '[n]', z.length);
  assertDtype('multiply', 'x', x, z);
  assertDtype('multiply', 'y', y, z);
  for (let i = 0; i < z.length; i++) z[i] = x[i] * y[i];
}

/** dx = dz ⊙ y and dy = dz ⊙ x, for z = x ⊙ y; both overwritten. */
export function multiplyBackward(dx: FloatArray, dy: FloatArray, dz: FloatArray, x: FloatArray, y: FloatArray): void {
  assertFloats('multiplyBackward', 'dx', dx);
  assertLength('multiplyBackward', 'dy', dy, '[n]', dx.length);
  assertLength('multiplyBackward', 'dz', dz, '[n]', dx.length);
  assertLength('multiplyBackward', 'x', x, '[n]', dx.length);
  assertLength('multiplyBackward', 'y', y, '[n]', dx.length);
  assertDtype('multiplyBackward', 'dy', dy, dx);
  assertDtype('multiplyBackward', 'dz', dz, dx);
  assertDtype('multiplyBackward', 'x', x, dx);
  assertDtype('multiplyBackward', 'y', y, dx);
  multiply(dx, dz, y);
  multiply(dy, dz, x);
}

/**
 * y[r,·] = x[r,·] ⊙ s: every row multiplied by the same row. `y` may be `x`.
 *
 * @param y [R,n], overwritten
 * @param x [R,n]
 * @param s [n]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function multiplyRow(y: FloatArray, x: FloatArray, s: FloatArray, rows: number, n: number): void {
  assertLength('multiplyRow', 'y', y, '[R,n]', rows, n);
  assertLength('multiplyRow', 'x', x, '[R,n]', rows, n);
  assertLength('multiplyRow', 's', s, '[n]', n);
  assertDtype('multiplyRow', 'x', x, y);
  assertDtype('multiplyRow', 's', s, y);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) y[r * n + j] = x[r * n + j] * s[j];
  }
}

/**
 * dx[r,·] = dy[r,·] ⊙ s and ds += Σ_r dy[r,·] ⊙ x[r,·], for y[r,·] = x[r,·] ⊙ s.
 *
 * @param dx [R,n], overwritten
 * @param ds [n], added to: a row that scales is a parameter
 * @param dy [R,n]
 */
export function multiplyRowBackward(
  dx: FloatArray,
  ds: FloatArray,
  dy: FloatArray,
  x: FloatArray,
  s: FloatArray,
  rows: number,
  n: number,
): void {
  assertLength('multiplyRowBackward', 'dx', dx, '[R,n]', rows, n);
  assertLength('multiplyRowBackward', 'ds', ds, '[n]', n);
  assertLength('multiplyRowBackward', 'dy', dy, '[R,n]', rows, n);
  assertLength('multiplyRowBackward', 'x', x, '[R,n]', rows, n);
  assertLength('multiplyRowBackward', 's', s, '[n]', n);
  assertDtype('multiplyRowBackward', 'ds', ds, dx);
  assertDtype('multiplyRowBackward', 'dy', dy, dx);
  assertDtype('multiplyRowBackward', 'x', x, dx);
  assertDtype('multiplyRowBackward', 's', s, dx);
  multiplyRow(dx, dy, s, rows, n);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) ds[j] += dy[r * n + j] * x[r * n + j];
  }
}
