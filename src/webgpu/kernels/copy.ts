import { assertNumber } from '../../check/numbers.ts';
import type { FloatBuffer } from '../device/buffers.ts';
import { dispatchAll, elementwise } from '../device/elementwise.ts';

const copied = elementwise('copy', { y: 'f32' }, { x: 'f32' }, {}, 'set_y(i, x(i));');
const filled = elementwise('fill', { y: 'f32' }, {}, { value: 'f32' }, 'set_y(i, args.value);');

/** to = from; they may lie in one buffer. */
export function copy(to: FloatBuffer, from: FloatBuffer): void {
  dispatchAll(copied, { y: to, x: from });
}

/** y = value, in every element. */
export function fill(y: FloatBuffer, value: number): void {
  assertNumber('fill', 'value', value);
  dispatchAll(filled, { y }, { value });
}
