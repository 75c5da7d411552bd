import { assertLength } from '../../check/arrays.ts';
import { describe } from '../../check/describe.ts';
import type { FloatArray } from '../../tensor/shape.ts';
import type { BufferDtype, DeviceBuffer, FloatBuffer, IntBuffer } from './buffers.ts';

type OnBuffer<A> = A extends FloatArray ? FloatBuffer : A extends Int32Array ? IntBuffer : A;

/** A function of `tensor/` or `layers/` on a device's buffers: the same arguments, the same result in the same argument. */
export type OnDevice<Fn> = Fn extends (...args: infer A) => unknown
  ? (...args: { [K in keyof A]: OnBuffer<A[K]> }) => void
  : never;

/**
 * Throws unless each of these arguments holds as many float32 numbers as the product of the sizes. `shape` is how they are
 * called in the docs, e.g. `[M,K]`.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function assertFloats(
  fn: string,
  tensors: Readonly<Record<string, DeviceBuffer | null>>,
  shape: string,
  ...sizes: readonly number[]
): void {
  assertEach(fn, tensors, 'float32', shape, sizes);
}

/** The same for int32 numbers. */
export function assertInts(
  fn: string,
  tensors: Readonly<Record<string, DeviceBuffer>>,
  shape: string,
  ...sizes: readonly number[]
): void {
  assertEach(fn, tensors, 'int32', shape, sizes);
}

/**
 * Throws unless a value is a buffer of a device.
 *
 * @throws {TypeError} naming function, argument and value.
 */
export function assertBuffer(fn: string, arg: string, value: unknown): asserts value is DeviceBuffer {
  const { storage, device, dtype } = (value ?? {}) as Partial<DeviceBuffer>;
  if (typeof storage === 'object' && typeof device === 'object' && typeof dtype === 'string') return;
  throw new TypeError(`${fn}: ${arg} is ${describe(value)}, expected a buffer of a device`);
}

/** Arguments that may be null: a layer without biases, a state that is not learned. */
const OPTIONAL = ['b', 'bias', 'db', 'h0', 'dh0'];

/** An argument that is null, where it may be, is left out. */
function assertEach(
  fn: string,
  tensors: Readonly<Record<string, DeviceBuffer | null>>,
  dtype: BufferDtype,
  shape: string,
  sizes: readonly number[],
): void {
  for (const [arg, tensor] of Object.entries(tensors)) {
    if (tensor === null && OPTIONAL.includes(arg)) continue;
    assertBuffer(fn, arg, tensor);
    assertLength(fn, arg, tensor, shape, ...sizes);
    if (tensor.dtype !== dtype) throw new TypeError(`${fn}: ${arg} holds ${tensor.dtype}, expected ${dtype}`);
  }
}
