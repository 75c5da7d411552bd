import { assertDtype, assertFloats, assertLength } from '../check/arrays.ts';
import type { FloatArray } from './shape.ts';

/**
 * z = x + y. `z` may be `x` or `y`.
 *
 * Backward: dx = dz and dy = dz, so there is nothing to compute.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function add(z: FloatArray, x: FloatArray, y: FloatArray): void {
  assertFloats('add', 'z', z);
  assertLength('add', 'x', x, '[n]', z.length);
  assertLength('add', 'y', y, '[n]', z.length);
  assertDtype('add', 'x', x, z);
  assertDtype('add', 'y', y, z);
  for (let i = 0; i < z.length; i++) z[i] = x[i] + y[i];
}

/**
 * y[r,·] = x[r,·] + b: a bias row added to every row. `y` may be `x`.
 *
 * @param y [R,n], overwritten
 * @param x [R,n]
 * @param b [n]
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function addRow(y: FloatArray, x: FloatArray, b: FloatArray, rows: number, n: number): void {
  assertLength('addRow', 'y', y, '[R,n]', rows, n);
  assertLength('addRow', 'x', x, '[R,n]', rows, n);
  assertLength('addRow', 'b', b, '[n]', n);
  assertDtype('addRow', 'x', x, y);
  assertDtype('addRow', 'b', b, y);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) y[r * n + j] = x[r * n + j] + b[j];
  }
}

/**
 * db += Σ_r dy[r,·], for y[r,·] = x[r,·] + b; dx = dy needs no work.
 *
 * @param db [n], added to: a bias is a parameter
 * @param dy [R,n]
 */
export function addRowBackward(db: FloatArray, dy: FloatArray, rows: number, n: number): void {
  assertLength('addRowBackward', 'db', db, '[n]', n);
  assertLength('addRowBackward', 'dy', dy, '[R,n]', rows, n);
  assertDtype('addRowBackward', 'dy', dy, db);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) db[j] += dy[r * n + j];
  }
}
