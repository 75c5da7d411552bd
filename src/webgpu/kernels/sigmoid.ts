import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise } from '../device/elementwise.ts';

/**
 * WGSL: σ(x) with e = e^(−|x|): 1/(1 + e) for x ≥ 0, e/(1 + e) for x < 0, so that nothing overflows and the small end
 * keeps its digits.
 */
export const SIGMOID_WGSL = `
fn sigmoid_of(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(1.0, e, x < 0.0) / (1.0 + e);
}`;

const forward = elementwise('sigmoid', { y: 'f32' }, { x: 'f32' }, {}, 'set_y(i, sigmoid_of(x(i)));', SIGMOID_WGSL);

/** y = σ(x) = 1/(1 + e⁻ˣ). `y` may be `x`. */
export function sigmoid(y: FloatBuffer, x: FloatBuffer): void {
  dispatchAll(forward, { y, x });
}

const backward = elementwise(
  'sigmoidBackward',
  { dx: 'f32' },
  { dy: 'f32', y: 'f32' },
  {},
  'set_dx(i, y(i) * (1.0 - y(i)) * dy(i));',
);

/** dx = y(1 − y)·dy, for y = σ(x). `dx` is overwritten and may be `dy`. */
export function sigmoidBackward(dx: FloatBuffer, dy: FloatBuffer, y: FloatBuffer): void {
  dispatchAll(backward, { dx, dy, y });
}
