import type { FloatArray } from '../tensor/shape.ts';
import * as loops from '../tensor/sigmoid.ts';
import { emitSigmoid } from '../wasm/sigmoid.ts';
import { count } from './choice.ts';
import { elementwiseOnCopy } from './elementwiseOnCopy.ts';

const bySimd = elementwiseOnCopy('sigmoid', emitSigmoid);

/** y = σ(x), within 4 ulp by SIMD. `y` may be `x`. */
export function sigmoid(y: FloatArray, x: FloatArray): void {
  const done = bySimd(y, x, y?.length);
  if (!done) loops.sigmoid(y, x);
  count(done);
}
