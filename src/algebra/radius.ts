import { assertNumeric, assertRange } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFunction, assertObject } from '../check/values.ts';
import { expOf } from '../tensor/exp.ts';
import type { Algebra } from './algebra.ts';
import { numberAlgebra } from './numbers.ts';

/** A value in float64, and how far the same formula in a coarser arithmetic may be from it. */
export interface Radius {
  readonly value: number;
  readonly radius: number;
}

/**
 * The error of a function for an exact argument: so many ulp of the result (½ is correct rounding), or an absolute bound
 * from argument and result.
 */
export type FunctionError = number | ((x: number, y: number) => number);

/** An arithmetic whose errors {@link radiusAlgebra} bounds. */
export interface Precision {
  /** u, the relative error of a sum, difference or product: 2⁻²⁴ in float32. */
  readonly unitRoundoff: number;
  /** The absolute error where a result is subnormal: 2⁻¹⁴⁹ in float32, 2⁻¹²⁶ where such results become 0. */
  readonly underflow: number;
  /** What the arithmetic makes of a constant: `Math.fround` in float32. */
  round(value: number): number;
  readonly errors: Readonly<Record<'div' | 'sqrt' | 'exp' | 'log' | 'tanh' | 'sigmoid', FunctionError>>;
}

/** Float32 with correct division and roots; the other functions are off by up to 1 ulp unless `errors` says more. */
export function float32Precision(errors: Partial<Precision['errors']> = {}, underflow: number = 2 ** -126): Precision {
  assertOptions('float32Precision', errors, FUNCTIONS);
  for (const [name, error] of Object.entries(errors)) {
    if (typeof error !== 'function') assertRange('float32Precision', `errors.${name}`, error, 0);
  }
  assertRange('float32Precision', 'underflow', underflow, 0);
  return {
    unitRoundoff: 2 ** -24,
    underflow,
    round: Math.fround,
    errors: { div: 0.5, sqrt: 0.5, exp: 1, log: 1, tanh: 1, sigmoid: 1, ...errors },
  };
}

/** A number that both arithmetics hold exactly. */
export function exactly(value: number): Radius {
  assertNumeric('exactly', 'value', value);
  return { value, radius: 0 };
}

/** Whether a twin's result lies within the bound; a NaN never does. */
export function isWithin(bound: Radius, got: number): boolean {
  assertObject('isWithin', 'bound', bound, 'a value with its radius');
  const { value, radius } = bound;
  assertNumeric('isWithin', 'bound.value', value);
  assertNumeric('isWithin', 'bound.radius', radius);
  assertNumeric('isWithin', 'got', got);
  return Math.abs(got - value) <= radius;
}

/** The functions whose errors a precision tells. */
const FUNCTIONS = ['div', 'sqrt', 'exp', 'log', 'tanh', 'sigmoid'];

function assertPrecision(precision: Precision): void {
  const fn = 'radiusAlgebra';
  assertObject(fn, 'precision', precision, 'what float32Precision gives');
  assertRange(fn, 'unitRoundoff', precision.unitRoundoff, 0);
  assertRange(fn, 'underflow', precision.underflow, 0);
  assertFunction(fn, 'round', precision.round);
  assertObject(fn, 'errors', precision.errors);
  for (const name of FUNCTIONS) {
    const error: unknown = precision.errors[name as keyof Precision['errors']];
    if (typeof error !== 'function') assertRange(fn, `errors.${name}`, error, 0);
  }
}

/** Rounding errors of the float64 values and radii themselves, relative: a few of 2⁻⁵³ in each operation. */
const OWN = 2 ** -50;

/**
 * A formula with a bound on what rounding does to it: the values are those of {@link numberAlgebra}, and any evaluation in
 * the given precision, operation by operation in the formula's order, stays within the radius. The bound is first-order
 * analysis without its gaps: each operation passes on the radii of its arguments at the steepest slope that they allow, and
 * adds its own rounding. A product and a sum fused into one operation stay within it, too; sums in another order do not.
 *
 * Where a radius leaves open which side `whereGreater` takes, both sides are in the bound. Where an argument may lie
 * outside a function's domain, the radius is infinite: a twin is then not held to anything but being a number.
 */
export function radiusAlgebra(precision: Precision): Algebra<Radius> {
  assertPrecision(precision);
  const { unitRoundoff: u, underflow, errors, round } = precision;
  const rounded = (value: number, passed: number): Radius => ({
    value,
    radius: (passed + (u + OWN) * (Math.abs(value) + passed) + underflow) * (1 + OWN),
  });
  const computed = (name: keyof Precision['errors'], x: number, value: number, passed: number): Radius => {
    const error = errors[name];
    // An ulp is at most 2u of the number.
    const own = typeof error === 'number' ? error * 2 * u * (Math.abs(value) + passed) : error(x, value);
    return { value, radius: (passed + own + OWN * (Math.abs(value) + passed) + underflow) * (1 + OWN) };
  };
  return {
    constant: (value) => ({ value, radius: Math.abs(round(value) - value) }),
    add: (a, b) => rounded(a.value + b.value, a.radius + b.radius),
    sub: (a, b) => rounded(a.value - b.value, a.radius + b.radius),
    mul: (a, b) =>
      rounded(a.value * b.value, Math.abs(a.value) * b.radius + Math.abs(b.value) * a.radius + a.radius * b.radius),
    div(a, b) {
      const value = a.value / b.value;
      const least = Math.abs(b.value) - b.radius;
      // |a′/b′ − a/b| = |a′ − a − (a/b)(b′ − b)|/|b′|
      const passed = least > 0 ? (a.radius + Math.abs(value) * b.radius) / least : Infinity;
      return computed('div', a.value, value, passed);
    },
    neg: (a) => ({ value: -a.value, radius: a.radius }),
    abs: (a) => ({ value: Math.abs(a.value), radius: a.radius }),
    sqrt(a) {
      const value = Math.sqrt(a.value);
      const { radius } = a;
      if (radius === 0) return computed('sqrt', a.value, value, 0);
      const down = radius < a.value ? radius / (value + Math.sqrt(a.value - radius)) : value;
      const up = radius / (value + Math.sqrt(a.value + radius));
      return computed('sqrt', a.value, value, Math.max(down, up));
    },
    exp(a) {
      const value = numberAlgebra.exp(a.value);
      return computed('exp', a.value, value, value * a.radius * expOf(a.radius));
    },
    log(a) {
      const passed = a.radius < a.value ? a.radius / (a.value - a.radius) : Infinity;
      return computed('log', a.value, numberAlgebra.log(a.value), passed);
    },
    tanh(a) {
      // 1 − tanh²(x) = 4e^−2x/(1 + e^−2x)², steepest where |x| is least.
      const e = expOf(-2 * Math.max(0, Math.abs(a.value) - a.radius));
      const passed = a.radius === 0 ? 0 : Math.min(2, ((4 * e) / ((1 + e) * (1 + e))) * a.radius);
      return computed('tanh', a.value, numberAlgebra.tanh(a.value), passed);
    },
    sigmoid(a) {
      const e = expOf(-Math.max(0, Math.abs(a.value) - a.radius));
      const passed = a.radius === 0 ? 0 : Math.min(1, (e / ((1 + e) * (1 + e))) * a.radius);
      return computed('sigmoid', a.value, numberAlgebra.sigmoid(a.value), passed);
    },
    max: (a, b) => ({
      value: numberAlgebra.max(a.value, b.value),
      radius: isApart(a, b) ? (a.value < b.value ? b : a).radius : Math.max(a.radius, b.radius),
    }),
    min: (a, b) => ({
      value: numberAlgebra.min(a.value, b.value),
      radius: isApart(a, b) ? (b.value < a.value ? b : a).radius : Math.max(a.radius, b.radius),
    }),
    whereGreater(a, b, x, y) {
      const [taken, other] = a.value > b.value ? [x, y] : [y, x];
      if (isApart(a, b)) return taken;
      return {
        value: taken.value,
        radius: Math.max(taken.radius, Math.abs(taken.value - other.value) + other.radius),
      };
    },
  };
}

/** Whether no numbers within the radii compare otherwise than the values do. */
function isApart(a: Radius, b: Radius): boolean {
  const radii = a.radius + b.radius;
  return radii === 0 || Math.abs(a.value - b.value) > radii;
}
