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

/**
 * Throws unless `a` holds exactly d0·d1·d2 elements. `shape` is how the sizes are called in the docs, e.g. `[M,K]`.
 *
 * @throws {RangeError} naming function, argument, the length it got and the shape it wants.
 */
export function assertLength(
  fn: string,
  arg: string,
  a: { readonly length: number },
  shape: string,
  d0: number,
  d1 = 1,
  d2 = 1,
): void {
  if (a.length !== d0 * d1 * d2 || !isSize(d0) || !isSize(d1) || !isSize(d2))
    throw lengthError(fn, arg, a, shape, [d0, d1, d2]);
}

function isSize(s: number): boolean {
  return Number.isInteger(s) && s >= 0;
}

function lengthError(
  fn: string,
  arg: string,
  a: { readonly length: number },
  shape: string,
  sizes: number[],
): RangeError {
  const named = sizes.slice(0, shape.split(',').length);
  const bad = named.find((s) => !isSize(s));
  if (bad !== undefined) {
    return new RangeError(`${fn}: sizes ${shape} = [${named.join(',')}] must be whole numbers ≥ 0, got ${bad}`);
  }
  return new RangeError(`${fn}: ${arg} has ${a.length} elements, expected ${shape} = [${named.join(',')}]`);
}

/**
 * Throws unless `a` has the dtype of `like`, the first output of the call.
 *
 * @throws {TypeError} naming function, argument, and both dtypes.
 */
export function assertDtype(fn: string, arg: string, a: FloatArray, like: FloatArray): void {
  if (a.constructor !== like.constructor) {
    throw new TypeError(`${fn}: ${arg} is ${typeName(a)}, expected ${typeName(like)} like the output`);
  }
  if (!(a instanceof Float32Array || a instanceof Float64Array)) {
    throw new TypeError(`${fn}: ${arg} is ${typeName(a)}, expected Float32Array or Float64Array`);
  }
}

function typeName(a: unknown): string {
  return (a as object | null)?.constructor?.name ?? String(a);
}
