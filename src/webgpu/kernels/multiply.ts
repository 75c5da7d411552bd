import type * as host from '../../tensor/multiply.ts';
import type { OnDevice } from '../device/assert.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise } from '../device/elementwise.ts';

const product = elementwise('multiply', { z: 'f32' }, { x: 'f32', y: 'f32' }, {}, 'set_z(i, x(i) * y(i));');

/** z = x ⊙ y, element by element. `z` may be `x` or `y`. */
export function multiply(z: FloatBuffer, x: FloatBuffer, y: FloatBuffer): void {
  dispatchAll(product, { z, x, y });
}

/** dx = dz ⊙ y and dy = dz ⊙ x, for z = x ⊙ y; both overwritten. */
export const multiplyBackward: OnDevice<typeof host.multiplyBackward> = (dx, dy, dz, x, y) => {
  multiply(dx, dz, y);
  multiply(dy, dz, x);
};
