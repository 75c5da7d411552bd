const SMALLEST = -1074;
const LARGEST = 1023;

/** 2ⁿ at n + 1074, for every float64 that is a power of two: multiplying by one moves the exponent, quicker than bits. */
const POWERS: Float64Array = powers();

function powers(): Float64Array {
  const table = new Float64Array(LARGEST - SMALLEST + 1);
  for (let i = 0, power = Number.MIN_VALUE; i < table.length; i++, power *= 2) table[i] = power;
  return table;
}

/** 2ⁿ for a whole number −1074 ≤ n ≤ 1023. */
export function powerOfTwo(n: number): number {
  return POWERS[n - SMALLEST];
}
