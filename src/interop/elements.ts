import { BF16, F16, numberOfHalf } from '../bptt/halfFloats.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { FormatError } from './formatError.ts';
import type { ElementType } from './namedArrays.ts';

/** Bytes of one element. */
export const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/**
 * The elements of a tensor as numbers: F32, F16 and BF16 as float32, everything else as float64. All are exact.
 *
 * @param name of the tensor, for the message
 * @param bytes whole elements
 * @throws {FormatError} where the bytes are no whole elements, or a 64-bit integer exceeds 2⁵³.
 */
export function decodeElements(
  fn: string,
  name: string,
  dtype: ElementType,
  bytes: Uint8Array,
  littleEndian = true,
): FloatArray {
  const size = ELEMENT_BYTES[dtype];
  if (bytes.length % size !== 0) {
    throw new FormatError(`${fn}: ${name} has ${bytes.length} bytes, expected a multiple of ${size} for ${dtype}`);
  }
  const count = bytes.length / size;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const half = dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
  const values = half ? new Float32Array(count) : new Float64Array(count);
  const read = READERS[dtype];
  for (let i = 0; i < count; i++) values[i] = read(view, i * size, littleEndian);
  if (dtype === 'I64' && !values.every((value) => Number.isSafeInteger(value))) {
    throw new FormatError(`${fn}: ${name} holds a 64-bit integer beyond 2⁵³`);
  }
  return values;
}

/** The bytes of float32 or float64 numbers, little-endian. */
export function encodeElements(values: FloatArray): Uint8Array {
  const size = values.BYTES_PER_ELEMENT;
  const view = new DataView(new ArrayBuffer(values.byteLength));
  for (let i = 0; i < values.length; i++) {
    if (size === 4) view.setFloat32(i * 4, values[i], true);
    else view.setFloat64(i * 8, values[i], true);
  }
  return new Uint8Array(view.buffer);
}

const READERS: Readonly<Record<ElementType, (view: DataView, at: number, littleEndian: boolean) => number>> = {
  F64: (view, at, little) => view.getFloat64(at, little),
  F32: (view, at, little) => view.getFloat32(at, little),
  F16: (view, at, little) => numberOfHalf(view.getUint16(at, little), F16),
  BF16: (view, at, little) => numberOfHalf(view.getUint16(at, little), BF16),
  I64: (view, at, little) => Number(view.getBigInt64(at, little)),
  I32: (view, at, little) => view.getInt32(at, little),
  I16: (view, at, little) => view.getInt16(at, little),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => view.getUint8(at),
};
