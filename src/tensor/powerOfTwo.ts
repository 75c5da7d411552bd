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

const float = new Float64Array(1);
const words = new Int32Array(float.buffer);
/** Where the word with sign, exponent and the first 20 bits of the mantissa stands. */
const HIGH = new Uint8Array(Uint32Array.of(1).buffer)[0];

/** The upper 32 bits of a float64: sign, 11 bits of exponent (biased by 1023), the first 20 of the mantissa. */
export function highWord(x: number): number {
  float[0] = x;
  return words[HIGH];
}

/** ⌊log₂ |x|⌋ for a finite x ≠ 0. */
export function exponentOf(x: number): number {
  const biased = (highWord(x) >> 20) & 0x7ff;
  return biased === 0 ? exponentOf(x * 2 ** 54) - 54 : biased - 1023;
}
