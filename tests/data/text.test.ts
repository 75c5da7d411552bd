import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CharVocabulary, decodeUtf8, splitTail } from '../../src/data/index.ts';

describe('CharVocabulary', () => {
  it('numbers the characters in order of appearance, sorted, or as given', () => {
    expect(CharVocabulary.fromText('banana\u{1F600}c').chars).toEqual(['b', 'a', 'n', '\u{1F600}', 'c']);
    // by code point: U+FF5E comes before U+1F600, though its UTF-16 unit is larger
    expect(CharVocabulary.fromText('\u{1F600}b\uFF5Ea', 'sorted').chars).toEqual(['a', 'b', '\uFF5E', '\u{1F600}']);
    const given = new CharVocabulary(['x', 'a']);
    expect(Array.from(given.encode('aax'))).toEqual([1, 1, 0]);
    expect([given.size, given.has('x'), given.has('y')]).toEqual([2, true, false]);
  });

  it('decodes what it encoded, one id a code point', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.constantFrom('appearance' as const, 'sorted' as const),
        (text, order) => {
          const vocabulary = CharVocabulary.fromText(text, order);
          const ids = vocabulary.encode(text);
          expect(ids.length).toBe(Array.from(text).length);
          expect(vocabulary.decode(ids)).toBe(text);
          expect(new CharVocabulary(vocabulary.chars).encode(text)).toEqual(ids);
        },
      ),
    );
  });

  const vocabulary = new CharVocabulary('abc');
  it.each<[string, () => unknown]>([
    ['CharVocabulary: got no characters, expected at least one', () => CharVocabulary.fromText('')],
    ["CharVocabulary: chars[1] is 'xy', expected one character", () => new CharVocabulary(['a', 'xy'])],
    ["CharVocabulary: chars[0] is '', expected one character", () => new CharVocabulary([''])],
    [`CharVocabulary: chars[2] is 'a', the same as chars[0]`, () => new CharVocabulary('aba')],
    [
      `CharVocabulary.encode: 'é' at position 2 is not one of the 3 known characters`,
      () => new CharVocabulary('a\u{1F600}b').encode('a\u{1F600}é'),
    ],
    ['CharVocabulary.encode: "\\n" (U+000A) at position 1 is not', () => vocabulary.encode('a\n')],
    ['CharVocabulary.decode: ids[1] is 3, expected a whole number from 0 to 2', () => vocabulary.decode([0, 3])],
    ['CharVocabulary.decode: ids[0] is -1, expected', () => vocabulary.decode(Int32Array.of(-1))],
    ['CharVocabulary.decode: ids[0] is NaN, expected', () => vocabulary.decode([NaN])],
    [`CharVocabulary.decode: ids[0] is '1', expected`, () => vocabulary.decode(['1'] as unknown as number[])],
    [`CharVocabulary.decode: ids[0] is 1n, expected`, () => vocabulary.decode([1n] as unknown as number[])],
    [`CharVocabulary.decode: ids[0] is 'length', expected`, () => vocabulary.decode(['length'] as unknown as number[])],
    ['CharVocabulary: chars[0] is 5, expected one character', () => new CharVocabulary([5 as unknown as string])],
    ['CharVocabulary.decode: ids[0] is 0.5, expected', () => vocabulary.decode([0.5])],
  ])('says %s', (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});

describe('decodeUtf8', () => {
  it('reads text back and drops a byte order mark', () => {
    expect(decodeUtf8(new TextEncoder().encode('Gregor – ça \u{1F600}'))).toBe('Gregor – ça \u{1F600}');
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('a');
    expect(decodeUtf8(new Uint8Array())).toBe('');
  });

  it.each<[string, string, number[]]>([
    ['Latin-1', '0xE9 at offset 3', [0x63, 0x61, 0x66, 0xe9, 0x0a]],
    ['a cut character at the end', '0xE2 at offset 1', [0x61, 0xe2, 0x82]],
    ['a lone continuation', '0x80 at offset 0', [0x80]],
    ['an overlong form', '0xC0 at offset 0', [0xc0, 0xaf]],
    ['an overlong form of three', '0xE0 at offset 4', [0xc3, 0xa9, 0xc3, 0xa9, 0xe0, 0x80, 0x80]],
    ['a surrogate', '0xED at offset 0', [0xed, 0xa0, 0x80]],
    ['a number above U+10FFFF', '0xF4 at offset 3', [0xe2, 0x82, 0xac, 0xf4, 0x90, 0x80, 0x80]],
    ['a bad third byte', '0xE2 at offset 0', [0xe2, 0x82, 0x20]],
    ['UTF-16', '0xFF at offset 0', [0xff, 0xfe, 0x61, 0x00]],
  ])('refuses %s', (_, where, bytes) => {
    expect(() => decodeUtf8(Uint8Array.from(bytes))).toThrow(`decodeUtf8: byte ${where} is not valid UTF-8`);
  });

  it('names the first byte of the first broken character in any bytes', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }).map((s) => Array.from(new TextEncoder().encode(s))),
      fc.array(fc.constantFrom(0x41, 0x80, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => expectFirstBroken(Uint8Array.from(pieces.flat()))),
      { numRuns: 1000 },
    );
  });

  it('names it after every lead with the bytes that just belong to it and just not', () => {
    const seconds = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
    for (let lead = 0; lead < 256; lead++) {
      for (const second of seconds) {
        for (const third of [0x7f, 0x80, 0xbf, 0xc0]) expectFirstBroken(Uint8Array.of(lead, second, third, 0x80, 0xff));
      }
    }
  });

  function expectFirstBroken(bytes: Uint8Array): void {
    let offset: number;
    try {
      decodeUtf8(bytes);
      return;
    } catch (error) {
      offset = Number(/at offset (\d+) /.exec((error as Error).message)![1]);
    }
    const isWhole = (end: number): boolean => {
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end)) !== undefined;
      } catch {
        return false;
      }
    };
    // no number of further bytes makes a character
    const whole = [0, 1, 2, 3, 4].filter((more) => isWhole(offset + more));
    if (whole.join() !== '0') expect.fail(`${bytes}: said to be broken at ${offset}, whole to there and ${whole} more`);
  }
});

describe('splitTail', () => {
  it('cuts a tail off without copying', () => {
    const ids = Int32Array.from({ length: 11 }, (_, i) => i);
    const { train, validation } = splitTail(ids, 0.2);
    expect([Array.from(train), Array.from(validation)]).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
      [9, 10],
    ]);
    expect(validation.buffer).toBe(ids.buffer);
    expect(splitTail(ids, 0).train.length).toBe(11);
  });

  it('refuses a fraction outside [0, 1)', () => {
    for (const fraction of [-0.1, 1, NaN]) {
      expect(() => splitTail(new Int32Array(4), fraction)).toThrow(`splitTail: fraction is ${fraction}, expected`);
    }
  });
});
