import { expectDtype, expectLength, type FloatArray } from './shape.ts';

/**
 * z = x ⊙ y, element by element. `z` may be `x` or `y`.
 *
 * @throws {RangeError} on lengths that differ, {TypeError} on mixed dtypes.
 */
export function multiply(z: FloatArray, x: FloatArray, y: FloatArray): void {
  expectLength('multiply', 'x', x, '[n]', z.length);
  expectLength('multiply', 'y', y, '[n]', z.length);
  expectDtype('multiply', 'x', x, z);
  expectDtype('multiply', 'y', y, z);
  for (let i = 0; i < z.length; i++) z[i] = x[i] * y[i];
}

/** dx = dz ⊙ y and dy = dz ⊙ x, for z = x ⊙ y; both overwritten. */
export function multiplyBackward(dx: FloatArray, dy: FloatArray, dz: FloatArray, x: FloatArray, y: FloatArray): void {
  expectLength('multiplyBackward', 'dy', dy, '[n]', dx.length);
  expectLength('multiplyBackward', 'dz', dz, '[n]', dx.length);
  expectLength('multiplyBackward', 'x', x, '[n]', dx.length);
  expectLength('multiplyBackward', 'y', y, '[n]', dx.length);
  expectDtype('multiplyBackward', 'dy', dy, dx);
  expectDtype('multiplyBackward', 'dz', dz, dx);
  expectDtype('multiplyBackward', 'x', x, dx);
  expectDtype('multiplyBackward', 'y', y, dx);
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
  expectLength('multiplyRow', 'y', y, '[R,n]', rows, n);
  expectLength('multiplyRow', 'x', x, '[R,n]', rows, n);
  expectLength('multiplyRow', 's', s, '[n]', n);
  expectDtype('multiplyRow', 'x', x, y);
  expectDtype('multiplyRow', 's', s, y);
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
  expectLength('multiplyRowBackward', 'dx', dx, '[R,n]', rows, n);
  expectLength('multiplyRowBackward', 'ds', ds, '[n]', n);
  expectLength('multiplyRowBackward', 'dy', dy, '[R,n]', rows, n);
  expectLength('multiplyRowBackward', 'x', x, '[R,n]', rows, n);
  expectLength('multiplyRowBackward', 's', s, '[n]', n);
  expectDtype('multiplyRowBackward', 'ds', ds, dx);
  expectDtype('multiplyRowBackward', 'dy', dy, dx);
  expectDtype('multiplyRowBackward', 'x', x, dx);
  expectDtype('multiplyRowBackward', 's', s, dx);
  multiplyRow(dx, dy, s, rows, n);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) ds[j] += dy[r * n + j] * x[r * n + j];
  }
}
