import { assertLength } from '../../check/arrays.ts';
import type { FloatArray } from '../../tensor/shape.ts';
import type { BufferDtype, DeviceBuffer, FloatBuffer, IntBuffer } from './buffers.ts';

type OnBuffer<A> = A extends FloatArray ? FloatBuffer : A extends Int32Array ? IntBuffer : A;

/** A function of `tensor/` or `layers/` on a device's buffers: the same arguments, the same result in the same argument. */
export type OnDevice<Fn> = Fn extends (...args: infer A) => unknown
  ? (...args: { [K in keyof A]: OnBuffer<A[K]> }) => void
  : never;

/**
 * Throws unless each of these arguments holds d0·d1·d2 float32 numbers. `shape` is how the sizes are called in the docs,
 * e.g. `[M,K]`.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function assertFloats(
  fn: string,
  tensors: Readonly<Record<string, DeviceBuffer | null>>,
  shape: string,
  d0: number,
  d1 = 1,
  d2 = 1,
): void {
  assertEach(fn, tensors, 'float32', shape, d0, d1, d2);
}

/** The same for int32 numbers. */
export function assertInts(
  fn: string,
  tensors: Readonly<Record<string, DeviceBuffer>>,
  shape: string,
  d0: number,
  d1 = 1,
): void {
  assertEach(fn, tensors, 'int32', shape, d0, d1, 1);
}

/** An argument that is null is left out. */
function assertEach(
  fn: string,
  tensors: Readonly<Record<string, DeviceBuffer | null>>,
  dtype: BufferDtype,
  shape: string,
  d0: number,
  d1: number,
  d2: number,
): void {
  for (const [arg, tensor] of Object.entries(tensors)) {
    if (!tensor) continue;
    assertLength(fn, arg, tensor, shape, d0, d1, d2);
    if (tensor.dtype !== dtype) throw new TypeError(`${fn}: ${arg} holds ${tensor.dtype}, expected ${dtype}`);
  }
}
