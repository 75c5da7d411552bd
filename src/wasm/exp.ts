import { type Expr, type FunctionBuilder, f32x4, i32x4, type V128, v128 } from './assembler.ts';

/** ln 2 in two parts, the first so short that n times it is exact. */
export const LN2_HIGH = 0.693359375;
export const LN2_LOW = -2.1219444e-4;
/** Of (eʳ − 1 − r)/r², |r| ≤ ½ ln 2, highest power first (Cephes, expf). */
const COEFFICIENTS = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5];

/**
 * eˣ = 2ⁿ·eʳ with n the whole number next to x/ln 2 and r = x − n·ln 2; within 2 ulp. 2ⁿ is multiplied on in two halves,
 * so that the way to infinity and through the denormals to 0 is rounded once, at the end. NaN stays NaN.
 */
export function exp(f: FunctionBuilder, x: V128): Expr<'v128'> {
  // Beyond these the result is infinite or 0, and n would leave the exponents.
  const bounded = f.let(f32x4.pmax(f32x4.pmin(x, 90), -105));
  const n = f.let(f32x4.nearest(f32x4.mul(bounded, Math.LOG2E)));
  const r = f.let(f32x4.sub(f32x4.sub(bounded, f32x4.mul(n, LN2_HIGH)), f32x4.mul(n, LN2_LOW)));
  const p = f.let(polynomial(r, COEFFICIENTS));
  const er = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), 1);
  const whole = f.let(i32x4.ofFloats(n));
  const half = f.let(i32x4.shr(whole, 1));
  return f32x4.mul(f32x4.mul(er, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** Horner's rule, highest power first. */
export function polynomial(x: V128, coefficients: readonly number[]): Expr<'v128'> {
  const [first, second, ...rest] = coefficients;
  return rest.reduce((sum, c) => f32x4.add(f32x4.mul(sum, x), c), f32x4.add(f32x4.mul(x, first), second));
}

/** 2ⁿ for −126 ≤ n ≤ 127: n as the exponent of a float. */
function powerOfTwo(n: Expr<'v128'>): Expr<'v128'> {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** The sign bit of each lane. */
export function signOf(x: V128): Expr<'v128'> {
  return v128.and(x, -0);
}
