import { assertFloats, assertLength } from '../check/arrays.ts';
import { assertWhole, assertWholes } from '../check/numbers.ts';
import { assertList } from '../check/values.ts';
import type { FloatArray } from '../tensor/shape.ts';

/**
 * y[r,ids[r]] = 1, all other elements 0.
 *
 * @param y [R,V], overwritten
 * @param ids [R], each a whole number in [0,V)
 * @throws {RangeError} on a length that does not fit or an id out of range.
 */
export function oneHot(y: FloatArray, ids: ArrayLike<number>, rows: number, vocabulary: number): void {
  const fn = 'oneHot';
  assertFloats(fn, 'y', y);
  assertList(fn, 'ids', ids, 'a list of ids');
  assertWhole(fn, 'rows', rows, 0);
  assertWhole(fn, 'vocabulary', vocabulary, 1);
  assertLength(fn, 'y', y, '[R,V]', rows, vocabulary);
  assertLength(fn, 'ids', ids, '[R]', rows);
  assertWholes(fn, 'ids', ids, 0, vocabulary - 1);
  y.fill(0);
  for (let r = 0; r < rows; r++) y[r * vocabulary + ids[r]] = 1;
}
