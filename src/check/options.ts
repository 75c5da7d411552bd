import { describe } from './describe.ts';

/** Names that other libraries give to what has another name here, each with the names that are meant; without case and underscores. */
export type Synonyms = Readonly<Record<string, readonly string[]>>;

/**
 * Throws unless every name of an object is one of `known`: a misspelt option would otherwise be ignored.
 *
 * @param fn the prefix of the message
 * @param synonyms names of other libraries
 * @param hintFor what to say of a name in the place of the plain hint; null for the plain one
 * @throws {TypeError} naming the unknown name and the one that was meant: one that other libraries use for it, or the nearest;
 *   where there is none, all of them. Also where `options` is no object.
 */
export function assertOptions(
  fn: string,
  options: unknown,
  known: readonly string[],
  synonyms: Synonyms = {},
  hintFor: (name: string, meant: string | null) => string | null = () => null,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${fn}: options is ${describe(options)}, expected an object with ${known.join(', ')}`);
  }
  for (const name in options) {
    if (known.includes(name)) continue;
    const meant = nearestName(name, known, synonyms);
    const plain = meant === null ? `expected ${known.join(', ')}` : `did you mean ${meant}?`;
    throw new TypeError(`${fn}: unknown option ${name}, ${hintFor(name, meant) ?? plain}`);
  }
}

/** The known name that is the same but for case and underscores, or that other libraries have another name for. */
export function otherName(name: string, known: readonly string[], synonyms: Synonyms): string | null {
  const plain = plainly(name);
  const same = known.find((own) => plainly(own) === plain);
  const common = Object.hasOwn(synonyms, plain) ? synonyms[plain] : [];
  return same ?? common.find((own) => known.includes(own)) ?? null;
}

/**
 * The known name that was probably meant: the same but for case and underscores, one that other libraries have another name
 * for, or the nearest by single edits (at most one for each three letters). Null where there is none.
 */
export function nearestName(name: string, known: readonly string[], synonyms: Synonyms = {}): string | null {
  const other = otherName(name, known, synonyms);
  if (other !== null) return other;
  const plain = plainly(name);
  let best: string | null = null;
  let least = Math.floor(plain.length / 3) + 1;
  for (const own of known) {
    const edits = editDistance(plain, plainly(own));
    if (edits < least) {
      least = edits;
      best = own;
    }
  }
  return best;
}

function plainly(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** The least number of letters inserted, deleted, replaced, or swapped with their neighbour (Damerau 1964). */
function editDistance(a: string, b: string): number {
  let [before, last] = [new Array<number>(b.length + 1).fill(0), Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replaced, last[j] + 1, row[j - 1] + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
