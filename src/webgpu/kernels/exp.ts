import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise } from '../device/elementwise.ts';

const forward = elementwise('exp', { y: 'f32' }, { x: 'f32' }, {}, 'set_y(i, exp(x(i)));');

/** y = eˣ, within the 3 + 2|x| ulp that WGSL promises. `y` may be `x`. */
export function exp(y: FloatBuffer, x: FloatBuffer): void {
  dispatchAll(forward, { y, x });
}

const backward = elementwise('expBackward', { dx: 'f32' }, { dy: 'f32', y: 'f32' }, {}, 'set_dx(i, y(i) * dy(i));');

/** dx = y·dy, for y = eˣ. `dx` is overwritten and may be `dy`. */
export function expBackward(dx: FloatBuffer, dy: FloatBuffer, y: FloatBuffer): void {
  dispatchAll(backward, { dx, dy, y });
}
