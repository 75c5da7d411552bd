import { expectLength } from '../../tensor/shape.ts';
import type { BufferDtype, DeviceBuffer } from './buffers.ts';

/**
 * Throws unless `a` holds d0·d1·d2 float32 numbers. `shape` is how the sizes are called in the docs, e.g. `[M,K]`.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function assertFloats(
  fn: string,
  arg: string,
  a: DeviceBuffer,
  shape: string,
  d0: number,
  d1 = 1,
  d2 = 1,
): void {
  expectLength(fn, arg, a, shape, d0, d1, d2);
  expectType(fn, arg, a, 'float32');
}

/** The same for int32 numbers. */
export function assertInts(fn: string, arg: string, a: DeviceBuffer, shape: string, d0: number, d1 = 1): void {
  expectLength(fn, arg, a, shape, d0, d1);
  expectType(fn, arg, a, 'int32');
}

function expectType(fn: string, arg: string, a: DeviceBuffer, dtype: BufferDtype): void {
  if (a.dtype !== dtype) throw new TypeError(`${fn}: ${arg} holds ${a.dtype}, expected ${dtype}`);
}
