import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise } from '../device/elementwise.ts';

/**
 * WGSL: tanh x, within 9 ulp. The built-in one is NaN for large x on several drivers. So, with e = e^(−2|x|), which
 * never overflows: sign(x)·(1 − e)/(1 + e); for |x| < 0.625, where 1 − e cancels, x + x³·p(x²) (Cephes, tanhf).
 */
export const TANH_WGSL = `
fn tanh_of(x: f32) -> f32 {
  let size = abs(x);
  if (size < 0.625) {
    let s = x * x;
    let p = (((-5.70498872745e-3 * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
      - 3.33332819422e-1;
    return x + x * s * p;
  }
  let e = exp(-2.0 * size);
  return sign(x) * ((1.0 - e) / (1.0 + e));
}`;

const forward = elementwise('tanh', { y: 'f32' }, { x: 'f32' }, {}, 'set_y(i, tanh_of(x(i)));', TANH_WGSL);

/** y = tanh(x). `y` may be `x`. */
export function tanh(y: FloatBuffer, x: FloatBuffer): void {
  dispatchAll(forward, { y, x });
}

const backward = elementwise(
  'tanhBackward',
  { dx: 'f32' },
  { dy: 'f32', y: 'f32' },
  {},
  'set_dx(i, (1.0 - y(i) * y(i)) * dy(i));',
);

/** dx = (1 − y²)·dy, for y = tanh(x). `dx` is overwritten and may be `dy`. */
export function tanhBackward(dx: FloatBuffer, dy: FloatBuffer, y: FloatBuffer): void {
  dispatchAll(backward, { dx, dy, y });
}
