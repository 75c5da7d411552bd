import { describe, prefix } from './describe.ts';

/**
 * Throws unless `value` is a whole number in [min, max].
 *
 * @throws {RangeError} naming function, argument, value and range.
 */
export function assertWhole(
  fn: string,
  arg: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return;
  const wanted = max === Number.MAX_SAFE_INTEGER ? `≥ ${min}` : `from ${min} to ${max}`;
  throw new RangeError(`${prefix(fn)}${arg} is ${describe(value)}, expected a whole number ${wanted}`);
}

/**
 * Throws unless the elements `from` … `to` − 1 of `values` are whole numbers in [min, max]. Makes no text unless it throws.
 *
 * @throws {RangeError} naming function, argument, index, value and range.
 */
export function assertWholes(
  fn: string,
  arg: string,
  values: ArrayLike<unknown>,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
  from = 0,
  to: number = values.length,
): void {
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
      assertWhole(fn, `${arg}[${i}]`, value, min, max);
    }
  }
}

/**
 * Throws unless `value` is a finite number in [low, high).
 *
 * @throws {RangeError} naming function, argument, value and range.
 */
export function assertRange(
  fn: string,
  arg: string,
  value: unknown,
  low: number = Number.NEGATIVE_INFINITY,
  high: number = Number.POSITIVE_INFINITY,
): asserts value is number {
  if (Number.isFinite(value) && (value as number) >= low && (value as number) < high) return;
  let wanted = 'a finite number';
  if (high < Number.POSITIVE_INFINITY) wanted = `${low} ≤ ${arg} < ${high}`;
  else if (low > Number.NEGATIVE_INFINITY) wanted = `a finite number ≥ ${low}`;
  throw new RangeError(`${prefix(fn)}${arg} is ${describe(value)}, expected ${wanted}`);
}

/**
 * Throws unless `value` is a finite number above 0.
 *
 * @throws {RangeError} naming function, argument and value.
 */
export function assertPositive(fn: string, arg: string, value: unknown): asserts value is number {
  if (Number.isFinite(value) && (value as number) > 0) return;
  throw new RangeError(`${prefix(fn)}${arg} is ${describe(value)}, expected a finite number > 0`);
}

/**
 * Throws unless `value` is a number above 0, infinity included.
 *
 * @throws {RangeError} naming function, argument and value.
 */
export function assertAboveZero(fn: string, arg: string, value: unknown): asserts value is number {
  if (typeof value === 'number' && value > 0) return;
  throw new RangeError(`${prefix(fn)}${arg} is ${describe(value)}, expected a number > 0`);
}

/**
 * Throws unless `value` is a number of any kind.
 *
 * @throws {TypeError} naming function, argument and value.
 */
export function assertNumeric(fn: string, arg: string, value: unknown): asserts value is number {
  if (typeof value !== 'number') throw new TypeError(`${prefix(fn)}${arg} is ${describe(value)}, expected a number`);
}

/**
 * Throws unless `value` is a number, infinities included, but not NaN.
 *
 * @throws {TypeError} naming function, argument and value.
 */
export function assertNumber(fn: string, arg: string, value: unknown): asserts value is number {
  assertNumeric(fn, arg, value);
  if (Number.isNaN(value)) throw new RangeError(`${prefix(fn)}${arg} is NaN, expected a number`);
}

/**
 * A new array of `length` zeros.
 *
 * @throws {RangeError} naming function, argument and value, where that is no length, or there is no memory for it.
 */
export function allocate<A>(fn: string, arg: string, length: number, Kind: new (length: number) => A): A {
  assertWhole(fn, arg, length, 0, MOST_ELEMENTS);
  try {
    return new Kind(length);
  } catch {
    throw new RangeError(`${fn}: ${arg} is ${length}, for which there is no memory`);
  }
}

/** What an index of 32 bits reaches. */
const MOST_ELEMENTS = 2 ** 31 - 1;
