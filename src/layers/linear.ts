import { addRow, addRowBackward } from '../tensor/add.ts';
import { expectIds, gatherColumns, gatherColumnsBackward } from '../tensor/gather.ts';
import { matmulNN, matmulNT, matmulTN } from '../tensor/matmul.ts';
import { expectLength, type FloatArray } from '../tensor/shape.ts';
import { expectTensor } from './expect.ts';

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
  expectLength('linearForward', 'y', y, '[R,O]', R, O);
  expectTensor('linearForward', 'x', x, y, '[R,D]', R, D);
  expectTensor('linearForward', 'W', W, y, '[O,D]', O, D);
  if (b) expectTensor('linearForward', 'b', b, y, '[O]', O);
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
  if (dx) expectTensor('linearBackward', 'dx', dx, dW, '[R,D]', R, D);
  expectLength('linearBackward', 'dW', dW, '[O,D]', O, D);
  if (db) expectTensor('linearBackward', 'db', db, dW, '[O]', O);
  expectTensor('linearBackward', 'dy', dy, dW, '[R,O]', R, O);
  expectTensor('linearBackward', 'x', x, dW, '[R,D]', R, D);
  expectTensor('linearBackward', 'W', W, dW, '[O,D]', O, D);
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
  expectLength('oneHotLinearForward', 'y', y, '[R,O]', R, O);
  expectTensor('oneHotLinearForward', 'W', W, y, '[O,D]', O, D);
  if (b) expectTensor('oneHotLinearForward', 'b', b, y, '[O]', O);
  expectLength('oneHotLinearForward', 'ids', ids, '[R]', R);
  expectIds('oneHotLinearForward', 'ids', ids, D);
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
  expectLength('oneHotLinearBackward', 'dW', dW, '[O,D]', O, D);
  if (db) expectTensor('oneHotLinearBackward', 'db', db, dW, '[O]', O);
  expectTensor('oneHotLinearBackward', 'dy', dy, dW, '[R,O]', R, O);
  expectLength('oneHotLinearBackward', 'ids', ids, '[R]', R);
  expectIds('oneHotLinearBackward', 'ids', ids, D);
  gatherColumnsBackward(dW, dy, ids, R, D, O);
  if (db) addRowBackward(db, dy, R, O);
}
