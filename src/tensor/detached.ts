import type { FloatArray } from './shape.ts';

// An array whose buffer was handed to another thread is detached: it has no elements, and its `fill` and `set` throw under
// their own name. These two do nothing then, as a loop would.

/** Every element of `a` becomes `value`. */
export function fill(a: FloatArray, value: number): void {
  if (a.length > 0) a.fill(value);
}

/** The elements of `from` become the first of `to`. */
export function copy(to: FloatArray, from: FloatArray): void {
  if (from.length > 0) to.set(from);
}
