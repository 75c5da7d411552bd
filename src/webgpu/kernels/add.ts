import { assertBuffer, assertFloats } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, dispatchElementwise, elementwise } from '../device/elementwise.ts';
import { sumAxis } from './sum.ts';

const sum = elementwise('add', { z: 'f32' }, { x: 'f32', y: 'f32' }, {}, 'set_z(i, x(i) + y(i));');

/** z = x + y. `z` may be `x` or `y`. */
export function add(z: FloatBuffer, x: FloatBuffer, y: FloatBuffer): void {
  dispatchAll(sum, { z, x, y });
}

const rowSum = elementwise(
  'addRow',
  { y: 'f32' },
  { x: 'f32', b: 'f32' },
  { n: 'u32' },
  'set_y(i, x(i) + b(i % args.n));',
);

/** y[r,·] = x[r,·] + b: a bias row [n] added to every row of x [R,n]. `y` may be `x`. */
export function addRow(y: FloatBuffer, x: FloatBuffer, b: FloatBuffer, rows: number, n: number): void {
  assertFloats('addRow', { y, x }, '[R,n]', rows, n);
  assertFloats('addRow', { b }, '[n]', n);
  dispatchElementwise(rowSum, { y, x, b }, rows * n, { n });
}

/** db [n] += Σ_r dy[r,·], for y[r,·] = x[r,·] + b with dy [R,n]; dx = dy needs no work. */
export function addRowBackward(db: FloatBuffer, dy: FloatBuffer, rows: number, n: number): void {
  assertBuffer('addRowBackward', 'db', db); // null is no bias elsewhere
  assertFloats('addRowBackward', { db }, '[n]', n);
  assertFloats('addRowBackward', { dy }, '[R,n]', rows, n);
  const sums = db.device.scratch('sum of rows', n);
  sumAxis(sums, dy, 1, rows, n);
  add(db, db, sums);
}
