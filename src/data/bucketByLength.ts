import { assertWhole, assertWholes } from '../check/numbers.ts';
import { assertList, assertStream } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';

/**
 * Batches of sequences of similar length, so that little is padding: the sequences are sorted by length and cut into batches
 * of `batchSize`, the last one cut being the rest.
 *
 * With `rng`, equal lengths come in random order and the batches too: two draws, `permutation(N)` and then
 * `permutation(batches)`. The same seed gives the same batches; call it again for the next epoch. Without it equal lengths
 * keep their order and the batches go from short to long.
 *
 * @param lengths [N], the steps of each sequence
 * @returns the indices of the sequences of each batch; every index is in one batch
 * @throws {RangeError} when a length is not a whole number ≥ 0, or batchSize is not a whole number ≥ 1; nothing is drawn then.
 */
export function bucketByLength(lengths: ArrayLike<number>, batchSize: number, rng?: RandomState): Int32Array[] {
  const fn = 'bucketByLength';
  assertWhole(fn, 'batchSize', batchSize, 1);
  assertList(fn, 'lengths', lengths, 'a list of numbers');
  if (rng !== undefined) assertStream(fn, 'rng', rng);
  assertWholes(fn, 'lengths', lengths, 0);
  const order = rng?.permutation(lengths.length) ?? Int32Array.from(lengths, (_, i) => i);
  order.sort((a, b) => lengths[a] - lengths[b]); // stable
  const batches: Int32Array[] = [];
  for (let i = 0; i < order.length; i += batchSize) batches.push(order.slice(i, i + batchSize));
  return rng === undefined ? batches : Array.from(rng.permutation(batches.length), (i) => batches[i]);
}
