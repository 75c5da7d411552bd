/** A flat, row-major tensor; its sizes travel beside it as arguments. */
export type FloatArray = Float32Array | Float64Array;

/** `'float32'` or `'float64'`, the two element types every operation accepts. */
export type Dtype = 'float32' | 'float64';

/** Makes a zeroed array of the given dtype. */
export function zeros(dtype: Dtype, length: number): FloatArray {
  return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
}

/** The dtype of an array. */
export function dtypeOf(a: FloatArray): Dtype {
  return a instanceof Float32Array ? 'float32' : 'float64';
}
