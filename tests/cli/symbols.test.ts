import { CharVocabulary } from 'bptt/data';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode, encodeAgain, openingId, readSymbols, symbolsFrom } from '../../cli/symbols.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('characters have the ids that CharVocabulary gives them, whatever bytes they take', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
      const whole = Buffer.from(text).toString(); // no halves of a surrogate pair
      const vocabulary = CharVocabulary.fromText(whole);
      const { symbols, ids } = readSymbols(bytes(whole), 'character', 0);
      expect(symbols.names).toEqual(vocabulary.chars);
      expect(Array.from(ids)).toEqual(Array.from(vocabulary.encode(whole)));
      expect(decode(symbols, Array.from(ids))).toBe(whole);
      expect(encodeAgain(symbols, bytes(whole))).toEqual(ids);
    }),
  );
});

test('ids take as few bytes as they fit', () => {
  const text = (size: number) => Array.from({ length: size }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('');
  expect(readSymbols(bytes(text(256)), 'character', 0).ids).toBeInstanceOf(Uint8Array);
  expect(readSymbols(bytes(text(257)), 'character', 0).ids).toBeInstanceOf(Uint16Array);
  const many = Array.from({ length: 70_000 }, (_, i) => String.fromCodePoint(0x10000 + i)).join('');
  expect(readSymbols(bytes(many), 'character', 0).ids).toBeInstanceOf(Int32Array);
});

test('a character that is unknown is named with its place', () => {
  const { symbols } = readSymbols(bytes('hello'), 'character', 0);
  expect(() => symbols.encode('heЖ')).toThrow('"Ж" at position 2 is not one of the 4 characters known');
  expect(symbols.has('h') && !symbols.has('x')).toBe(true);
  expect(openingId(symbols)).toBe(0);
  expect(openingId(readSymbols(bytes('a\nb'), 'character', 0).symbols)).toBe(1);
});

test('words are written as a person would, one after the other', () => {
  const text = 'The cat sat, and sat. "The dog," he said, "ran."';
  const { symbols, ids } = readSymbols(bytes(text), 'word', 100);
  expect(symbols.unit).toBe('word');
  expect(decode(symbols, Array.from(ids))).toBe(text);
  expect(symbols.names[openingId(symbols)]).toBe('<s>');
  const prime = symbols.encode('The cat');
  expect(decode(symbols, Array.from(prime))).toBe('The cat');
  expect(encodeAgain(symbolsFrom('word', symbols.names), bytes(text))).toEqual(ids);
  const few = readSymbols(bytes(text), 'word', 5).symbols;
  expect(few.size).toBe(5);
  expect(few.has('dog')).toBe(false);
});
