/**
 * Throws unless the caller's buffer `a` holds exactly `length` elements; `shape` names and counts its sizes, e.g. `[T,B] = [25,1]`.
 *
 * @throws {RangeError} naming function, argument, the length it got and the shape it wants.
 */
export function assertLength(fn: string, arg: string, a: ArrayLike<number>, shape: string, length: number): void {
  if (a.length !== length) {
    throw new RangeError(`${fn}: ${arg} has ${a.length} elements, expected ${shape}`);
  }
}

/** Whether an id from outside is a whole number in [0, size); a text of digits, which would index a list as well, is not. */
export function isIndex(id: unknown, size: number): boolean {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < size;
}
