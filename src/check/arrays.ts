import type { FloatArray } from '../tensor/shape.ts';
import { typeName } from './describe.ts';
import { assertAttached } from './values.ts';

/**
 * Throws unless `a` holds exactly as many elements as the product of the sizes. `shape` is how they are called in the docs,
 * e.g. `[M,K]`.
 *
 * @throws {RangeError | TypeError} naming function, argument, the length it got and the shape it wants.
 */
export function assertLength(
  fn: string,
  arg: string,
  a: { readonly length: number },
  shape: string,
  ...sizes: readonly number[]
): void {
  let length = 1;
  // What is no number may not even be multiplied.
  for (let i = 0; i < sizes.length; i++) length = isSize(sizes[i]) ? length * sizes[i] : Number.NaN;
  if (a?.length !== length) throw lengthError(fn, arg, a, shape, sizes);
}

function isSize(s: number): boolean {
  return Number.isInteger(s) && s >= 0;
}

function lengthError(
  fn: string,
  arg: string,
  a: { readonly length: number },
  shape: string,
  sizes: readonly number[],
): RangeError | TypeError {
  const told = `${shape} = [${sizes.map(String)}]`;
  const bad = sizes.map(isSize).indexOf(false);
  if (bad >= 0) return new RangeError(`${fn}: sizes ${told} must be whole numbers ≥ 0, got ${String(sizes[bad])}`);
  if (a?.length >= 0) return new RangeError(`${fn}: ${arg} has ${a.length} elements, expected ${told}`);
  return dtypeError(fn, arg, a, told);
}

/**
 * Throws unless `a` has the dtype of `like`, the first output of the call.
 *
 * @throws {TypeError} naming function, argument, and both dtypes.
 */
export function assertDtype(fn: string, arg: string, a: FloatArray, like: FloatArray): void {
  if (a?.constructor === like?.constructor && isFloats(a)) return;
  assertFloats(fn, arg, a);
  assertFloats(fn, 'the output', like);
  throw dtypeError(fn, arg, a, `${typeName(like)} like the output`);
}

/**
 * Throws unless `a` is a Float32Array or Float64Array.
 *
 * @throws {TypeError} naming function, argument and what it got.
 */
export function assertFloats(fn: string, arg: string, a: unknown): asserts a is FloatArray {
  if (!isFloats(a)) throw dtypeError(fn, arg, a, 'Float32Array or Float64Array');
}

/**
 * Throws unless every element is finite.
 *
 * @param given what the elements were made from, for the message
 * @throws {RangeError} naming function, argument, position and the number there.
 */
export function assertFinite(fn: string, arg: string, values: FloatArray, given: FloatArray = values): void {
  assertAttached(fn, arg, values);
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new RangeError(`${fn}: ${arg}[${bad}] is ${given[bad]}, expected a finite number`);
}

/**
 * Throws unless `a` is an Int32Array.
 *
 * @throws {TypeError} naming function, argument and what it got.
 */
export function assertInts(fn: string, arg: string, a: unknown): asserts a is Int32Array {
  if (!(a instanceof Int32Array)) throw new TypeError(`${fn}: ${arg} is ${typeName(a)}, expected an Int32Array of ids`);
}

/** Ids in the fewest bytes that hold them. */
export type IdArray = Uint8Array | Uint16Array | Int32Array;

/**
 * Throws unless `a` is an array of ids of one of these kinds.
 *
 * @throws {TypeError} naming function, argument and what it got.
 */
export function assertIdArray(fn: string, arg: string, a: unknown): asserts a is IdArray {
  if (a instanceof Int32Array || a instanceof Uint16Array || a instanceof Uint8Array) return;
  throw new TypeError(`${fn}: ${arg} is ${typeName(a)}, expected an Int32Array, Uint16Array or Uint8Array of ids`);
}

function isFloats(a: unknown): a is FloatArray {
  return a instanceof Float32Array || a instanceof Float64Array;
}

/** An array of another realm (a frame, a context of Node's) has the name that is wanted, but another class. */
function dtypeError(fn: string, arg: string, a: unknown, wanted: string): TypeError {
  const name = typeName(a);
  const realm = !isFloats(a) && /^Float[36]/.test(name) ? ' of another realm' : '';
  return new TypeError(`${fn}: ${arg} is ${name + realm}, expected ${wanted}`);
}

/**
 * Throws unless `a` holds as many elements as the product of the sizes and has the dtype of `like`, the first output of the
 * call.
 *
 * @throws {RangeError | TypeError} naming function, argument, what it got and what it wants.
 */
export function assertTensor(
  fn: string,
  arg: string,
  a: FloatArray,
  like: FloatArray,
  shape: string,
  ...sizes: readonly number[]
): void {
  assertLength(fn, arg, a, shape, ...sizes);
  assertDtype(fn, arg, a, like);
}

/**
 * Throws unless every id is a whole number in [0, n). One pass, so callers check a batch once and gather often.
 *
 * @throws {RangeError} naming function, position, the id and the range.
 */
export function assertIds(fn: string, arg: string, ids: ArrayLike<number>, n: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!(id >= 0 && id < n && Number.isInteger(id))) {
      throw new RangeError(
        `${fn}: ${arg}[${i}] is ${typeof id === 'number' ? id : typeName(id)}, expected 0 … ${n - 1}`,
      );
    }
  }
}
