import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { assertFloats, assertInts, assertLength, assertTensor } from '../../src/check/arrays.ts';
import { describe as described, prefix, typeName } from '../../src/check/describe.ts';
import {
  allocate,
  assertNumber,
  assertNumeric,
  assertPositive,
  assertRange,
  assertWhole,
} from '../../src/check/numbers.ts';
import {
  assertAttached,
  assertBytes,
  assertFlag,
  assertFunction,
  assertIterable,
  assertList,
  assertMethods,
  assertNumbers,
  assertObject,
  assertOneOf,
  assertStream,
  assertText,
} from '../../src/check/values.ts';
import { RandomState } from '../../src/tensor/random.ts';

const detached = (): Uint8Array => {
  const bytes = new Uint8Array(3);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
};

it('each helper takes what is right', () => {
  assertFlag('f', 'x', false);
  assertOneOf('f', 'x', 'a', ['a', 'b']);
  assertObject('f', 'x', {});
  assertText('f', 'x', '');
  assertFunction('f', 'x', () => 1);
  for (const list of [[], new Float32Array(0), runInNewContext('[1]'), runInNewContext('new Int32Array(2)')]) {
    assertList('f', 'x', list);
    assertNumbers('f', 'x', list);
    assertIterable('f', 'x', list);
  }
  assertIterable('f', 'x', new Set());
  assertMethods('f', 'x', { read: () => 1 }, ['read'], 'a reader');
  assertStream('f', 'x', new RandomState(0));
  assertBytes('f', 'x', Buffer.from('abc'));
  assertAttached('f', 'x', new Uint8Array(0));
  assertNumber('f', 'x', Infinity);
  assertNumeric('f', 'x', Number.NaN);
  assertPositive('f', 'x', 1e-300);
  assertRange('f', 'x', -1e300);
  assertRange('f', 'x', 0, 0, 1);
  assertWhole('f', 'x', 3, 3, 3);
  assertFloats('f', 'x', new Float64Array(1));
  assertInts('f', 'x', new Int32Array(1));
  assertTensor('f', 'x', new Float32Array(6), new Float32Array(1), '[R,n]', 2, 3);
  expect(allocate('f', 'n', 3, Float64Array)).toEqual(new Float64Array(3));
});

it.each<[string, ErrorConstructor, () => void]>([
  ['f: x is 1, expected true or false', TypeError, () => assertFlag('f', 'x', 1)],
  ["f: x is 'c', expected a, b", RangeError, () => assertOneOf('f', 'x', 'c', ['a', 'b'])],
  ['spec.x is 1n, expected a, b', RangeError, () => assertOneOf('spec.', 'x', 1n, ['a', 'b'])],
  ['f: x is null, expected an object', TypeError, () => assertObject('f', 'x', null)],
  ['f: x is a list, expected an object', TypeError, () => assertObject('f', 'x', [])],
  ['f: x is undefined, expected a text', TypeError, () => assertText('f', 'x', undefined)],
  ['f: x is {}, expected a function', TypeError, () => assertFunction('f', 'x', {})],
  ['f: x is { length }, expected a list', TypeError, () => assertList('f', 'x', { length: 2 })],
  ["f: x is 'abc', expected a list", TypeError, () => assertList('f', 'x', 'abc')],
  ['f: x is a detached Uint8Array, expected one with its memory', TypeError, () => assertList('f', 'x', detached())],
  ['f: x is a detached Uint8Array, expected one with its memory', TypeError, () => assertBytes('f', 'x', detached())],
  ['f: x is Float32Array, expected a Uint8Array', TypeError, () => assertBytes('f', 'x', new Float32Array(1))],
  ["f: x[1] is '2', expected a number", TypeError, () => assertNumbers('f', 'x', [1, '2'])],
  ['f: x is BigInt64Array, expected a list of numbers', TypeError, () => assertNumbers('f', 'x', new BigInt64Array(1))],
  ["f: x is 'ab', expected a list", TypeError, () => assertIterable('f', 'x', 'ab')],
  ['f: x is Map, expected a reader', TypeError, () => assertMethods('f', 'x', new Map(), ['read'], 'a reader')],
  ['f: rng is 3, expected a RandomState, as in new RandomState(0)', TypeError, () => assertStream('f', 'rng', 3)],
  ["f: x is '1', expected a number", TypeError, () => assertNumber('f', 'x', '1')],
  ['f: x is NaN, expected a number', RangeError, () => assertNumber('f', 'x', Number.NaN)],
  ['f: x is 0, expected a finite number > 0', RangeError, () => assertPositive('f', 'x', 0)],
  ['f: x is Infinity, expected a finite number', RangeError, () => assertRange('f', 'x', Infinity)],
  ['f: x is -1, expected a finite number ≥ 0', RangeError, () => assertRange('f', 'x', -1, 0)],
  ['f: x is 1, expected 0 ≤ x < 1', RangeError, () => assertRange('f', 'x', 1, 0, 1)],
  ['f: x is Symbol(s), expected a whole number ≥ 0', RangeError, () => assertWhole('f', 'x', Symbol('s'), 0)],
  ['f: x is 4294967296, expected a whole number from 0 to 9', RangeError, () => assertWhole('f', 'x', 2 ** 32, 0, 9)],
  ['f: n is 1073741824, for which there is no memory', RangeError, () => allocate('f', 'n', 2 ** 30, NoMemory)],
  ['f: x is Array, expected Float32Array or Float64Array', TypeError, () => assertFloats('f', 'x', [1])],
  ['f: x is Float64Array, expected an Int32Array of ids', TypeError, () => assertInts('f', 'x', new Float64Array(1))],
  [
    'f: x is Float64Array of another realm, expected Float32Array or Float64Array',
    TypeError,
    () => assertFloats('f', 'x', runInNewContext('new Float64Array(1)')),
  ],
  ['f: x is undefined, expected [n] = [3]', TypeError, () => assertLength('f', 'x', undefined as never, '[n]', 3)],
  [
    'f: sizes [R,n] = [1,2] must be whole numbers ≥ 0, got 1',
    RangeError,
    () => assertLength('f', 'x', [], '[R,n]', 1n as never, 2),
  ],
])('says %s', (message, Kind, call) => {
  expect(call).toThrow(new Kind(message));
});

/** An array that never finds memory. */
class NoMemory {
  constructor() {
    throw new RangeError('Array buffer allocation failed');
  }
}

it('a value in a message is short', () => {
  expect(described('x'.repeat(100))).toBe(`'${'x'.repeat(60)}…'`);
  expect(described(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, i])))).toMatch(/k7, … }$/);
  expect(described(Object.create(null))).toBe('{}');
  expect(typeName(Object.create(null))).toBe('Object');
  expect(typeName(null)).toBe('null');
  expect([prefix('f'), prefix('spec.')]).toEqual(['f: ', 'spec.']);
});
