import { describe, prefix, typeName } from './describe.ts';

/** @throws {TypeError} naming function, argument and value, unless it is true or false. */
export function assertFlag(
  fn: string,
  arg: string,
  value: unknown,
  wanted = 'true or false',
): asserts value is boolean {
  if (typeof value !== 'boolean') throw wrong(fn, arg, value, wanted);
}

/** @throws {RangeError} naming function, argument, value and what is allowed, unless it is one of these texts. */
export function assertOneOf(fn: string, arg: string, value: unknown, allowed: readonly string[]): void {
  if (typeof value === 'string' && allowed.includes(value)) return;
  throw new RangeError(`${prefix(fn)}${arg} is ${describe(value)}, expected ${allowed.join(', ')}`);
}

/** @throws {TypeError} naming function, argument and value, unless it is an object that is no list. */
export function assertObject(fn: string, arg: string, value: unknown, wanted = 'an object'): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(fn, arg, value, wanted);
}

/** @throws {TypeError} naming function, argument and value, unless it is a text. */
export function assertText(fn: string, arg: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw wrong(fn, arg, value, 'a text');
}

/** @throws {TypeError} naming function, argument and value, unless it is a function. */
export function assertFunction(fn: string, arg: string, value: unknown, wanted = 'a function'): void {
  if (typeof value !== 'function') throw wrong(fn, arg, value, wanted);
}

/** @throws {TypeError} naming function, argument and value, unless it is a Uint8Array with its memory. */
export function assertBytes(fn: string, arg: string, value: unknown): asserts value is Uint8Array {
  if (!(value instanceof Uint8Array)) throw wrong(fn, arg, value, 'a Uint8Array');
  assertAttached(fn, arg, value);
}

/** @throws {TypeError} naming function and argument, where the memory of a typed array went elsewhere (`transfer`). */
export function assertAttached(fn: string, arg: string, array: ArrayBufferView & { readonly length: number }): void {
  if (array.length > 0) return;
  try {
    new Uint8Array(array.buffer);
  } catch {
    throw new TypeError(`${prefix(fn)}${arg} is a detached ${typeName(array)}, expected one with its memory`);
  }
}

/** @throws {TypeError} naming function, argument and value, unless it is an array or a typed array. */
export function assertList(
  fn: string,
  arg: string,
  value: unknown,
  wanted = 'a list',
): asserts value is ArrayLike<unknown> {
  if (!isList(value)) throw wrong(fn, arg, value, wanted);
  if (ArrayBuffer.isView(value)) assertAttached(fn, arg, value as never);
}

/**
 * @throws {TypeError} naming function, argument, index and value, unless it is an array or typed array that holds numbers
 *   alone.
 */
export function assertNumbers(fn: string, arg: string, value: unknown): asserts value is ArrayLike<number> {
  assertList(fn, arg, value, 'a list of numbers');
  if (typeName(value).startsWith('Big')) throw wrong(fn, arg, value, 'a list of numbers');
  if (ArrayBuffer.isView(value)) return;
  for (let i = 0; i < value.length; i++) {
    if (typeof value[i] !== 'number') throw wrong(fn, `${arg}[${i}]`, value[i], 'a number');
  }
}

/** @throws {TypeError} naming function, argument and value, unless it can be gone through and is no text. */
export function assertIterable(fn: string, arg: string, value: unknown, wanted = 'a list'): void {
  const iterable = typeof value === 'object' && value !== null && Symbol.iterator in value;
  if (!iterable) throw wrong(fn, arg, value, wanted);
}

/** Whether a value is an array, or a typed array of any kind and realm. */
export function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

/** @throws {TypeError} naming function, argument and value, unless it is an object that has methods of these names. */
export function assertMethods(
  fn: string,
  arg: string,
  value: unknown,
  methods: readonly string[],
  wanted: string,
): void {
  const own = value as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof own === 'object' && methods.every((name) => typeof own?.[name] === 'function')) return;
  throw wrong(fn, arg, value, wanted);
}

/** @throws {TypeError} naming function and value, unless it is a stream of random numbers. */
export function assertStream(fn: string, arg: string, value: unknown): void {
  assertMethods(fn, arg, value, ['randomSample', 'randint', 'randn'], 'a RandomState, as in new RandomState(0)');
}

function wrong(fn: string, arg: string, value: unknown, wanted: string): TypeError {
  return new TypeError(`${prefix(fn)}${arg} is ${describe(value)}, expected ${wanted}`);
}
