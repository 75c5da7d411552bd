import fc from 'fast-check';
import { expect } from 'vitest';
import { FormatError } from '../../src/interop/index.ts';

/** A file with some bytes flipped, or its end cut off, or a piece of it doubled or left out; `places` are hit more often. */
export function damaged(file: Uint8Array, places?: readonly number[]): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(file.length - 1);
  const flipped = places ? fc.oneof(at, fc.constantFrom(...places)) : at;
  const flips = fc
    .array(fc.tuple(flipped, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 6 })
    .map((list) => {
      const copy = file.slice();
      for (const [place, mask] of list) copy[place] ^= mask;
      return copy;
    });
  const cut = at.map((end) => file.slice(0, end));
  const moved = fc.tuple(at, at, at).map(([from, to, into]) => {
    const piece = file.subarray(Math.min(from, to), Math.max(from, to));
    return Uint8Array.from([...file.subarray(0, into), ...piece, ...file.subarray(into)]);
  });
  const without = fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(([from, count]) => {
    return Uint8Array.from([...file.subarray(0, from), ...file.subarray(from + count)]);
  });
  return fc.oneof({ weight: 4, arbitrary: flips }, cut, moved, without);
}

/** What a reader may do with a damaged file: give a model no larger than the file warrants, or a FormatError. */
export async function survives(read: () => unknown, length: number): Promise<'read' | 'refused'> {
  try {
    const result = await read();
    const values = Object.values(result as Record<string, { values?: ArrayLike<number> } | ArrayLike<number>>);
    const elements = values.reduce(
      (sum, value) => sum + ('values' in value ? value.values!.length : (value as ArrayLike<number>).length),
      0,
    );
    expect(elements).toBeLessThan(64 * length + 1000);
    return 'read';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message).toMatch(/^(read|from)\w+: ./);
    return 'refused';
  }
}
