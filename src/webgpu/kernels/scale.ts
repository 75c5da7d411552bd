import { assertNumber } from '../../check/numbers.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise } from '../device/elementwise.ts';

const product = elementwise('scale', { y: 'f32' }, { x: 'f32' }, { alpha: 'f32' }, 'set_y(i, args.alpha * x(i));');

/** y = αx. `y` may be `x`. */
export function scale(y: FloatBuffer, x: FloatBuffer, alpha: number): void {
  assertNumber('scale', 'alpha', alpha);
  dispatchAll(product, { y, x }, { alpha });
}

const sum = elementwise(
  'addScaled',
  { y: 'f32' },
  { x: 'f32' },
  { alpha: 'f32' },
  'set_y(i, y(i) + args.alpha * x(i));',
);

/** y += αx. */
export function addScaled(y: FloatBuffer, x: FloatBuffer, alpha: number): void {
  assertNumber('addScaled', 'alpha', alpha);
  dispatchAll(sum, { y, x }, { alpha });
}
