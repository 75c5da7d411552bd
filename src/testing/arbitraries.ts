import fc from 'fast-check';
import { assertWhole } from '../check/numbers.ts';
import { assertList, assertObject, assertOneOf } from '../check/values.ts';
import { RandomState } from '../tensor/random.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';

/** The least and the most that a size may be. */
export type SizeRange = readonly [min: number, max: number];

/** A shape as the letters of its sizes: `['B', 'H']`. */
export type Shape<S extends string> = readonly S[];

/** A value for each letter, small ones first to be found when something fails. */
export function arbitrarySizes<S extends string>(
  ranges: Readonly<Record<S, SizeRange>>,
): fc.Arbitrary<Record<S, number>> {
  assertSizeRanges('arbitrarySizes', ranges);
  const letters = Object.entries<SizeRange>(ranges).map(([letter, [min, max]]) => [letter, fc.integer({ min, max })]);
  return fc.record(Object.fromEntries(letters)) as fc.Arbitrary<Record<S, number>>;
}

/**
 * A tensor of `length` normal numbers. It does not shrink number by number, which would only lead to zeros and hide what a
 * gradient does: the seed shrinks, and with it nothing but the case.
 */
export function arbitraryTensor(length: number, dtype: Dtype = 'float64'): fc.Arbitrary<FloatArray> {
  assertWhole('arbitraryTensor', 'length', length, 0, MOST_SIZE);
  assertOneOf('arbitraryTensor', 'dtype', dtype, ['float32', 'float64']);
  return fc.nat({ max: 2 ** 31 - 1 }).map((seed) => {
    const values = zeros(dtype, length);
    values.set(new RandomState(seed).randn(length));
    return values;
  });
}

/** Tensors by name, of these shapes at these sizes. */
export function arbitraryParameters<S extends string>(
  shapes: Readonly<Record<string, Shape<S>>>,
  sizes: Readonly<Record<S, number>>,
  dtype: Dtype = 'float64',
): fc.Arbitrary<Record<string, FloatArray>> {
  const fn = 'arbitraryParameters';
  assertOneOf(fn, 'dtype', dtype, ['float32', 'float64']);
  assertObject(fn, 'shapes', shapes, 'shapes by name');
  for (const [name, shape] of Object.entries<Shape<S>>(shapes)) assertShape(fn, `shapes.${name}`, shape, sizes);
  const tensors = Object.entries<Shape<S>>(shapes).map(([name, shape]) => [
    name,
    arbitraryTensor(lengthOf(shape, sizes), dtype),
  ]);
  return fc.record(Object.fromEntries(tensors)) as fc.Arbitrary<Record<string, FloatArray>>;
}

/** Lengths [B] of sequences in a window of T steps, from 0 to T, unsorted; at least one sequence has a step. */
export function arbitraryLengths(T: number, B: number): fc.Arbitrary<number[]> {
  assertWhole('arbitraryLengths', 'T', T, 1, MOST_SIZE);
  assertWhole('arbitraryLengths', 'B', B, 1, MOST_SIZE);
  return fc
    .array(fc.integer({ min: 0, max: T }), { minLength: B, maxLength: B })
    .map((lengths) => (lengths.some((length) => length > 0) ? lengths : lengths.fill(1, 0, 1)));
}

/** The number of elements of a shape. */
export function lengthOf<S extends string>(shape: Shape<S>, sizes: Readonly<Record<S, number>>): number {
  assertShape('lengthOf', 'shape', shape, sizes);
  for (const letter of shape) assertWhole('lengthOf', `sizes.${letter}`, sizes[letter], 0);
  return shape.reduce((product, letter) => product * sizes[letter], 1);
}

/** The most that a size may be: fast-check's own numbers end here. */
const MOST_SIZE = 2 ** 31 - 1;

/** @throws {RangeError | TypeError} naming function and letter, unless each size has its range. */
export function assertSizeRanges(fn: string, ranges: Readonly<Record<string, SizeRange>>): void {
  assertObject(fn, 'ranges', ranges, 'ranges of sizes by letter');
  for (const [letter, range] of Object.entries(ranges)) {
    assertList(fn, `ranges.${letter}`, range, '[min, max]');
    assertWhole(fn, `ranges.${letter}[0]`, range[0], 0, MOST_SIZE);
    assertWhole(fn, `ranges.${letter}[1]`, range[1], range[0], MOST_SIZE);
  }
}

/** @throws {RangeError | TypeError} naming function and argument, unless a shape is a list of letters that have sizes. */
export function assertShape(fn: string, arg: string, shape: unknown, sizes: Readonly<Record<string, unknown>>): void {
  assertObject(fn, 'sizes', sizes, 'sizes by letter');
  assertList(fn, arg, shape, 'a list of letters of sizes');
  for (let i = 0; i < shape.length; i++) assertOneOf(fn, `${arg}[${i}]`, shape[i], Object.keys(sizes));
}
