import type { FloatArray } from '../tensor/shape.ts';
import * as loops from '../tensor/tanh.ts';
import { emitTanh } from '../wasm/tanh.ts';
import { count } from './choice.ts';
import { elementwiseOnCopy } from './elementwiseOnCopy.ts';

const bySimd = elementwiseOnCopy('tanh', emitTanh);

/** y = tanh(x), within 3 ulp by SIMD. `y` may be `x`. */
export function tanh(y: FloatArray, x: FloatArray): void {
  const done = bySimd(y, x, y?.length);
  if (!done) loops.tanh(y, x);
  count(done);
}
