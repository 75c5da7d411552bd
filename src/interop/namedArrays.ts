import type { FloatArray } from '../tensor/shape.ts';
import { FormatError } from './formatError.ts';

/** The element types of the formats, by the names that safetensors gives them. */
export type ElementType = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** One tensor of a file: row-major, its halves widened to float32, its whole numbers as float64. */
export interface NamedArray {
  shape: number[];
  /** What the file holds. */
  dtype: ElementType;
  values: FloatArray;
}

/** The tensors of a file in its order, by name. */
export type NamedArrays = Record<string, NamedArray>;

/**
 * Adds a tensor to `arrays`.
 *
 * @throws {FormatError} where there is one of that name, or the name is `__proto__`.
 */
export function addArray(fn: string, arrays: NamedArrays, name: string, array: NamedArray): void {
  if (name === '__proto__' || Object.hasOwn(arrays, name)) {
    throw new FormatError(`${fn}: two tensors are called ${JSON.stringify(name)}, or the name is reserved`);
  }
  arrays[name] = array;
}

/**
 * The number of elements of a shape.
 *
 * @throws {FormatError} where a size is no whole number ≥ 0 or the product exceeds 2³².
 */
export function elementCount(fn: string, name: string, shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isInteger(size) || size < 0 || count > 2 ** 32) {
      throw new FormatError(
        `${fn}: ${name} has shape [${shape.join(',')}], expected whole numbers ≥ 0, at most 2³² elements`,
      );
    }
  }
  return count;
}
