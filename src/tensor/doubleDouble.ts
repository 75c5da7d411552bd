/**
 * Numbers of about 106 bits: the sum of two float64, of which `low` is at most half the last digit of `high`. The tables of
 * exp, log and tanh are computed with them, once, when they are loaded.
 *
 * Sources: Dekker, A floating-point technique for extending the available precision, Numer. Math. 18 (1971); Knuth, The
 * Art of Computer Programming 2, section 4.2.2.
 */
export interface DoubleDouble {
  readonly high: number;
  readonly low: number;
}

export const ONE: DoubleDouble = { high: 1, low: 0 };
export const LN2: DoubleDouble = { high: Math.LN2, low: 2.3190468138462996e-17 };

/** a rounded to 26 bits: products of such halves are exact. */
export function upperHalf(a: number): number {
  const t = a * (2 ** 27 + 1);
  return t - (t - a);
}

/** a + b, exactly. */
function sumOf(a: number, b: number): DoubleDouble {
  const high = a + b;
  const part = high - a;
  return { high, low: a - (high - part) + (b - part) };
}

/** a·b, exactly. */
export function productOf(a: number, b: number): DoubleDouble {
  const high = a * b;
  const aHigh = upperHalf(a);
  const bHigh = upperHalf(b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return { high, low: aHigh * bHigh - high + aHigh * bLow + aLow * bHigh + aLow * bLow };
}

/** a/b */
export function quotientOf(a: number, b: number): DoubleDouble {
  return divide({ high: a, low: 0 }, { high: b, low: 0 });
}

export function add(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const sum = sumOf(x.high, y.high);
  return sumOf(sum.high, sum.low + (x.low + y.low));
}

export function multiply(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const product = productOf(x.high, y.high);
  return sumOf(product.high, product.low + (x.high * y.low + x.low * y.high));
}

export function divide(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const high = x.high / y.high;
  const back = productOf(high, y.high);
  return sumOf(high, (x.high - back.high - back.low + x.low - high * y.low) / y.high);
}

/** The nearest multiple of `unit`, a power of two, and the rest. */
export function splitAt(unit: number, x: DoubleDouble): DoubleDouble {
  const high = Math.round(x.high / unit) * unit;
  return { high, low: x.high - high + x.low };
}
