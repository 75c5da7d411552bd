import { assertLength } from '../check/arrays.ts';
import type { FloatArray } from '../tensor/shape.ts';
import * as loops from '../tensor/softmax.ts';
import { emitSoftmax } from '../wasm/softmaxCrossEntropy.ts';
import { count } from './choice.ts';
import { elementwiseOnCopy } from './elementwiseOnCopy.ts';

const bySimd = elementwiseOnCopy('softmax', emitSoftmax);

/** p[r,j] = e^z[r,j]/Σ_k e^z[r,k] on `rows` rows of n. `p` may be `z`. */
export function softmax(p: FloatArray, z: FloatArray, rows: number, n: number): void {
  assertLength('softmax', 'p', p, '[R,n]', rows, n);
  const done = bySimd(p, z, rows, n);
  if (!done) loops.softmax(p, z, rows, n);
  count(done);
}
