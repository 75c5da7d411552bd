import { assertAboveZero, assertNumber } from '../../check/numbers.ts';
import { assertBuffer, assertFloats } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, dispatchElementwise, elementwise, IS_NAN_WGSL } from '../device/elementwise.ts';
import { sumOfSquares } from './sum.ts';

const forward = elementwise(
  'clip',
  { y: 'f32' },
  { x: 'f32' },
  { low: 'f32', high: 'f32' },
  'set_y(i, select(min(max(x(i), args.low), args.high), x(i), is_nan(x(i))));',
  IS_NAN_WGSL,
);

/**
 * y = min(max(x, low), high), with the bounds rounded to float32. `y` may be `x`. NaN stays NaN.
 *
 * @throws {RangeError} on lengths that differ or low > high.
 */
export function clip(y: FloatBuffer, x: FloatBuffer, low: number, high: number): void {
  assertNumber('clip', 'low', low);
  assertNumber('clip', 'high', high);
  if (low > high) throw new RangeError(`clip: low is ${low} and high is ${high}, expected low ≤ high`);
  dispatchAll(forward, { y, x }, { low, high });
}

const backward = elementwise(
  'clipBackward',
  { dx: 'f32' },
  { dy: 'f32', x: 'f32' },
  { low: 'f32', high: 'f32' },
  'set_dx(i, select(0.0, dy(i), x(i) > args.low && x(i) < args.high));',
);

/** dx = dy where low < x < high, else 0, for y = clip(x). `dx` is overwritten and may be `dy`. */
export function clipBackward(dx: FloatBuffer, dy: FloatBuffer, x: FloatBuffer, low: number, high: number): void {
  assertNumber('clipBackward', 'low', low);
  assertNumber('clipBackward', 'high', high);
  dispatchAll(backward, { dx, dy, x }, { low, high });
}

/**
 * Clips every element of the gradient to [−limit, limit], in place.
 *
 * @throws {RangeError} unless limit > 0.
 */
export function clipByValue(grads: FloatBuffer, limit: number): void {
  assertAboveZero('clipByValue', 'limit', limit);
  clip(grads, grads, -limit, limit);
}

// sqrt(0) may be anything in WGSL.
const scaleToNorm = elementwise(
  'clipByNorm',
  { norm: 'f32', grads: 'f32' },
  { squares: 'f32' },
  { max_norm: 'f32' },
  `let length = sqrt(max(squares(0u), 1e-30));
  if (i == 0u) { set_norm(0u, length); }
  let factor = args.max_norm / (length + 1e-6);
  if (!(factor >= 1.0)) { set_grads(i, factor * grads(i)); }`,
);

/**
 * Scales the gradient in place by min(1, maxNorm/(norm + 1e-6)), so that its Euclidean norm is at most `maxNorm`.
 *
 * @param norm [1], overwritten: the norm before clipping
 * @throws {RangeError} unless maxNorm > 0.
 */
export function clipByNorm(norm: FloatBuffer, grads: FloatBuffer, maxNorm: number): void {
  assertFloats('clipByNorm', { norm }, '[1]', 1);
  assertBuffer('clipByNorm', 'grads', grads);
  assertFloats('clipByNorm', { grads }, '[n]', grads.length);
  assertAboveZero('clipByNorm', 'maxNorm', maxNorm);
  const squares = grads.device.scratch('square of a norm', 1);
  sumOfSquares(squares, grads);
  dispatchElementwise(scaleToNorm, { norm, grads, squares }, grads.length, { max_norm: maxNorm });
}
