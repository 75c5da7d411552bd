import fc from 'fast-check';
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
  const letters = Object.entries<SizeRange>(ranges).map(([letter, [min, max]]) => [letter, fc.integer({ min, max })]);
  return fc.record(Object.fromEntries(letters)) as fc.Arbitrary<Record<S, number>>;
}

/**
 * A tensor of `length` normal numbers. It does not shrink number by number, which would only lead to zeros and hide what a
 * gradient does: the seed shrinks, and with it nothing but the case.
 */
export function arbitraryTensor(length: number, dtype: Dtype = 'float64'): fc.Arbitrary<FloatArray> {
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
  const tensors = Object.entries(shapes).map(([name, shape]) => [name, arbitraryTensor(lengthOf(shape, sizes), dtype)]);
  return fc.record(Object.fromEntries(tensors)) as fc.Arbitrary<Record<string, FloatArray>>;
}

/** Lengths [B] of sequences in a window of T steps, from 0 to T, unsorted; at least one sequence has a step. */
export function arbitraryLengths(T: number, B: number): fc.Arbitrary<number[]> {
  return fc
    .array(fc.integer({ min: 0, max: T }), { minLength: B, maxLength: B })
    .map((lengths) => (lengths.some((length) => length > 0) ? lengths : lengths.fill(1, 0, 1)));
}

/** The number of elements of a shape. */
export function lengthOf<S extends string>(shape: Shape<S>, sizes: Readonly<Record<S, number>>): number {
  return shape.reduce((product, letter) => product * sizes[letter], 1);
}
