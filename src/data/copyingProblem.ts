import { assertInts, assertLength } from '../check/arrays.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertStream } from '../check/values.ts';
import { logOf } from '../tensor/log.ts';
import type { RandomState } from '../tensor/random.ts';

/** The sizes of a copying problem: S symbols out of K to remember over a delay of T blanks, in the paper's letters. */
export interface CopyingSizes {
  readonly delay: number;
  readonly B: number;
  /** S, 10 by default. */
  readonly symbols?: number;
  /** K, 8 by default; the vocabulary has K + 2: K is the blank, K + 1 the sign to start. */
  readonly alphabet?: number;
}

/** The number of steps of a copying problem, delay + 2·symbols. */
export function copyingSteps(delay: number, symbols = 10): number {
  assertWhole('copyingSteps', 'delay', delay, 1);
  assertWhole('copyingSteps', 'symbols', symbols, 1);
  return delay + 2 * symbols;
}

/**
 * The copying problem: S symbols, `delay` - 1 blanks, the sign to start, S blanks; the answer is blank until the sign has
 * come and then the symbols. Overwrites `ids` and `targets`, both [delay+2S,B].
 *
 * Each sequence draws its symbols by `randint(K)`.
 *
 * Source: Hochreiter & Schmidhuber, Long short-term memory (1997); in this form Arjovsky et al., Unitary evolution
 * recurrent neural networks (2016).
 *
 * @throws {RangeError} when a size is not a whole number ≥ 1 or a buffer has another size.
 */
export function copyingProblem(ids: Int32Array, targets: Int32Array, rng: RandomState, sizes: CopyingSizes): void {
  const fn = 'copyingProblem';
  assertInts(fn, 'ids', ids);
  assertInts(fn, 'targets', targets);
  assertStream(fn, 'rng', rng);
  assertOptions(fn, sizes, ['delay', 'B', 'symbols', 'alphabet']);
  const { delay, B: b, symbols = 10, alphabet = 8 } = sizes;
  assertWhole(fn, 'delay', delay, 1);
  assertWhole(fn, 'B', b, 1);
  assertWhole(fn, 'symbols', symbols, 1);
  assertWhole(fn, 'alphabet', alphabet, 1);
  const steps = copyingSteps(delay, symbols);
  assertLength(fn, 'ids', ids, '[delay+2S,B]', steps, b);
  assertLength(fn, 'targets', targets, '[delay+2S,B]', steps, b);
  const blank = alphabet;
  const start = alphabet + 1;
  ids.fill(blank);
  targets.fill(blank);
  for (let j = 0; j < b; j++) {
    for (let i = 0; i < symbols; i++) {
      const symbol = rng.randint(alphabet);
      ids[i * b + j] = symbol;
      targets[(steps - symbols + i) * b + j] = symbol;
    }
    ids[(steps - symbols - 1) * b + j] = start;
  }
}

/**
 * The mean cross-entropy a step, in nats, of a net that remembers nothing: blanks for certain, then S uniform guesses,
 * S·ln K / (delay + 2S).
 */
export function copyingBaseline(delay: number, symbols = 10, alphabet = 8): number {
  const fn = 'copyingBaseline';
  assertWhole(fn, 'delay', delay, 1);
  assertWhole(fn, 'symbols', symbols, 1);
  assertWhole(fn, 'alphabet', alphabet, 1);
  return (symbols * logOf(alphabet)) / copyingSteps(delay, symbols);
}
