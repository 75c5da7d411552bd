import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise, IS_NAN_WGSL } from '../device/elementwise.ts';

const forward = elementwise(
  'relu',
  { y: 'f32' },
  { x: 'f32' },
  {},
  'set_y(i, select(0.0, x(i), x(i) > 0.0 || is_nan(x(i))));',
  IS_NAN_WGSL,
);

/** y = max(x, 0). `y` may be `x`. NaN stays NaN. */
export function relu(y: FloatBuffer, x: FloatBuffer): void {
  dispatchAll(forward, { y, x });
}

const backward = elementwise(
  'reluBackward',
  { dx: 'f32' },
  { dy: 'f32', y: 'f32' },
  {},
  'set_dx(i, select(0.0, dy(i), y(i) > 0.0));',
);

/** dx = dy where y > 0, else 0, for y = max(x, 0). `dx` is overwritten and may be `dy`. */
export function reluBackward(dx: FloatBuffer, dy: FloatBuffer, y: FloatBuffer): void {
  dispatchAll(backward, { dx, dy, y });
}
