import { describe, expect, it } from 'vitest';
import { assertDtype, assertLength } from '../../src/check/arrays.ts';
import { dtypeOf, type FloatArray, zeros } from '../../src/tensor/shape.ts';

describe('zeros and dtypeOf', () => {
  it('make and name both dtypes', () => {
    expect(zeros('float32', 2)).toEqual(new Float32Array(2));
    expect(zeros('float64', 0)).toEqual(new Float64Array(0));
    expect(dtypeOf(zeros('float32', 1))).toBe('float32');
    expect(dtypeOf(zeros('float64', 1))).toBe('float64');
  });
});

describe('assertLength', () => {
  it('accepts the product of the sizes, empty ones too', () => {
    assertLength('f', 'x', new Float64Array(3), '[n]', 3);
    assertLength('f', 'x', new Float64Array(6), '[R,n]', 2, 3);
    assertLength('f', 'x', new Float64Array(24), '[T,B,n]', 2, 3, 4);
    assertLength('f', 'x', new Float64Array(0), '[R,n]', 0, 5);
  });

  it('says what it got and what it wants, in the letters of the docs', () => {
    expect(() => assertLength('gruStepForward', 'x', new Float64Array(7), '[B,D]', 2, 3)).toThrow(
      new RangeError('gruStepForward: x has 7 elements, expected [B,D] = [2,3]'),
    );
    expect(() => assertLength('f', 'x', new Float64Array(7), '[n]', 6)).toThrow(
      new RangeError('f: x has 7 elements, expected [n] = [6]'),
    );
  });

  it.each([
    ['negative sizes whose product fits', 6, [-2, -3], -2],
    ['fractions whose product fits', 3, [1.5, 2], 1.5],
    ['NaN', 0, [Number.NaN, 2], Number.NaN],
    ['infinity', 0, [2, Infinity], Infinity],
    ['a size that is left out', 2, [2, undefined as never], undefined],
  ])('rejects %s', (_, length, [d0, d1], bad) => {
    expect(() => assertLength('f', 'x', new Float64Array(length), '[R,n]', d0, d1)).toThrow(
      new RangeError(`f: sizes [R,n] = [${d0},${d1}] must be whole numbers ≥ 0, got ${bad}`),
    );
  });
});

describe('assertDtype', () => {
  it('accepts equal dtypes', () => {
    assertDtype('f', 'x', new Float32Array(1), new Float32Array(1));
    assertDtype('f', 'x', new Float64Array(1), new Float64Array(1));
  });

  it('rejects mixed dtypes', () => {
    expect(() => assertDtype('f', 'x', new Float32Array(1), new Float64Array(1))).toThrow(
      new TypeError('f: x is Float32Array, expected Float64Array like the output'),
    );
  });

  it.each([
    [[1, 2], 'Array'],
    [Int32Array.of(1), 'Int32Array'],
  ])('rejects what is no float array, even when all agree', (value, name) => {
    const array = value as unknown as FloatArray;
    expect(() => assertDtype('f', 'x', array, array)).toThrow(
      new TypeError(`f: x is ${name}, expected Float32Array or Float64Array`),
    );
  });
});
