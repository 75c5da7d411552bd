import { assertDtype, assertLength, type FloatArray } from '../tensor/shape.ts';

/**
 * Throws unless `a` holds d0·d1 elements and has the dtype of `like`, the first output of the call.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function assertTensor(
  fn: string,
  arg: string,
  a: FloatArray,
  like: FloatArray,
  shape: string,
  d0: number,
  d1 = 1,
): void {
  assertLength(fn, arg, a, shape, d0, d1);
  assertDtype(fn, arg, a, like);
}
