import { expect, test } from 'vitest';
import { describe } from '../../src/check/describe.ts';
import { assertOptions, nearestName } from '../../src/check/options.ts';

test('assertOptions names the unknown option and the one that was meant', () => {
  const check = (options: unknown) => () => assertOptions('f', options, ['steps', 'batch'], { size: ['batch'] });
  expect(check({ steps: 1, batch: 2 })).not.toThrow();
  expect(check({ stesp: 1 })).toThrow(TypeError('f: unknown option stesp, did you mean steps?'));
  expect(check({ size: 1 })).toThrow(TypeError('f: unknown option size, did you mean batch?'));
  expect(check({ other: 1 })).toThrow(TypeError('f: unknown option other, expected steps, batch'));
  expect(check(null)).toThrow(TypeError('f: options is null, expected an object with steps, batch'));
  expect(check([])).toThrow(TypeError('f: options is a list, expected an object with steps, batch'));
});

test('a hint goes before the plain one', () => {
  const check = () => assertOptions('f', { stesp: 1 }, ['steps'], {}, (name, meant) => `${name} → ${meant}`);
  expect(check).toThrow(TypeError('f: unknown option stesp, stesp → steps'));
});

test('nearestName allows one edit for each three letters', () => {
  expect(nearestName('abcdef', ['abcxef'])).toBe('abcxef');
  expect(nearestName('ab', ['ax'])).toBe(null);
  expect(nearestName('LAYER_SIZE', ['layerSize'])).toBe('layerSize');
});

test('describe', () => {
  const anonymous = (
    () => () =>
      1
  )();
  const named = function ctc(): void {};
  const given: unknown[] = ['a', [1], anonymous, named, null, undefined, 1, { a: 1, b: 2 }, new Float32Array(1)];
  const said = ["'a'", 'a list', 'a function', 'a function ctc', 'null', 'undefined', '1', '{ a, b }', 'Float32Array'];
  expect(given.map(describe)).toEqual(said);
  expect(describe('a'.repeat(61))).toBe(`'${'a'.repeat(60)}…'`);
});
