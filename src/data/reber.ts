import { assertFloats } from '../check/arrays.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertStream, assertText } from '../check/values.ts';
import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';

/** The alphabet; a symbol's index is its one-hot position. */
export const REBER_SYMBOLS = 'BTSXPVE';

/** A way out of a state: the symbol written and the state it leads to. */
export type ReberEdge = readonly [symbol: string, next: number];

/** The ways out of each state; words start in state 0 and are whole in state 7. */
export const REBER_AUTOMATON: readonly (readonly ReberEdge[])[] = [
  [['B', 1]],
  [
    ['T', 2],
    ['P', 3],
  ],
  [
    ['S', 2],
    ['X', 4],
  ],
  [
    ['T', 3],
    ['V', 5],
  ],
  [
    ['X', 3],
    ['S', 6],
  ],
  [
    ['P', 4],
    ['V', 6],
  ],
  [['E', 7]],
  [],
];

const END = 7;
const V = REBER_SYMBOLS.length;
/** Longer words are so rare (one in 10⁶) that throwing away shorter ones would take minutes. */
const LONGEST_MIN_LENGTH = 48;

/** A word with what a net reads and what it should say: `T` = word length - 1 steps. */
export interface ReberExample {
  readonly word: string;
  readonly T: number;
  /** The symbols but the last, [T]. */
  readonly ids: Int32Array;
  /** The same as one-hots, [T,7]. */
  readonly inputs: Float64Array;
  /** 1 for every symbol that may come next, [T,7]. */
  readonly targets: Float64Array;
}

/**
 * A word of at least `minLength` symbols. Each fork takes `randint(2)`; a word that is too short is thrown away.
 *
 * @throws {RangeError} when minLength is not a whole number from 0 to 48.
 */
export function reberWord(rng: RandomState, minLength = 0): string {
  return drawWord('reberWord', 'minLength', rng, minLength);
}

function drawWord(fn: string, arg: string, rng: RandomState, minLength: number): string {
  assertStream(fn, 'rng', rng);
  assertWhole(fn, arg, minLength, 0, LONGEST_MIN_LENGTH);
  for (;;) {
    let word = '';
    let state = 0;
    while (state !== END) {
      const edges = REBER_AUTOMATON[state];
      const [symbol, next] = edges[rng.randint(edges.length)]; // randint(1) draws nothing
      word += symbol;
      state = next;
    }
    if (word.length >= minLength) return word;
  }
}

/**
 * B, T or P, a word of at least `minInnerLength` symbols, the same T or P, E: what comes last but one was said long before.
 * `randint(2)` for the outer symbol (0 T, 1 P), then as {@link reberWord}.
 */
export function embeddedReberWord(rng: RandomState, minInnerLength = 0): string {
  return drawEmbedded('embeddedReberWord', rng, minInnerLength);
}

function drawEmbedded(fn: string, rng: RandomState, minInnerLength: number): string {
  assertStream(fn, 'rng', rng);
  assertWhole(fn, 'minInnerLength', minInnerLength, 0, LONGEST_MIN_LENGTH);
  const outer = 'TP'[rng.randint(2)];
  return `B${outer}${drawWord(fn, 'minInnerLength', rng, minInnerLength)}${outer}E`;
}

/** One word, see {@link reberWord}, ready to train on. */
export function getOneExample(rng: RandomState, minLength = 0): ReberExample {
  const word = drawWord('getOneExample', 'minLength', rng, minLength);
  return example(word, nextSymbols(word));
}

/** `n` words one after another. */
export function getNExamples(rng: RandomState, n: number, minLength = 0): ReberExample[] {
  assertWhole('getNExamples', 'n', n, 0);
  assertStream('getNExamples', 'rng', rng);
  assertWhole('getNExamples', 'minLength', minLength, 0, LONGEST_MIN_LENGTH);
  return Array.from({ length: n }, () => getOneExample(rng, minLength));
}

/** One embedded word, see {@link embeddedReberWord}, ready to train on. */
export function getOneEmbeddedExample(rng: RandomState, minInnerLength = 0): ReberExample {
  const word = drawEmbedded('getOneEmbeddedExample', rng, minInnerLength);
  return example(word, embeddedNextSymbols(word));
}

/** `n` embedded words one after another. */
export function getNEmbeddedExamples(rng: RandomState, n: number, minInnerLength = 0): ReberExample[] {
  assertWhole('getNEmbeddedExamples', 'n', n, 0);
  assertStream('getNEmbeddedExamples', 'rng', rng);
  assertWhole('getNEmbeddedExamples', 'minInnerLength', minInnerLength, 0, LONGEST_MIN_LENGTH);
  return Array.from({ length: n }, () => getOneEmbeddedExample(rng, minInnerLength));
}

/** Whether the whole word is one of the grammar's. */
export function inGrammar(word: string): boolean {
  assertText('inGrammar', 'word', word);
  return walk(word)?.at(-1) === END;
}

/** Whether the whole word is one of the embedded grammar's. */
export function inEmbeddedGrammar(word: string): boolean {
  assertText('inEmbeddedGrammar', 'word', word);
  const outer = /^B([TP]).*\1E$/.test(word);
  return outer && inGrammar(word.slice(2, -2));
}

/**
 * For each prefix of 1 … length-1 symbols, the symbols that may follow, in the order of {@link REBER_SYMBOLS}.
 *
 * @throws {RangeError} when the word is not in the grammar.
 */
export function nextSymbols(word: string): string[] {
  assertText('nextSymbols', 'word', word);
  if (!inGrammar(word)) throw new RangeError(`nextSymbols: word is '${word}', expected one of the Reber grammar`);
  return walk(word)!
    .slice(1, -1)
    .map((state) => sorted(REBER_AUTOMATON[state].map(([symbol]) => symbol)));
}

/**
 * {@link nextSymbols} in the embedded grammar, where the last but one symbol is known from the second.
 *
 * @throws {RangeError} when the word is not in the embedded grammar.
 */
export function embeddedNextSymbols(word: string): string[] {
  assertText('embeddedNextSymbols', 'word', word);
  if (!inEmbeddedGrammar(word)) {
    throw new RangeError(`embeddedNextSymbols: word is '${word}', expected one of the embedded Reber grammar`);
  }
  return ['TP', 'B', ...nextSymbols(word.slice(2, -2)), word[1], 'E'];
}

/**
 * The ids of the symbols of a word, [T].
 *
 * @throws {RangeError} naming the first that is not a Reber symbol and its position.
 */
export function wordToIds(word: string): Int32Array {
  assertText('wordToIds', 'word', word);
  return Int32Array.from(word, (symbol, i) => {
    const id = REBER_SYMBOLS.indexOf(symbol);
    if (id < 0) {
      throw new RangeError(`wordToIds: '${symbol}' at position ${i}, expected one of the symbols ${REBER_SYMBOLS}`);
    }
    return id;
  });
}

/** The symbols of a word as one-hots, [T,7]. */
export function wordToOneHots(word: string): Float64Array {
  assertText('wordToOneHots', 'word', word);
  const ids = wordToIds(word);
  const oneHots = new Float64Array(ids.length * V);
  for (let t = 0; t < ids.length; t++) oneHots[t * V + ids[t]] = 1;
  return oneHots;
}

/**
 * The word of a sequence of one-hots, [T,7].
 *
 * @throws {RangeError} when a row is not a one-hot.
 */
export function sequenceToWord(sequence: FloatArray): string {
  assertFloats('sequenceToWord', 'sequence', sequence);
  let word = '';
  for (let start = 0; start < sequence.length; start += V) {
    const row = sequence.subarray(start, start + V);
    const id = row.indexOf(1);
    if (row.length !== V || id < 0 || row.some((value, i) => value !== 0 && i !== id)) {
      throw new RangeError(`sequenceToWord: row ${start / V} is [${row.join(',')}], expected a one-hot of ${V}`);
    }
    word += REBER_SYMBOLS[id];
  }
  return word;
}

function example(word: string, next: readonly string[]): ReberExample {
  const read = word.slice(0, -1);
  const targets = new Float64Array(next.length * V);
  for (const [t, symbols] of next.entries()) {
    for (const symbol of symbols) targets[t * V + REBER_SYMBOLS.indexOf(symbol)] = 1;
  }
  return { word, T: read.length, ids: wordToIds(read), inputs: wordToOneHots(read), targets };
}

/** The states before, between and after the symbols, or undefined where a symbol leads nowhere. */
function walk(word: string): number[] | undefined {
  const states = [0];
  for (const symbol of word) {
    const edge = REBER_AUTOMATON[states.at(-1)!].find(([s]) => s === symbol);
    if (edge === undefined) return undefined;
    states.push(edge[1]);
  }
  return states;
}

function sorted(symbols: string[]): string {
  return symbols.sort((a, b) => REBER_SYMBOLS.indexOf(a) - REBER_SYMBOLS.indexOf(b)).join('');
}
