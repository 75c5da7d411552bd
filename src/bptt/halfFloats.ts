/** A 16-bit floating-point format: a sign bit, exponent bits, `fraction` bits. */
export interface HalfFormat {
  readonly fraction: number;
  /** The exponent of the smallest normal number. */
  readonly smallest: number;
  /** All exponent bits set: infinities and NaN. */
  readonly infinity: number;
}

/** IEEE 754 binary16: 5 exponent bits, 10 fraction bits. */
export const F16: HalfFormat = { fraction: 10, smallest: -14, infinity: 0x7c00 };
/** bfloat16, the upper half of a float32: 8 exponent bits, 7 fraction bits. */
export const BF16: HalfFormat = { fraction: 7, smallest: -126, infinity: 0x7f80 };

const bits = new DataView(new ArrayBuffer(8));

/** 2^(i − 140), for all exponents that either format needs: a power takes ten times as long as a look-up. */
const POWERS = Float64Array.from({ length: 281 }, (_, i) => 2 ** (i - 140));
const ZEROTH = 140;

/** The number of 16 bits, exact in float32. */
export function numberOfHalf(half: number, { fraction, smallest, infinity }: HalfFormat): number {
  const sign = half & 0x8000 ? -1 : 1;
  const magnitude = half & 0x7fff;
  if (magnitude >= infinity) return magnitude > infinity ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  const one = 1 << fraction;
  const exponent = magnitude >> fraction;
  const digits = magnitude & (one - 1);
  if (exponent === 0) return sign * digits * POWERS[ZEROTH + smallest - fraction];
  return sign * (one + digits) * POWERS[ZEROTH + smallest + exponent - 1 - fraction];
}

/**
 * The 16 bits nearest to a float64, halves to the even neighbour, in one rounding. Numbers too large become infinite, every
 * NaN the quiet one.
 */
export function halfOfNumber(x: number, { fraction, smallest, infinity }: HalfFormat): number {
  if (Number.isNaN(x)) return infinity | (1 << (fraction - 1));
  bits.setFloat64(0, x);
  const sign = (bits.getUint32(0) >>> 16) & 0x8000;
  const exponent = Math.max(((bits.getUint32(0) >>> 20) & 0x7ff) - 1023, smallest);
  if (exponent > 2 - smallest) return sign | infinity;
  // in units of the last place; adding 2⁵² rounds to a whole number
  const digits = Math.abs(x) * POWERS[ZEROTH + fraction - exponent] + 2 ** 52 - 2 ** 52;
  // the leading 1 of a normal number adds to the exponent, and so does a fraction that was rounded up to 2
  return sign | Math.min(((exponent - smallest) << fraction) + digits, infinity);
}
