import { assertWhole } from './random.ts';

/**
 * Throws unless the elements `from` … `to` − 1 of `values` are whole numbers in [min, max]. Makes no text unless it throws.
 *
 * @throws {RangeError} naming function, argument, index, value and range.
 */
export function assertWholes(
  fn: string,
  arg: string,
  values: ArrayLike<number>,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
  from = 0,
  to: number = values.length,
): void {
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (!Number.isSafeInteger(value) || value < min || value > max) assertWhole(fn, `${arg}[${i}]`, value, min, max);
  }
}
