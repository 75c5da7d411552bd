import { type Expr, type FunctionBuilder, f32x4, i32x4, type V128, v128 } from './assembler.ts';
import { LN2_HIGH, LN2_LOW, polynomial } from './exp.ts';

/** Of (ln(1 + r) − r + r²/2)/r³, √½ ≤ 1 + r < √2, highest power first (Cephes, logf). */
const COEFFICIENTS = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];
/** The bits of √½. */
const SQRT_HALF = new Int32Array(Float32Array.of(Math.SQRT1_2).buffer)[0];

/**
 * ln x = n·ln 2 + ln(1 + r) with x = 2ⁿ·(1 + r) taken apart by its bits, √½ ≤ 1 + r < √2; within 1 ulp. Denormals are
 * made normal first. ln 0 = −∞, and NaN below.
 */
export function log(f: FunctionBuilder, value: V128): Expr<'v128'> {
  const x = f.vector(value);
  const tiny = f.let(f32x4.less(x, 2 ** -126));
  const normal = f.let(v128.select(f32x4.mul(x, 2 ** 23), x, tiny));
  const whole = f.let(i32x4.shr(i32x4.sub(normal, i32x4.splat(SQRT_HALF)), 23));
  const n = f.let(f32x4.sub(f32x4.convertI32x4(whole), v128.and(tiny, 23)));
  const r = f.let(f32x4.sub(i32x4.sub(normal, i32x4.shl(whole, 23)), 1));
  const square = f.let(f32x4.mul(r, r));
  const cubic = f32x4.mul(f32x4.mul(square, r), polynomial(r, COEFFICIENTS));
  const low = f32x4.sub(f32x4.add(cubic, f32x4.mul(n, LN2_LOW)), f32x4.mul(square, 0.5));
  const finite = f32x4.add(f32x4.add(low, r), f32x4.mul(n, LN2_HIGH));
  const result = v128.select(finite, x, f32x4.less(x, Number.POSITIVE_INFINITY));
  return v128.or(v128.select(Number.NEGATIVE_INFINITY, result, f32x4.equal(x, 0)), f32x4.less(x, 0));
}

/**
 * ln(1 + x) for −1 ≤ x < ∞: ln u of the rounded u = 1 + x, corrected by what rounding did to it (Kahan); within 4 ulp.
 */
export function log1p(f: FunctionBuilder, value: V128): Expr<'v128'> {
  const x = f.vector(value);
  const u = f.let(f32x4.add(x, 1));
  const corrected = f32x4.mul(log(f, u), f32x4.div(x, f32x4.sub(u, 1)));
  return v128.select(x, corrected, f32x4.equal(u, 1));
}
