import type { FloatBuffer } from './buffers.ts';
import { elementwise, overElements } from './elements.ts';
import { expectBuffer } from './expect.ts';

/**
 * tanh in WGSL, within 8 ulp. The built-in one is NaN for large x on several drivers, so: sign(x)·(1 − e)/(1 + e) with
 * e = e^(−2|x|), which never overflows; for |x| < ¼, where 1 − e would cancel, x + x³·(an odd polynomial's rest).
 */
export const TANH_WGSL = `
fn tanh_of(x: f32) -> f32 {
  let a = abs(x);
  if (a < 0.25) {
    let s = x * x;
    return x + x * s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * (-17.0 / 315.0 + s * (62.0 / 2835.0 - s * 1382.0 / 155925.0))));
  }
  let e = exp(-2.0 * a);
  return sign(x) * ((1.0 - e) / (1.0 + e));
}`;

const forward = elementwise(
  { name: 'tanh', outputs: { y: 'f32' }, inputs: { x: 'f32' }, args: {} },
  'set_y(i, tanh_of(x(i)));',
  TANH_WGSL,
);

/** y = tanh(x). `y` may be `x`. */
export function tanh(y: FloatBuffer, x: FloatBuffer): void {
  expectBuffer('tanh', 'y', y, 'float32', '[n]', y.length);
  expectBuffer('tanh', 'x', x, 'float32', '[n]', y.length);
  overElements(forward, { y, x });
}

const backward = elementwise(
  { name: 'tanhBackward', outputs: { dx: 'f32' }, inputs: { dy: 'f32', y: 'f32' }, args: {} },
  'set_dx(i, (1.0 - y(i) * y(i)) * dy(i));',
);

/** dx = (1 − y²)·dy, for y = tanh(x). `dx` is overwritten and may be `dy`. */
export function tanhBackward(dx: FloatBuffer, dy: FloatBuffer, y: FloatBuffer): void {
  expectBuffer('tanhBackward', 'dx', dx, 'float32', '[n]', dx.length);
  expectBuffer('tanhBackward', 'dy', dy, 'float32', '[n]', dx.length);
  expectBuffer('tanhBackward', 'y', y, 'float32', '[n]', dx.length);
  overElements(backward, { dx, dy, y });
}
