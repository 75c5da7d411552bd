import { expect, it } from 'vitest';
import { assertFinite } from '../../src/check/arrays.ts';

it('assertFinite names the first element that is not finite, as it was given', () => {
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    expect(() => assertFinite('f', 'x', Float64Array.of(1, bad, Number.NaN))).toThrow(
      RangeError(`f: x[1] is ${bad}, expected a finite number`),
    );
  }
  const given = Float64Array.of(0, 1e300);
  expect(() => assertFinite('f', 'x', Float32Array.from(given), given)).toThrow(
    RangeError('f: x[1] is 1e+300, expected a finite number'),
  );
  expect(() => assertFinite('f', 'x', given)).not.toThrow();
  expect(() => assertFinite('f', 'x', new Float32Array(0))).not.toThrow();
});
