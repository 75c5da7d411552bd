import { expect, it } from 'vitest';
import { assertWholes } from '../../src/check/numbers.ts';

it('assertWholes names the first element that is no whole number of the range', () => {
  const values = [0, 3, -1, 4, 1.5, Number.NaN];
  expect(() => assertWholes('f', 'ids', values, 0, 3)).toThrow(
    RangeError('f: ids[2] is -1, expected a whole number from 0 to 3'),
  );
  for (const [from, bad] of [
    [3, 4],
    [4, 1.5],
    [5, Number.NaN],
  ]) {
    expect(() => assertWholes('f', 'ids', values, -1, 3, from)).toThrow(`f: ids[${from}] is ${bad}, expected`);
  }
  expect(() => assertWholes('f', 'ids', values, 0, 3, 0, 2)).not.toThrow();
  expect(() => assertWholes('f', 'ids', values, 0, undefined, 3, 4)).not.toThrow();
  expect(() => assertWholes('f', 'ids', [], 0)).not.toThrow();
});
