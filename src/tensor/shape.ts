import { assertFloats } from '../check/arrays.ts';
import { allocate } from '../check/numbers.ts';
import { assertOneOf } from '../check/values.ts';

/** A flat, row-major tensor; its sizes travel beside it as arguments. */
export type FloatArray = Float32Array | Float64Array;

/** `'float32'` or `'float64'`, the two element types every operation accepts. */
export type Dtype = 'float32' | 'float64';

/** Makes a zeroed array of the given dtype. */
export function zeros(dtype: Dtype, length: number): FloatArray {
  assertOneOf('zeros', 'dtype', dtype, ['float32', 'float64']);
  return allocate<FloatArray>('zeros', 'length', length, dtype === 'float32' ? Float32Array : Float64Array);
}

/** The dtype of an array. */
export function dtypeOf(a: FloatArray): Dtype {
  assertFloats('dtypeOf', 'a', a);
  return a instanceof Float32Array ? 'float32' : 'float64';
}
