import { assertIds, assertLength, assertTensor } from '../check/arrays.ts';
import { addRow, addRowBackward } from '../tensor/add.ts';
import { gatherColumns, gatherColumnsBackward } from '../tensor/gather.ts';
import { matmulNN, matmulNT, matmulTN } from '../tensor/matmul.ts';
import type { FloatArray } from '../tensor/shape.ts';

/**
 * y[r,·] = W·x[r,·] + b for every row: all time steps of a sequence in one product.
 *
 * @param y [R,O], overwritten
 * @param x [R,D]
 * @param W [O,D]
 * @param b [O], or null for none
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function linearForward(
  y: FloatArray,
  x: FloatArray,
  W: FloatArray,
  b: FloatArray | null,
  R: number,
  D: number,
  O: number,
): void {
  assertLength('linearForward', 'y', y, '[R,O]', R, O);
  assertTensor('linearForward', 'x', x, y, '[R,D]', R, D);
  assertTensor('linearForward', 'W', W, y, '[O,D]', O, D);
  if (b) assertTensor('linearForward', 'b', b, y, '[O]', O);
  matmulNT(y, x, W, R, D, O);
  if (b) addRow(y, y, b, R, O);
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
  dx: FloatArray | null,
  dW: FloatArray,
  db: FloatArray | null,
  dy: FloatArray,
  x: FloatArray,
  W: FloatArray,
  R: number,
  D: number,
  O: number,
  addToDx = false,
): void {
  if (dx) assertTensor('linearBackward', 'dx', dx, dW, '[R,D]', R, D);
  assertLength('linearBackward', 'dW', dW, '[O,D]', O, D);
  if (db) assertTensor('linearBackward', 'db', db, dW, '[O]', O);
  assertTensor('linearBackward', 'dy', dy, dW, '[R,O]', R, O);
  assertTensor('linearBackward', 'x', x, dW, '[R,D]', R, D);
  assertTensor('linearBackward', 'W', W, dW, '[O,D]', O, D);
  if (dx) matmulNN(dx, dy, W, R, O, D, addToDx);
  matmulTN(dW, dy, x, O, R, D, true);
  if (db) addRowBackward(db, dy, R, O);
}

/**
 * The same for one-hot rows: y[r,·] = W[·,ids[r]] + b, a gather of columns instead of a product.
 *
 * @param y [R,O], overwritten
 * @param ids [R], each in [0,D)
 * @param W [O,D]
 * @param b [O], or null for none
 * @throws {RangeError} on a length that does not fit or an id out of range, {TypeError} on mixed dtypes.
 */
export function oneHotLinearForward(
  y: FloatArray,
  ids: Int32Array,
  W: FloatArray,
  b: FloatArray | null,
  R: number,
  D: number,
  O: number,
): void {
  assertLength('oneHotLinearForward', 'y', y, '[R,O]', R, O);
  assertTensor('oneHotLinearForward', 'W', W, y, '[O,D]', O, D);
  if (b) assertTensor('oneHotLinearForward', 'b', b, y, '[O]', O);
  assertLength('oneHotLinearForward', 'ids', ids, '[R]', R);
  assertIds('oneHotLinearForward', 'ids', ids, D);
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
  dW: FloatArray,
  db: FloatArray | null,
  dy: FloatArray,
  ids: Int32Array,
  R: number,
  D: number,
  O: number,
): void {
  assertLength('oneHotLinearBackward', 'dW', dW, '[O,D]', O, D);
  if (db) assertTensor('oneHotLinearBackward', 'db', db, dW, '[O]', O);
  assertTensor('oneHotLinearBackward', 'dy', dy, dW, '[R,O]', R, O);
  assertLength('oneHotLinearBackward', 'ids', ids, '[R]', R);
  assertIds('oneHotLinearBackward', 'ids', ids, D);
  gatherColumnsBackward(dW, dy, ids, R, D, O);
  if (db) addRowBackward(db, dy, R, O);
}
