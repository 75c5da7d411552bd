import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  joinTokens,
  SENTENCE_END,
  SENTENCE_START,
  tokenizeWords,
  UNKNOWN,
  WordVocabulary,
} from '../../src/data/index.ts';

/** Sentences as lists of tokens. */
const sentences = (text: string, lowercase = false): string[] =>
  tokenizeWords(text, { lowercase })
    .join(' ')
    .split(/ ?<\/s> ?/)
    .slice(0, -1)
    .map((s) => s.replace(/^<s> /, ''));

describe('tokenizeWords', () => {
  it('frames sentences of lower-case words and punctuation', () => {
    expect(tokenizeWords('One dollar. That was all!')).toEqual([
      '<s>',
      'one',
      'dollar',
      '.',
      '</s>',
      '<s>',
      'that',
      'was',
      'all',
      '!',
      '</s>',
    ]);
  });

  it.each<[string, string, string[]]>([
    ['inner apostrophes and hyphens', "Tobin's well-known tale", ["Tobin's well-known tale"]],
    ['dashes', 'arisen--the census — taker', ['arisen -- the census — taker']],
    ['numbers', '$1,000.50 in the 1st 3.', ['$ 1,000.50 in the 1st 3 .']],
    ['ellipses', 'Wait... what?! Yes', ['Wait ... what ? !', 'Yes']],
    ['closing quotes', '"Go!" She went. "Now?" he said.', ['" Go ! "', 'She went .', '" Now ? " he said .']],
    ['titles and initials', 'Mr. Hill met O. Henry. Fine.', ['Mr . Hill met O . Henry .', 'Fine .']],
    ['a full stop inside a sentence', 'It was 5 p.m. when he came.', ['It was 5 p . m . when he came .']],
    ['empty lines', 'THE END\r\n\r\n  \r\nTobin and\r\nme', ['THE END', 'Tobin and me']],
    ['accents', 'Café à la carte e\u0301', ['Café à la carte e\u0301']],
    [
      'long and astral words before an abbreviation',
      'The Xmessrs. Hill 𝔄Messrs. Day',
      ['The Xmessrs .', 'Hill 𝔄Messrs .', 'Day'],
    ],
    ['long abbreviations', 'We met (Messrs. Hill). Messrs. Day', ['We met ( Messrs . Hill ) .', 'Messrs . Day']],
    ['nothing', ' \n\n ', []],
  ])('keeps %s', (_, text, expected) => {
    expect(sentences(text)).toEqual(expected);
  });
});

/** How many characters all regular expressions that are asked for a match were shown. */
function charactersTested(run: () => unknown): number {
  const test = vi.spyOn(RegExp.prototype, 'test');
  run();
  const shown = test.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
  test.mockRestore();
  return shown;
}

describe('work in proportion to the input', () => {
  it('joinTokens looks at each token, not at the text so far', () => {
    const tokens = (n: number) => Array.from({ length: n }, (_, i) => ['a', '"', 'b', '"'][i % 4]);
    const shown = [100, 1000].map((n) => charactersTested(() => joinTokens(tokens(n))));
    expect(shown[0]).toBeGreaterThan(100);
    expect(shown[1]).toBeLessThanOrEqual(10 * shown[0]);
  });

  it('tokenizeWords looks at the end of a sentence, however many abbreviations it holds', () => {
    const shown = charactersTested(() => tokenizeWords('We saw Mr. Hill '.repeat(100)));
    expect(shown).toBeGreaterThan(100);
    expect(shown).toBeLessThanOrEqual(16 * 100); // a few characters for each abbreviation
  });
});

describe('joinTokens', () => {
  it.each([
    'One dollar. That was all!',
    '"Go!" she said, (softly) "now; or never." He went--at last...',
    "It's 'fine', Mr. Hill [sic]: $1,000.50 or 50%?",
    '“Well-known – or not?” He left.',
    '"It is late. We go." He said, "Now."',
  ])('writes %s as it was', (text) => {
    expect(joinTokens(tokenizeWords(text, { lowercase: false }))).toBe(text);
  });

  it('gives sentences their capital, also behind an opening quote, and lets quotes end with them', () => {
    expect(joinTokens(tokenizeWords('One dollar. "That was all." 60 cents of it.'))).toBe(
      'One dollar. "That was all." 60 cents of it.',
    );
    expect(joinTokens(['<s>', '"', 'never', '</s>', '<s>', '"', 'so', '"', '</s>'])).toBe('"Never "So"');
    expect(joinTokens([SENTENCE_START, UNKNOWN, 'émile', SENTENCE_END, SENTENCE_START, 'émile'])).toBe(
      '<unk> émile Émile',
    );
  });

  it('is undone by tokenizing again', () => {
    const word = fc.constantFrom(
      'the',
      "o'er",
      'well-known',
      '12',
      '1,000',
      '$',
      ',',
      '.',
      '?',
      '--',
      '(',
      ')',
      '"',
      'é',
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const text = joinTokens(words);
        const once = tokenizeWords(text).filter((t) => !t.startsWith('<') && !t.startsWith('</'));
        expect(joinTokens(once).replaceAll(/\s/g, '').toLowerCase()).toBe(text.replaceAll(/\s/g, '').toLowerCase());
      }),
    );
  });
});

describe('WordVocabulary', () => {
  const tokens = tokenizeWords('B a b c. A b d.');

  it('orders words by frequency, then appearance', () => {
    const vocabulary = WordVocabulary.fromTokens(tokens);
    expect(vocabulary.words).toEqual(['<unk>', '<s>', '</s>', 'b', 'a', '.', 'c', 'd']);
    expect([vocabulary.size, vocabulary.has('c'), vocabulary.has('e')]).toEqual([8, true, false]);
  });

  it('keeps at most maxSize words seen minCount times, the rest is <unk>', () => {
    expect(WordVocabulary.fromTokens(tokens, { minCount: 2 }).words).toEqual(['<unk>', '<s>', '</s>', 'b', 'a', '.']);
    const small = WordVocabulary.fromTokens(tokens, { maxSize: 4 });
    expect(small.words).toEqual(['<unk>', '<s>', '</s>', 'b']);
    expect(Array.from(small.encode(['<s>', 'b', 'a', '</s>']))).toEqual([1, 3, 0, 2]);
    expect(small.decode([1, 3, 0, 2])).toEqual(['<s>', 'b', '<unk>', '</s>']);
  });

  it('decodes what it encoded, and is rebuilt from its words', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
        const vocabulary = WordVocabulary.fromTokens(words);
        const ids = vocabulary.encode(words);
        expect(vocabulary.decode(ids)).toEqual(words);
        expect(new WordVocabulary(vocabulary.words).encode(words)).toEqual(ids);
      }),
    );
  });

  const vocabulary = new WordVocabulary(['a', '<unk>']);
  it.each<[string, () => unknown]>([
    [`WordVocabulary: words[1] is 'a', the same as words[0]`, () => new WordVocabulary(['a', 'a', '<unk>'])],
    [`WordVocabulary: words lack '<unk>'`, () => new WordVocabulary(['a'])],
    ['WordVocabulary.fromTokens: maxSize is 2, expected', () => WordVocabulary.fromTokens([], { maxSize: 2 })],
    ['WordVocabulary.fromTokens: minCount is 0, expected', () => WordVocabulary.fromTokens([], { minCount: 0 })],
    ['WordVocabulary.decode: ids[1] is 2, expected a whole number from 0 to 1', () => vocabulary.decode([0, 2])],
    ['WordVocabulary.decode: ids[0] is 0.5, expected', () => vocabulary.decode([0.5])],
    ['WordVocabulary.decode: ids[0] is NaN, expected', () => vocabulary.decode([NaN])],
    [`WordVocabulary.decode: ids[0] is '1', expected`, () => vocabulary.decode(['1'] as unknown as number[])],
    [`WordVocabulary.decode: ids[0] is 1n, expected`, () => vocabulary.decode([1n] as unknown as number[])],
    [`WordVocabulary.decode: ids[0] is 'length', expected`, () => vocabulary.decode(['length'] as unknown as number[])],
    ['WordVocabulary: words[1] is 7, expected a string', () => new WordVocabulary([UNKNOWN, 7 as unknown as string])],
    ['WordVocabulary.decode: ids[0] is -1, expected', () => vocabulary.decode(Int32Array.of(-1))],
  ])('says %s', (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  it.each<[string, () => unknown]>([
    ['joinTokens: tokens is 5, expected', () => joinTokens(5 as never)],
    ['WordVocabulary: words is 5, expected', () => new WordVocabulary(5 as never)],
    ['WordVocabulary.fromTokens: tokens is 5, expected', () => WordVocabulary.fromTokens(5 as never)],
    ['WordVocabulary.encode: tokens is 5, expected', () => vocabulary.encode(5 as never)],
  ])('says %s', (message, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });
});
