import type { FloatBuffer } from './buffers.ts';
import { elementwise, overAll } from './elements.ts';

const product = elementwise('scale', { y: 'f32' }, { x: 'f32' }, { alpha: 'f32' }, 'set_y(i, args.alpha * x(i));');

/** y = αx. `y` may be `x`. */
export function scale(y: FloatBuffer, x: FloatBuffer, alpha: number): void {
  overAll(product, { y, x }, { alpha });
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
  overAll(sum, { y, x }, { alpha });
}
