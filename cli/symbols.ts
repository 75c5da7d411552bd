import { CharVocabulary, joinTokens, SENTENCE_END, SENTENCE_START, tokenizeWords, WordVocabulary } from 'bptt/data';

/** What a net reads and writes one of at each step. */
export type Unit = 'character' | 'word';

/** Ids of symbols, in as few bytes as they fit. */
export type Ids = Uint8Array | Uint16Array | Int32Array;

/** The symbols that a net knows, each with its id 0 … size − 1. */
export interface Symbols {
  readonly unit: Unit;
  readonly size: number;
  /** The symbol of each id, as it stands in a model file. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /** @throws {RangeError} naming the first character that is none of them. */
  encode(text: string): Int32Array;
  /** A writer of text: each call gives the text that one more symbol adds. */
  writer(): (id: number) => string;
}

export function symbolsFrom(unit: Unit, names: readonly string[]): Symbols {
  return unit === 'word' ? words(new WordVocabulary(names)) : characters(new CharVocabulary(names));
}

/** The text of symbols. */
export function decode(symbols: Symbols, ids: readonly number[]): string {
  return ids.map(symbols.writer()).join('');
}

/** The symbol that a net reads before it writes: a line break or the beginning of a sentence, else the first one known. */
export function openingId({ names, unit }: Symbols): number {
  return Math.max(0, names.indexOf(unit === 'word' ? SENTENCE_START : '\n'));
}

function characters(vocabulary: CharVocabulary): Symbols {
  return {
    unit: 'character',
    size: vocabulary.size,
    names: vocabulary.chars,
    has: (char) => vocabulary.has(char),
    encode(text) {
      const strange = Array.from(text).findIndex((char) => !vocabulary.has(char));
      if (strange >= 0) {
        const char = JSON.stringify(Array.from(text)[strange]);
        throw new RangeError(`${char} at position ${strange} is not one of the ${vocabulary.size} characters known`);
      }
      return vocabulary.encode(text);
    },
    writer: () => (id) => vocabulary.chars[id],
  };
}

function words(vocabulary: WordVocabulary): Symbols {
  return {
    unit: 'word',
    size: vocabulary.size,
    names: vocabulary.words,
    has: (word) => vocabulary.has(word),
    encode: (text) => vocabulary.encode(unended(tokenizeWords(text))),
    writer: () => {
      let sentence: string[] = [];
      let begun = false;
      return (id) => {
        const word = vocabulary.words[id];
        if (word === SENTENCE_START || word === SENTENCE_END) {
          sentence = [];
          return '';
        }
        const before = joinTokens(sentence);
        sentence.push(word);
        const added = joinTokens(sentence).slice(before.length);
        const gap = begun && sentence.length === 1 ? ' ' : '';
        begun = true;
        return gap + added;
      };
    },
  };
}

/** A prime goes on: its last sentence has no end yet. */
function unended(tokens: string[]): string[] {
  return tokens.at(-1) === SENTENCE_END ? tokens.slice(0, -1) : tokens;
}

/** A text as ids of its characters or words, and what these are. */
export function readSymbols(text: Uint8Array, unit: Unit, mostWords: number): { symbols: Symbols; ids: Ids } {
  if (unit === 'word') {
    const tokens = tokenizeWords(new TextDecoder().decode(text));
    const vocabulary = WordVocabulary.fromTokens(tokens, { maxSize: mostWords });
    return { symbols: words(vocabulary), ids: vocabulary.encode(tokens) };
  }
  const points = new Set<number>();
  eachCodePoint(text, (point) => points.add(point));
  const symbols = characters(new CharVocabulary(Array.from(points, (point) => String.fromCodePoint(point))));
  return { symbols, ids: encodeAgain(symbols, text) };
}

/** A known text as ids of known symbols. */
export function encodeAgain(symbols: Symbols, text: Uint8Array): Ids {
  if (symbols.unit === 'word') {
    const vocabulary = new WordVocabulary(symbols.names);
    return vocabulary.encode(tokenizeWords(new TextDecoder().decode(text)));
  }
  const idOf = new Map(symbols.names.map((char, id) => [char.codePointAt(0)!, id]));
  let length = 0;
  eachCodePoint(text, () => length++);
  const ids = idsOf(symbols.size, length);
  let at = 0;
  eachCodePoint(text, (point) => {
    ids[at++] = idOf.get(point)!;
  });
  return ids;
}

function idsOf(size: number, length: number): Ids {
  if (size <= 2 ** 8) return new Uint8Array(length);
  return size <= 2 ** 16 ? new Uint16Array(length) : new Int32Array(length);
}

/** Calls for each character of valid UTF-8, without a string of it: a text of 60 MB would be 120 MB more. */
function eachCodePoint(text: Uint8Array, call: (point: number) => void): void {
  for (let i = 0; i < text.length; ) {
    const lead = text[i++];
    if (lead < 0x80) {
      call(lead);
      continue;
    }
    const following = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    let point = lead & (0x3f >> following);
    for (let k = 0; k < following; k++) point = (point << 6) | (text[i++] & 0x3f);
    call(point);
  }
}
