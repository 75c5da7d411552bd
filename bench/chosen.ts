/** The things that a comma-separated option names, or all of them, in their own order. @throws {Error} on a name of none. */
export function chosen<A>(
  option: string,
  names: string | undefined,
  all: readonly A[],
  nameOf: (a: A) => string,
  means = (a: A, name: string): boolean => nameOf(a) === name,
): A[] {
  if (names === undefined) return [...all];
  const list = names.split(',').map((name) => name.trim());
  const unknown = list.find((name) => !all.some((a) => means(a, name)));
  if (unknown !== undefined) throw new Error(`${option}: ${unknown} is none of ${all.map(nameOf).join(', ')}`);
  return all.filter((a) => list.some((name) => means(a, name)));
}
