import { expectLength, type FloatArray } from '../tensor/shape.ts';
import * as loops from '../tensor/softmax.ts';
import { emitRows, maxOf } from '../wasm/elements.ts';
import { softmaxRow } from '../wasm/softmaxCrossEntropy.ts';
import { count } from './choice.ts';
import { inPlace } from './inPlace.ts';

const bySimd = inPlace('softmax', (m) => {
  emitRows(m, 'softmax', ['[R,n]', '[R,n]'], (f, [p, z], n) => {
    softmaxRow(
      f,
      p,
      z,
      maxOf(f, n, (at) => at.load(z)),
      n,
    );
  });
});

/** p[r,j] = e^z[r,j]/Σ_k e^z[r,k] on `rows` rows of n. `p` may be `z`. */
export function softmax(p: FloatArray, z: FloatArray, rows: number, n: number): void {
  expectLength('softmax', 'p', p, '[R,n]', rows, n);
  const done = bySimd(p, z, rows, n);
  if (!done) loops.softmax(p, z, rows, n);
  count(done);
}
