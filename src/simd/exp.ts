import * as loops from '../tensor/exp.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { emitElementwise } from '../wasm/elements.ts';
import { exp as expOfLanes } from '../wasm/exp.ts';
import { count } from './choice.ts';
import { elementwiseOnCopy } from './elementwiseOnCopy.ts';

const bySimd = elementwiseOnCopy('exp', (m) => {
  emitElementwise(m, 'exp', 2, 0, (f, at, [y, x]) => at.store(y, expOfLanes(f, at.load(x))));
});

/** y = eˣ, within 2 ulp by SIMD. `y` may be `x`. */
export function exp(y: FloatArray, x: FloatArray): void {
  const done = bySimd(y, x, y?.length);
  if (!done) loops.exp(y, x);
  count(done);
}
