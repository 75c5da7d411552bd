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

/** The number of 16 bits, exact in float32. */
export function numberOfHalf(half: number, { fraction, smallest, infinity }: HalfFormat): number {
  const sign = half & 0x8000 ? -1 : 1;
  const magnitude = half & 0x7fff;
  if (magnitude >= infinity) return magnitude > infinity ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  const one = 2 ** fraction;
  const exponent = Math.floor(magnitude / one);
  const digits = magnitude % one;
  if (exponent === 0) return sign * digits * 2 ** (smallest - fraction);
  return sign * (one + digits) * 2 ** (smallest + exponent - 1 - fraction);
}

/**
 * The 16 bits nearest to a float64, halves to the even neighbour, in one rounding. Numbers too large become infinite, every
 * NaN the quiet one.
 */
export function halfOfNumber(x: number, { fraction, smallest, infinity }: HalfFormat): number {
  if (Number.isNaN(x)) return infinity | (1 << (fraction - 1));
  bits.setFloat64(0, x);
  const sign = (bits.getUint32(0) >>> 16) & 0x8000;
  if (!Number.isFinite(x)) return sign | infinity;
  const exponent = Math.max(((bits.getUint32(0) >>> 20) & 0x7ff) - 1023, smallest);
  // in units of the last place; adding 2⁵² rounds to a whole number
  const digits = Math.abs(x) * 2 ** (fraction - exponent) + 2 ** 52 - 2 ** 52;
  // the leading 1 of a normal number adds to the exponent, and so does a fraction that was rounded up to 2
  return sign | Math.min((exponent - smallest) * 2 ** fraction + digits, infinity);
}
