import { assertDtype, assertIds, assertLength } from '../check/arrays.ts';
import type { FloatArray } from './shape.ts';

/**
 * y[r,·] = table[ids[r],·]: the product of one-hot rows with a table `[V,n]`, without the product.
 *
 * @param y [R,n], overwritten
 * @param table [V,n]
 * @param ids [R], each in [0,V)
 * @throws {RangeError} on a length that does not fit or an id out of range, {TypeError} on mixed dtypes.
 */
export function gatherRows(
  y: FloatArray,
  table: FloatArray,
  ids: Int32Array,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertLength('gatherRows', 'y', y, '[R,n]', rows, n);
  assertLength('gatherRows', 'table', table, '[V,n]', vocabulary, n);
  assertLength('gatherRows', 'ids', ids, '[R]', rows);
  assertDtype('gatherRows', 'table', table, y);
  assertIds('gatherRows', 'ids', ids, vocabulary);
  for (let r = 0; r < rows; r++) {
    const from = ids[r] * n;
    for (let j = 0; j < n; j++) y[r * n + j] = table[from + j];
  }
}

/**
 * dtable[ids[r],·] += dy[r,·], for y = gatherRows(table, ids): a scatter that adds, since ids may repeat.
 *
 * @param dtable [V,n], added to
 * @param dy [R,n]
 * @param ids [R]
 */
export function gatherRowsBackward(
  dtable: FloatArray,
  dy: FloatArray,
  ids: Int32Array,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertLength('gatherRowsBackward', 'dtable', dtable, '[V,n]', vocabulary, n);
  assertLength('gatherRowsBackward', 'dy', dy, '[R,n]', rows, n);
  assertLength('gatherRowsBackward', 'ids', ids, '[R]', rows);
  assertDtype('gatherRowsBackward', 'dy', dy, dtable);
  assertIds('gatherRowsBackward', 'ids', ids, vocabulary);
  for (let r = 0; r < rows; r++) {
    const to = ids[r] * n;
    for (let j = 0; j < n; j++) dtable[to + j] += dy[r * n + j];
  }
}

/**
 * y[r,·] = W[·,ids[r]]: the same for weights `[n,V]`, as `weight_ih` is stored: column `ids[r]` becomes row r.
 *
 * @param y [R,n], overwritten
 * @param w [n,V]
 * @param ids [R], each in [0,V)
 * @throws {RangeError} on a length that does not fit or an id out of range, {TypeError} on mixed dtypes.
 */
export function gatherColumns(
  y: FloatArray,
  w: FloatArray,
  ids: Int32Array,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertLength('gatherColumns', 'y', y, '[R,n]', rows, n);
  assertLength('gatherColumns', 'w', w, '[n,V]', n, vocabulary);
  assertLength('gatherColumns', 'ids', ids, '[R]', rows);
  assertDtype('gatherColumns', 'w', w, y);
  assertIds('gatherColumns', 'ids', ids, vocabulary);
  for (let r = 0; r < rows; r++) {
    const id = ids[r];
    for (let j = 0; j < n; j++) y[r * n + j] = w[j * vocabulary + id];
  }
}

/**
 * dW[·,ids[r]] += dy[r,·], for y = gatherColumns(W, ids).
 *
 * @param dw [n,V], added to
 * @param dy [R,n]
 * @param ids [R]
 */
export function gatherColumnsBackward(
  dw: FloatArray,
  dy: FloatArray,
  ids: Int32Array,
  rows: number,
  vocabulary: number,
  n: number,
): void {
  assertLength('gatherColumnsBackward', 'dw', dw, '[n,V]', n, vocabulary);
  assertLength('gatherColumnsBackward', 'dy', dy, '[R,n]', rows, n);
  assertLength('gatherColumnsBackward', 'ids', ids, '[R]', rows);
  assertDtype('gatherColumnsBackward', 'dy', dy, dw);
  assertIds('gatherColumnsBackward', 'ids', ids, vocabulary);
  for (let r = 0; r < rows; r++) {
    const id = ids[r];
    for (let j = 0; j < n; j++) dw[j * vocabulary + id] += dy[r * n + j];
  }
}
