/**
 * Throws unless every name in `options` is one of `known`: a misspelt option would otherwise be ignored.
 *
 * @throws {TypeError} naming function, the unknown name and the known ones.
 */
export function assertOptions(fn: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`${fn}: unknown option ${name}, expected ${known.join(', ')}`);
  }
}
