import { expectLength } from '../tensor/shape.ts';
import type { BufferDtype, DeviceBuffer } from './buffers.ts';

/**
 * Throws unless `a` is a buffer of d0·d1 elements of that type. `shape` is how the sizes are called in the docs.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function expectBuffer(
  fn: string,
  arg: string,
  a: DeviceBuffer,
  dtype: BufferDtype,
  shape: string,
  d0: number,
  d1 = 1,
  d2 = 1,
): void {
  expectLength(fn, arg, a, shape, d0, d1, d2);
  if (a.dtype !== dtype) throw new TypeError(`${fn}: ${arg} holds ${a.dtype}, expected ${dtype}`);
}
