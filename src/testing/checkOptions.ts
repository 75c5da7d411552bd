import { assertRange, assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFunction } from '../check/values.ts';

/**
 * Throws unless the options of a check are such: counts and seeds whole numbers, tolerances numbers > 0, the rest functions.
 *
 * @throws {RangeError | TypeError} naming function, option and value.
 */
export function assertCheckOptions(fn: string, options: object, known: readonly string[]): void {
  assertOptions(fn, options, known);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (name === 'runs' || name === 'units') assertWhole(fn, name, value, 1, 1_000_000);
    else if (name === 'seed') assertWhole(fn, name, value, 0, 2 ** 32 - 1);
    else if (/tolerance$/i.test(name)) assertRange(fn, name, value, 0);
    else assertFunction(fn, name, value);
  }
}
