/**
 * Elementary functions to hundreds of digits, to hold those of float64 against: real numbers as whole multiples of
 * 2⁻¹²⁸⁰, which holds every float64 exactly with two hundred bits to spare below the smallest.
 */
const BITS = 1280n;
export const ONE: bigint = 1n << BITS;

/** The number that a float64 is. */
export function exactly(x: number): bigint {
  const [bits] = new BigInt64Array(Float64Array.of(x).buffer);
  const biased = (bits >> 52n) & 0x7ffn;
  const mantissa = (bits & 0xfffffffffffffn) | (biased === 0n ? 0n : 1n << 52n);
  const size = mantissa << (BITS - 1075n + (biased === 0n ? 1n : biased));
  return bits < 0n ? -size : size;
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) >> BITS;
}

export function ratio(a: bigint, b: bigint): bigint {
  return (a << BITS) / b;
}

/** first + first·f(1) + first·f(1)·f(2) + …, until nothing is left. */
function series(first: bigint, next: (term: bigint, i: bigint) => bigint): bigint {
  let sum = 0n;
  for (let term = first, i = 1n; term !== 0n && term !== -1n; term = next(term, i++)) sum += term;
  return sum;
}

/** ln 2 = 2·(1/3 + 1/(3·3³) + 1/(5·3⁵) + …) */
const LN2 = series((2n * ONE) / 3n, (term, i) => (term * (2n * i - 1n)) / (9n * (2n * i + 1n)));

/** eˣ: Taylor's series for x less a multiple of ln 2, divided by 2¹⁶, then squared as often. */
export function exp(x: bigint): bigint {
  const n = x / LN2;
  const r = (x - n * LN2) >> 16n;
  let power = series(ONE, (term, i) => times(term, r) / i);
  for (let i = 0; i < 16; i++) power = times(power, power);
  return n >= 0n ? power << n : power >> -n;
}

/** ln x for x > 0: the root y of e^y = z after Halley, where x = 2ⁿ·z; each step triples the digits. */
export function log(x: bigint): bigint {
  const n = BigInt(x.toString(2).length) - 1n - BITS;
  const z = n >= 0n ? x >> n : x << -n;
  let y = exactly(Math.log(Number(z >> (BITS - 60n)) / 2 ** 60));
  for (let i = 0; i < 3; i++) {
    const e = exp(y);
    y += 2n * ratio(z - e, z + e);
  }
  return n * LN2 + y;
}

export function tanh(x: bigint): bigint {
  const e = exp(2n * x);
  return ratio(e - ONE, e + ONE);
}

export function sin(x: bigint): bigint {
  return series(x, (term, i) => -times(times(term, x), x) / (2n * i * (2n * i + 1n)));
}

export function cos(x: bigint): bigint {
  return series(ONE, (term, i) => -times(times(term, x), x) / (2n * i * (2n * i - 1n)));
}

export function pow(x: bigint, y: bigint): bigint {
  return exp(times(y, log(x)));
}

/** How many units in its last place (that of `want`) a float64 is away from what it should be. */
export function ulpsOff(got: number, want: bigint): number {
  const size = want < 0n ? -want : want;
  const exponent = BigInt(size.toString(2).length) - 1n - BITS;
  const ulp = 1n << (BITS + (exponent > -1022n ? exponent : -1022n) - 52n);
  const error = exactly(got) - want;
  return Number((10_000n * (error < 0n ? -error : error)) / ulp) / 10_000;
}
