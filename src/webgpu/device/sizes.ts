/** 0, 1, … count − 1. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The smallest power of two that is at least n. */
export function powerOfTwoFrom(n: number): number {
  let power = 1;
  while (power < n) power *= 2;
  return power;
}

/** The largest power of two that is at most n, at least 1. */
export function powerOfTwoUpTo(n: number): number {
  let power = 1;
  while (2 * power <= n) power *= 2;
  return power;
}
