import { describe } from '../check/describe.ts';
import { assertWhole, assertWholes } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFlag, assertIterable, assertList, assertText } from '../check/values.ts';

/** Stands for every word outside the vocabulary. */
export const UNKNOWN = '<unk>';
/** Stands before every sentence. */
export const SENTENCE_START = '<s>';
/** Stands after every sentence. */
export const SENTENCE_END = '</s>';

/** A number with inner points or commas; a word with inner apostrophes or hyphens; a dash; an ellipsis; any other sign. */
const TOKEN = /\p{N}+(?:[.,]\p{N}+)+|[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*|-{2,}|\.{2,}|\S/gu;
/** What ends a sentence: its last signs with closing quotes and brackets, when space and a likely start follow. */
const BOUNDARY = /(?<![.!?…])[.!?…]+["'”’)\]]*(?=\s+["'“‘([_]*[\p{Lu}\p{N}])/gu;
/** Full stops that end no sentence: titles, and initials as in "O. Henry". */
const ABBREVIATION = /(?:^|[^\p{L}])(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|Messrs|vs|\p{Lu})\.$/u;
/** More than the longest abbreviation with the sign before it. */
const ABBREVIATION_LENGTH = 16;

/**
 * Cuts a text into sentences of words and punctuation marks: `<s> the cat sat . </s> <s> …`.
 *
 * A sentence ends at `.`, `!`, `?` or an ellipsis (with closing quotes) before a capital letter or a digit, and at an empty
 * line. Words keep inner apostrophes and hyphens. Lower case unless `lowercase` is false.
 */
export function tokenizeWords(text: string, options: { readonly lowercase?: boolean } = {}): string[] {
  assertText('tokenizeWords', 'text', text);
  assertOptions('tokenizeWords', options, ['lowercase']);
  const { lowercase = true } = options;
  assertFlag('tokenizeWords', 'lowercase', lowercase);
  const tokens: string[] = [];
  for (const paragraph of text.split(/\r?\n[^\S\n]*\r?\n/)) {
    for (const sentence of splitSentences(paragraph)) {
      const words = sentence.match(TOKEN);
      if (words === null) continue;
      tokens.push(SENTENCE_START);
      for (const word of words) tokens.push(lowercase ? word.toLowerCase() : word);
      tokens.push(SENTENCE_END);
    }
  }
  return tokens;
}

function splitSentences(paragraph: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  for (const { 0: signs, index } of paragraph.matchAll(BOUNDARY)) {
    const end = index + signs.length;
    // only the end is looked at: a sentence may be long, and hold many abbreviations
    if (ABBREVIATION.test(paragraph.slice(Math.max(start, end - ABBREVIATION_LENGTH), end))) continue;
    sentences.push(paragraph.slice(start, end));
    start = end;
  }
  sentences.push(paragraph.slice(start));
  return sentences;
}

const CLOSES = /^(?:[.,;:!?…)\]}%”’]|\.{2,})$/;
const OPENS = /^[([{“‘$£]$/;
const DASH = /^(?:-{2,}|—)$/;
const QUOTE = /^["']$/;
const FULL_STOP = /^[.!?…]$/;

/**
 * Tokens as text that a person would write: no space before a comma, quotes closed where they were opened, sentences with a
 * capital. The inverse of {@link tokenizeWords} but for case and the amount of space.
 */
export function joinTokens(tokens: Iterable<string>): string {
  assertIterable('joinTokens', 'tokens', tokens);
  let index = 0;
  let text = '';
  let last = ''; // the last sign of the text, which is not searched itself: it grows
  let glue = true; // the next token follows without a space
  let sentenceStart = true;
  const open = new Set<string>();
  for (const token of tokens) {
    assertText('joinTokens', `tokens[${index++}]`, token);
    if (token === SENTENCE_START || token === SENTENCE_END) {
      sentenceStart = true;
      glue = text === '';
      open.clear();
      continue;
    }
    // a quote opened in an earlier sentence is closed behind a full stop
    const closesQuote = QUOTE.test(token) && (open.delete(token) || (!sentenceStart && FULL_STOP.test(last)));
    const opensQuote = QUOTE.test(token) && !closesQuote;
    if (opensQuote) open.add(token);
    const dash = DASH.test(token);
    const space = !(glue || closesQuote || dash || CLOSES.test(token));
    const word = sentenceStart ? capitalized(token) : token;
    const piece = space ? ` ${word}` : word;
    text += piece;
    last = piece.at(-1) ?? last;
    glue = opensQuote || dash || OPENS.test(token);
    sentenceStart &&= !/[\p{L}\p{N}]/u.test(token); // an opening quote leaves the capital to the word behind it
  }
  return text;
}

function capitalized(word: string): string {
  return word === UNKNOWN ? word : word.replace(/^./u, (first) => first.toUpperCase());
}

/** Which words {@link WordVocabulary.fromTokens} keeps: at most `maxSize` in all, each seen at least `minCount` times. */
export interface WordVocabularyOptions {
  readonly maxSize?: number;
  readonly minCount?: number;
}

/** The words that a net knows, each with its id 0 … size-1; all others share the id of `<unk>`. */
export class WordVocabulary {
  /** The word of each id. */
  readonly words: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #unknown: number;

  /**
   * From a given list: the word at index i has id i.
   *
   * @throws {RangeError} when an entry is no string, a word comes twice or `<unk>` is missing.
   */
  constructor(words: Iterable<string>) {
    assertIterable('WordVocabulary', 'words', words);
    this.words = Array.from(words);
    const ids = new Map<string, number>();
    for (const [id, word] of this.words.entries()) {
      if (typeof word !== 'string') {
        throw new RangeError(`WordVocabulary: words[${id}] is ${describe(word)}, expected a string`);
      }
      if (ids.has(word)) {
        throw new RangeError(`WordVocabulary: words[${id}] is '${word}', the same as words[${ids.get(word)}]`);
      }
      ids.set(word, id);
    }
    const unknown = ids.get(UNKNOWN);
    if (unknown === undefined) throw new RangeError(`WordVocabulary: words lack '${UNKNOWN}'`);
    this.#ids = ids;
    this.#unknown = unknown;
  }

  /**
   * `<unk>`, `<s>`, `</s>` as ids 0, 1, 2, then the words from the most frequent down, equal ones in order of appearance.
   *
   * @throws {RangeError} when maxSize < 3 or minCount < 1, or one of them is not a whole number.
   */
  static fromTokens(tokens: Iterable<string>, options: WordVocabularyOptions = {}): WordVocabulary {
    assertIterable('WordVocabulary.fromTokens', 'tokens', tokens);
    assertOptions('WordVocabulary.fromTokens', options, ['maxSize', 'minCount']);
    const { maxSize = Number.MAX_SAFE_INTEGER, minCount = 1 } = options;
    assertWhole('WordVocabulary.fromTokens', 'maxSize', maxSize, 3);
    assertWhole('WordVocabulary.fromTokens', 'minCount', minCount, 1);
    const special = [UNKNOWN, SENTENCE_START, SENTENCE_END];
    const counts = new Map<string, number>();
    let index = 0;
    for (const token of tokens) {
      assertText('WordVocabulary.fromTokens', `tokens[${index++}]`, token);
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    for (const token of special) counts.delete(token);
    const frequent = Array.from(counts).filter(([, count]) => count >= minCount);
    frequent.sort(([, a], [, b]) => b - a); // stable, so ties stay in order of appearance
    return new WordVocabulary([...special, ...frequent.map(([word]) => word)].slice(0, maxSize));
  }

  /** V, the number of words. */
  get size(): number {
    return this.words.length;
  }

  /** Whether the vocabulary knows the word. */
  has(word: string): boolean {
    assertText('WordVocabulary.has', 'word', word);
    return this.#ids.has(word);
  }

  /** The ids of a list of words, [T]. */
  encode(tokens: Iterable<string>): Int32Array {
    assertIterable('WordVocabulary.encode', 'tokens', tokens);
    return Int32Array.from(tokens, (token, i) => {
      assertText('WordVocabulary.encode', `tokens[${i}]`, token);
      return this.#ids.get(token) ?? this.#unknown;
    });
  }

  /**
   * The words of a list of ids.
   *
   * @throws {RangeError} naming the first id that is not in the vocabulary and its index.
   */
  decode(ids: ArrayLike<number>): string[] {
    assertList('WordVocabulary.decode', 'ids', ids, 'a list of ids');
    assertWholes('WordVocabulary.decode', 'ids', ids, 0, this.size - 1);
    return Array.from(ids, (id) => this.words[id]);
  }
}
