import { addRow, addRowBackward } from './add.ts';
import type { FloatBuffer, IntBuffer } from './buffers.ts';
import { expectFloats } from './expect.ts';
import { gatherColumns, gatherColumnsBackward } from './gather.ts';
import { matmulNN, matmulTN } from './matmul.ts';
import { matmul } from './matmulKernels.ts';

/**
 * y[r,·] = W·x[r,·] + b for every row, in one dispatch.
 *
 * @param y [R,O], overwritten
 * @param x [R,D]
 * @param W [O,D]
 * @param b [O], or null for none
 * @throws {RangeError} on a length that does not fit.
 */
export function linearForward(
  y: FloatBuffer,
  x: FloatBuffer,
  W: FloatBuffer,
  b: FloatBuffer | null,
  R: number,
  D: number,
  O: number,
): void {
  matmul('linearForward', 'NT', y, x, W, R, D, O, { bias: b });
}

/**
 * dx = dy·W, dW += dyᵀ·x, db += Σ_r dy[r,·], for y = x·Wᵀ + b.
 *
 * @param dx [R,D], overwritten (or added to when `addToDx` is set); null where the input needs no gradient
 * @param dW [O,D], added to
 * @param db [O], added to; null for none
 * @param dy [R,O]
 */
export function linearBackward(
  dx: FloatBuffer | null,
  dW: FloatBuffer,
  db: FloatBuffer | null,
  dy: FloatBuffer,
  x: FloatBuffer,
  W: FloatBuffer,
  R: number,
  D: number,
  O: number,
  addToDx = false,
): void {
  if (dx) expectFloats('linearBackward', 'dx', dx, '[R,D]', R, D);
  expectFloats('linearBackward', 'dW', dW, '[O,D]', O, D);
  if (db) expectFloats('linearBackward', 'db', db, '[O]', O);
  expectFloats('linearBackward', 'dy', dy, '[R,O]', R, O);
  expectFloats('linearBackward', 'x', x, '[R,D]', R, D);
  expectFloats('linearBackward', 'W', W, '[O,D]', O, D);
  if (dx) matmulNN(dx, dy, W, R, O, D, addToDx);
  matmulTN(dW, dy, x, O, R, D, true);
  if (db) addRowBackward(db, dy, R, O);
}

/**
 * The same for one-hot rows: y[r,·] = W[·,ids[r]] + b, a gather of columns instead of a product.
 *
 * @param y [R,O], overwritten; NaN where an id is not in [0,D)
 * @param ids [R], each in [0,D)
 * @param W [O,D]
 * @param b [O], or null for none
 * @throws {RangeError} on a length that does not fit.
 */
export function oneHotLinearForward(
  y: FloatBuffer,
  ids: IntBuffer,
  W: FloatBuffer,
  b: FloatBuffer | null,
  R: number,
  D: number,
  O: number,
): void {
  if (b) expectFloats('oneHotLinearForward', 'b', b, '[O]', O);
  gatherColumns(y, W, ids, R, D, O);
  if (b) addRow(y, y, b, R, O);
}

/**
 * dW[·,ids[r]] += dy[r,·], db += Σ_r dy[r,·], for y[r,·] = W[·,ids[r]] + b.
 *
 * @param dW [O,D], added to
 * @param db [O], added to; null for none
 * @param dy [R,O]
 */
export function oneHotLinearBackward(
  dW: FloatBuffer,
  db: FloatBuffer | null,
  dy: FloatBuffer,
  ids: IntBuffer,
  R: number,
  D: number,
  O: number,
): void {
  if (db) expectFloats('oneHotLinearBackward', 'db', db, '[O]', O);
  gatherColumnsBackward(dW, dy, ids, R, D, O);
  if (db) addRowBackward(db, dy, R, O);
}
