/** The smallest power of two that is at least n. */
export function powerOfTwoFrom(n: number): number {
  let power = 1;
  while (power < n) power *= 2;
  return power;
}
