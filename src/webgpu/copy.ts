import type { FloatBuffer } from './buffers.ts';
import { elementwise, overAll } from './elements.ts';

const copied = elementwise('copy', { y: 'f32' }, { x: 'f32' }, {}, 'set_y(i, x(i));');
const filled = elementwise('fill', { y: 'f32' }, {}, { value: 'f32' }, 'set_y(i, args.value);');

/** to = from; they may lie in one buffer. */
export function copy(to: FloatBuffer, from: FloatBuffer): void {
  overAll(copied, { y: to, x: from });
}

/** y = value, in every element. */
export function fill(y: FloatBuffer, value: number): void {
  overAll(filled, { y }, { value });
}
