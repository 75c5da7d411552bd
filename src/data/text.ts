import { assertIdArray, type IdArray } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertRange, assertWholes } from '../check/numbers.ts';
import { assertAttached, assertIterable, assertList, assertOneOf, assertText } from '../check/values.ts';

/** How {@link CharVocabulary.fromText} numbers the characters. */
export type CharOrder = 'appearance' | 'sorted';

/** The characters (Unicode code points) that a net knows, each with its id 0 … size-1. */
export class CharVocabulary {
  /** The character of each id. */
  readonly chars: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  /**
   * From a given list: the character at index i has id i.
   *
   * @throws {RangeError} when the list is empty, holds a character twice, or an entry is not one code point.
   */
  constructor(chars: Iterable<string>) {
    if (typeof chars !== 'string') assertIterable('CharVocabulary', 'chars', chars, 'a list of characters');
    this.chars = Array.from(chars);
    const ids = new Map<string, number>();
    for (const [id, char] of this.chars.entries()) {
      if (typeof char !== 'string' || char.length !== String.fromCodePoint(char.codePointAt(0) ?? 0).length) {
        throw new RangeError(`CharVocabulary: chars[${id}] is ${describe(char)}, expected one character`);
      }
      if (ids.has(char)) {
        throw new RangeError(`CharVocabulary: chars[${id}] is ${quote(char)}, the same as chars[${ids.get(char)}]`);
      }
      ids.set(char, id);
    }
    if (ids.size === 0) throw new RangeError('CharVocabulary: got no characters, expected at least one');
    this.#ids = ids;
  }

  /**
   * All characters of a text, in order of first appearance or sorted by code point.
   *
   * @throws {RangeError} when the text is empty.
   */
  static fromText(text: string, order: CharOrder = 'appearance'): CharVocabulary {
    assertText('CharVocabulary.fromText', 'text', text);
    assertOneOf('CharVocabulary.fromText', 'order', order, ['appearance', 'sorted']);
    const chars = Array.from(new Set(text));
    if (order === 'sorted') chars.sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
    return new CharVocabulary(chars);
  }

  /** V, the number of characters. */
  get size(): number {
    return this.chars.length;
  }

  /** Whether the vocabulary knows the character. */
  has(char: string): boolean {
    assertText('CharVocabulary.has', 'char', char);
    return this.#ids.has(char);
  }

  /**
   * The ids of the characters of a text, [T].
   *
   * @throws {RangeError} naming the first character that the vocabulary lacks and its position, counted in characters.
   */
  encode(text: string): Int32Array {
    assertText('CharVocabulary.encode', 'text', text);
    const ids: number[] = [];
    for (const char of text) {
      const id = this.#ids.get(char);
      if (id === undefined) {
        throw new RangeError(
          `CharVocabulary.encode: ${quote(char)} at position ${ids.length} is not one of the ${this.size} known characters`,
        );
      }
      ids.push(id);
    }
    return Int32Array.from(ids);
  }

  /**
   * The text of a list of ids.
   *
   * @throws {RangeError} naming the first id that is not in the vocabulary and its index.
   */
  decode(ids: ArrayLike<number>): string {
    assertList('CharVocabulary.decode', 'ids', ids, 'a list of ids');
    assertWholes('CharVocabulary.decode', 'ids', ids, 0, this.size - 1);
    let text = '';
    for (let i = 0; i < ids.length; i++) text += this.chars[ids[i]];
    return text;
  }
}

/**
 * The text of UTF-8 bytes, strictly: nothing is replaced. A byte order mark at the start is dropped.
 *
 * @throws {RangeError} naming the offset of the first byte that does not belong to a whole, valid character.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(`decodeUtf8: bytes is ${describe(bytes)}, expected a Uint8Array`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const offset = firstInvalidByte(bytes);
    const byte = bytes[offset].toString(16).toUpperCase().padStart(2, '0');
    throw new RangeError(`decodeUtf8: byte 0x${byte} at offset ${offset} is not valid UTF-8`);
  }
}

/** Leads, the bytes that follow, and the range of the first of those (it excludes overlong forms, surrogates, > U+10FFFF). */
const UTF8_LEADS: readonly (readonly [from: number, to: number, following: number, low: number, high: number])[] = [
  [0x00, 0x7f, 0, 0x00, 0x00],
  [0xc2, 0xdf, 1, 0x80, 0xbf],
  [0xe0, 0xe0, 2, 0xa0, 0xbf],
  [0xe1, 0xec, 2, 0x80, 0xbf],
  [0xed, 0xed, 2, 0x80, 0x9f],
  [0xee, 0xef, 2, 0x80, 0xbf],
  [0xf0, 0xf0, 3, 0x90, 0xbf],
  [0xf1, 0xf3, 3, 0x80, 0xbf],
  [0xf4, 0xf4, 3, 0x80, 0x8f],
];

/** Only for bytes that are known to hold an invalid one. */
function firstInvalidByte(bytes: Uint8Array): number {
  let i = 0;
  for (;;) {
    const lead = UTF8_LEADS.find(([from, to]) => from <= bytes[i] && bytes[i] <= to);
    if (lead === undefined) return i;
    const [, , following, low, high] = lead;
    for (let k = 1; k <= following; k++) {
      const byte = bytes[i + k]; // undefined past the end, which is in no range
      const valid = k === 1 ? byte >= low && byte <= high : byte >= 0x80 && byte <= 0xbf;
      if (!valid) return i;
    }
    i += 1 + following;
  }
}

/**
 * Splits a text's ids into a head to train on and a tail, `floor(fraction · length)` long, to validate on. Both are views.
 *
 * @throws {RangeError} when fraction is not in [0, 1).
 */
export function splitTail<A extends IdArray>(ids: A, fraction: number): { train: A; validation: A } {
  assertIdArray('splitTail', 'ids', ids);
  assertAttached('splitTail', 'ids', ids);
  assertRange('splitTail', 'fraction', fraction, 0, 1);
  const at = ids.length - Math.floor(ids.length * fraction);
  return { train: ids.subarray(0, at) as A, validation: ids.subarray(at) as A };
}

/** The character in quotes, with its code point where it could not be seen. */
function quote(char: string): string {
  if (/[\p{L}\p{N}\p{P}\p{S}]/u.test(char)) return `'${char}'`;
  return `${JSON.stringify(char)} (U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')})`;
}
