import { typeName } from '../check/describe.ts';
import { allocate, assertNumeric, assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertList } from '../check/values.ts';
import { stepsOf } from './series.ts';

/** How {@link padSequences} lays sequences out. */
export interface PadSequencesOptions {
  /** D, the numbers of a step; default 1, as of ids. */
  readonly features?: number;
  /** T, at least the steps of the longest sequence, which is the default. */
  readonly steps?: number;
  /** What stands at the steps that a sequence lacks; default 0. */
  readonly padding?: number;
}

/** B sequences of different lengths in one array. */
export interface PaddedSequences<A> {
  /** [T,B,D], or [T,B] for D = 1, of the kind of the sequences. */
  readonly values: A;
  /** [B], the steps of each sequence: the `lengths` of a batch. */
  readonly lengths: Int32Array;
  /** T */
  readonly steps: number;
}

/**
 * Lays B sequences side by side, time first, with padding behind the shorter ones: step t of sequence b is at [t,b,·].
 *
 * @param sequences B ≥ 1 arrays [T_b,D] of one kind: Int32Array for ids, Float32Array or Float64Array for vectors
 * @throws {RangeError} when there is no sequence, one is not [T_b,D] or longer than `steps`, or ids are padded with what is no
 * 32-bit integer, {TypeError} on an unknown option or when the sequences are not typed arrays of one kind.
 */
export function padSequences<A extends Int32Array | Float32Array | Float64Array>(
  sequences: readonly A[],
  options: PadSequencesOptions = {},
): PaddedSequences<A> {
  const fn = 'padSequences';
  assertOptions(fn, options, ['features', 'steps', 'padding']);
  const { features = 1, padding = 0 } = options;
  assertList(fn, 'sequences', sequences, 'a list of typed arrays');
  if (sequences.length === 0) throw new RangeError(`${fn}: got no sequences, expected at least one`);
  const kinds: unknown[] = [Int32Array, Float32Array, Float64Array];
  const Kind = sequences[0]?.constructor as Int32ArrayConstructor;
  const lengths = new Int32Array(sequences.length);
  let longest = 0;
  for (const [b, sequence] of sequences.entries()) {
    const kind = sequence?.constructor;
    if (!kinds.includes(kind) || kind !== Kind) {
      const wanted = b === 0 ? 'Int32Array, Float32Array or Float64Array' : `${Kind.name} like sequences[0]`;
      throw new TypeError(`${fn}: sequences[${b}] is ${typeName(sequence)}, expected ${wanted}`);
    }
    lengths[b] = stepsOf(fn, `sequences[${b}]`, sequence, features);
    longest = Math.max(longest, lengths[b]);
  }
  const { steps = longest } = options;
  assertWhole(fn, 'steps', steps, longest);
  if (Kind === Int32Array) assertWhole(fn, 'padding', padding, -(2 ** 31), 2 ** 31 - 1);
  else assertNumeric(fn, 'padding', padding);
  const batch = sequences.length;
  const values = allocate(fn, 'steps·batch·features', steps * batch * features, Kind).fill(padding) as A;
  for (const [b, sequence] of sequences.entries()) {
    for (let t = 0; t < lengths[b]; t++) {
      for (let d = 0; d < features; d++) values[(t * batch + b) * features + d] = sequence[t * features + d];
    }
  }
  return { values, lengths, steps };
}
