import type { FloatBuffer } from '../device/buffers.ts';
import { elementwise, dispatchElementwise } from '../device/elementwise.ts';
import { assertFloats } from '../device/assert.ts';
import { forRow, dispatchRows, rowwise } from '../device/rowwise.ts';

const forward = rowwise(
  'squaredErrorForward',
  { losses: 'f32' },
  { o: 'f32', targets: 'f32', w: 'f32' },
  `var own = 0.0;
  ${forRow(`
    let e = o(start + j) - targets(start + j);
    own += e * e;`)}
  let sum = sum_across(own, lane);
  if (lane == 0u) { set_losses(row, select(w(row) * sum, 0.0, w(row) == 0.0)); }`,
);

/**
 * losses[r] = w[r]·Σ_j (o[r,j] − y[r,j])².
 *
 * @param losses [R], overwritten
 * @param o [R,V], the outputs
 * @param targets [R,V]
 * @param w [R], the weight of each row: 0 for padding, 1/(R·V) for a mean over all entries, ½ for half the square
 */
export function squaredErrorForward(
  losses: FloatBuffer,
  o: FloatBuffer,
  targets: FloatBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  assertFloats('squaredErrorForward', 'losses', losses, '[R]', R);
  assertFloats('squaredErrorForward', 'o', o, '[R,V]', R, V);
  assertFloats('squaredErrorForward', 'targets', targets, '[R,V]', R, V);
  assertFloats('squaredErrorForward', 'w', w, '[R]', R);
  dispatchRows(forward, { losses, o, targets, w }, R, V);
}

const backward = elementwise(
  'squaredErrorBackward',
  { dout: 'f32' },
  { o: 'f32', targets: 'f32', w: 'f32' },
  { n: 'u32' },
  'set_dout(i, 2.0 * w(i / args.n) * (o(i) - targets(i)));',
);

/**
 * do[r,·] = 2·w[r]·(o[r,·] − y[r,·]), for losses = w·Σ(o − y)².
 *
 * @param dout [R,V], overwritten; may be `o`
 */
export function squaredErrorBackward(
  dout: FloatBuffer,
  o: FloatBuffer,
  targets: FloatBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  assertFloats('squaredErrorBackward', 'dout', dout, '[R,V]', R, V);
  assertFloats('squaredErrorBackward', 'o', o, '[R,V]', R, V);
  assertFloats('squaredErrorBackward', 'targets', targets, '[R,V]', R, V);
  assertFloats('squaredErrorBackward', 'w', w, '[R]', R);
  dispatchElementwise(backward, { dout, o, targets, w }, R * V, { n: V });
}
