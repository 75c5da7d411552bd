import type { FloatBuffer, IntBuffer } from './buffers.ts';
import { elementwise, overElements } from './elements.ts';

const both = elementwise(
  'softmaxCrossEntropy',
  { losses: 'f32', p: 'f32', dz: 'f32' },
  { z: 'f32', targets: 'i32', w: 'f32' },
  { V: 'u32' },
  `let start = i * args.V;
  var m = z(start);
  for (var j = 1u; j < args.V; j++) { m = max(m, z(start + j)); }
  var sum = 0.0;
  for (var j = 0u; j < args.V; j++) {
    let e = exp(z(start + j) - m);
    sum += e;
    set_p(start + j, e);
  }
  let weight = w(i);
  let goal = u32(targets(i));
  set_losses(i, select(weight * (log(sum) - (z(start + goal) - m)), 0.0, weight == 0.0));
  for (var j = 0u; j < args.V; j++) {
    let share = p(start + j) / sum;
    set_p(start + j, share);
    set_dz(start + j, weight * (share - select(0.0, 1.0, j == goal)));
  }`,
);

/**
 * Forward and backward of the softmax cross-entropy at once, an invocation a row: losses[r] = −w[r]·ln p[r,target[r]]
 * with p = softmax(z), and dz[r,·] = w[r]·(p[r,·] − onehot(target[r])).
 *
 * @param losses [R], overwritten
 * @param p [R,V], overwritten; not `z`
 * @param dz [R,V], overwritten; not `z`
 */
export function softmaxCrossEntropy(
  losses: FloatBuffer,
  p: FloatBuffer,
  dz: FloatBuffer,
  z: FloatBuffer,
  targets: IntBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  overElements(both, { losses, p, dz, z, targets, w }, R, { V });
}
