import { assertFloats, assertLength } from '../check/arrays.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertNumbers, assertStream } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';

/** Beyond this many bits a number is no longer exact. */
const MAX_BINARY_DIM = 53;

/** a + b = c, as numbers and as bits, the most significant first, [binaryDim]. */
export interface AdditionProblem {
  readonly aInt: number;
  readonly bInt: number;
  readonly cInt: number;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly c: Uint8Array;
}

/**
 * The bits of a number, the most significant first, [binaryDim].
 *
 * @throws {RangeError} when value does not fit or binaryDim is not a whole number from 1 to 53.
 */
export function int2binary(value: number, binaryDim = 8): Uint8Array {
  assertWhole('int2binary', 'binaryDim', binaryDim, 1, MAX_BINARY_DIM);
  assertWhole('int2binary', 'value', value, 0, 2 ** binaryDim - 1);
  const bits = new Uint8Array(binaryDim);
  for (let i = binaryDim - 1; i >= 0; i--) {
    bits[i] = value % 2;
    value = Math.floor(value / 2);
  }
  return bits;
}

/** The number of bits, the most significant first; values are rounded as a net's outputs are read. */
export function binary2int(bits: ArrayLike<number>): number {
  assertNumbers('binary2int', 'bits', bits);
  let value = 0;
  for (let i = 0; i < bits.length; i++) value = 2 * value + Math.round(bits[i]);
  return value;
}

/** Two numbers below 2^(binaryDim-1), by `randint` each, so that their sum fits. */
export function additionProblem(rng: RandomState, binaryDim = 8): AdditionProblem {
  assertStream('additionProblem', 'rng', rng);
  assertWhole('additionProblem', 'binaryDim', binaryDim, 1, MAX_BINARY_DIM);
  const aInt = rng.randint(2 ** (binaryDim - 1));
  const bInt = rng.randint(2 ** (binaryDim - 1));
  const cInt = aInt + bInt;
  return {
    aInt,
    bInt,
    cInt,
    a: int2binary(aInt, binaryDim),
    b: int2binary(bInt, binaryDim),
    c: int2binary(cInt, binaryDim),
  };
}

/**
 * B problems, {@link additionProblem} each, in the order in which one adds by hand: step t holds the bits of value 2^t.
 * Overwrites `x` [T,B,2] with the bits of a and b and `targets` [T,B,1] with those of the sum; T bits wide.
 */
export function additionBatch(x: FloatArray, targets: FloatArray, rng: RandomState, t: number, b: number): void {
  assertFloats('additionBatch', 'x', x);
  assertFloats('additionBatch', 'targets', targets);
  assertStream('additionBatch', 'rng', rng);
  assertWhole('additionBatch', 'T', t, 1, MAX_BINARY_DIM);
  assertWhole('additionBatch', 'B', b, 1);
  assertLength('additionBatch', 'x', x, '[T,B,2]', t, b, 2);
  assertLength('additionBatch', 'targets', targets, '[T,B,1]', t, b, 1);
  for (let j = 0; j < b; j++) {
    const problem = additionProblem(rng, t);
    for (let i = 0; i < t; i++) {
      const bit = t - 1 - i;
      x[(i * b + j) * 2] = problem.a[bit];
      x[(i * b + j) * 2 + 1] = problem.b[bit];
      targets[i * b + j] = problem.c[bit];
    }
  }
}
