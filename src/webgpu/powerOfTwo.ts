/** The smallest power of two that is at least n, for n = 1 … 2³¹. */
export function powerOfTwo(n: number): number {
  return n <= 1 ? 1 : 2 * (1 << (31 - Math.clz32(n - 1)));
}
