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
