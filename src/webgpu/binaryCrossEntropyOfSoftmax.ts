import type { FloatBuffer } from './buffers.ts';
import { elementwise, overElements } from './elements.ts';
import { expectFloats } from './expect.ts';

/** WGSL: where row r of `x` has its largest element. */
const largest = (x: string): string => `
  var m = 0u;
  for (var j = 1u; j < args.V; j++) { if (${x}(start + j) > ${x}(start + m)) { m = j; } }`;

/** WGSL: ln(1 + x) for |x| ≤ 1, where 1 + x would lose the digits of a small x: Kahan's correction of the rounding. */
const LOG1P_WGSL = `
fn log1p_of(x: f32) -> f32 {
  if (abs(x) < 0.03125) { return x * (1.0 - x * (0.5 - x * (0.33333333 - x * (0.25 - x * (0.2 - x / 6.0))))); }
  return log(1.0 + x);
}`;

const forward = elementwise(
  'binaryCrossEntropyOfSoftmaxForward',
  { losses: 'f32', p: 'f32' },
  { z: 'f32', targets: 'f32', w: 'f32' },
  { V: 'u32' },
  `let start = i * args.V;
  ${largest('z')}
  let top = z(start + m);
  var second = -3.4e38;
  for (var j = 0u; j < args.V; j++) { if (j != m) { second = max(second, z(start + j)); } }
  var rest = 0.0;
  for (var j = 0u; j < args.V; j++) { if (j != m) { rest += exp(z(start + j) - second); } }
  let log_rest = second - top + log(rest);
  let log_sum = log1p_of(exp(log_rest));
  var sum = 0.0;
  for (var j = 0u; j < args.V; j++) {
    let y = targets(start + j);
    let log_p = z(start + j) - top - log_sum;
    var log_other = log_rest - log_sum;
    if (j != m) { log_other = log1p_of(-exp(log_p)); }
    sum -= y * log_p + (1.0 - y) * log_other;
  }
  set_losses(i, select(w(i) * sum, 0.0, w(i) == 0.0));
  for (var j = 0u; j < args.V; j++) { set_p(start + j, exp(z(start + j) - top - log_sum)); }`,
  LOG1P_WGSL,
);

/**
 * losses[r] = −w[r]·Σ_j (y ln p + (1 − y) ln(1 − p)) with p = softmax(z); 1 − p of the largest is the share of the
 * others, which are summed relative to their own maximum.
 *
 * @param losses [R], overwritten
 * @param p [R,V], overwritten: the outputs, which backward needs
 * @param z [R,V], the logits, V ≥ 2
 * @param targets [R,V]
 * @param w [R], the weight of each row
 */
export function binaryCrossEntropyOfSoftmaxForward(
  losses: FloatBuffer,
  p: FloatBuffer,
  z: FloatBuffer,
  targets: FloatBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  expectAll('binaryCrossEntropyOfSoftmaxForward', { p, z, targets }, w, R, V);
  expectFloats('binaryCrossEntropyOfSoftmaxForward', 'losses', losses, '[R]', R);
  overElements(forward, { losses, p, z, targets, w }, R, { V });
}

const backward = elementwise(
  'binaryCrossEntropyOfSoftmaxBackward',
  { dz: 'f32' },
  { p: 'f32', targets: 'f32', w: 'f32' },
  { V: 'u32' },
  `let start = i * args.V;
  let weight = w(i);
  if (weight == 0.0) {
    for (var j = 0u; j < args.V; j++) { set_dz(start + j, 0.0); }
    return;
  }
  ${largest('p')}
  var rest = 0.0;
  var others = 0.0;
  for (var j = 0u; j < args.V; j++) {
    if (j != m) {
      rest += p(start + j);
      others += term(p(start + j), targets(start + j));
    }
  }
  let top = p(start + m);
  let y_top = targets(start + m);
  for (var j = 0u; j < args.V; j++) {
    let o = p(start + j);
    let y = targets(start + j);
    var d = (1.0 - y) * o - y * rest - o * others;
    if (j != m) { d = term(o, y) - (1.0 - y_top) * top * (o / rest) + y_top * o - o * others; }
    set_dz(start + j, weight * d);
  }`,
  'fn term(p: f32, y: f32) -> f32 { return ((1.0 - y) * p) / (1.0 - p) - y; }',
);

/**
 * With q_j = −y_j/p_j + (1 − y_j)/(1 − p_j): dz[r,j] = w[r]·p_j·(q_j − Σ_k q_k·p_k).
 *
 * @param dz [R,V], overwritten; may not be `p`
 * @param p [R,V], what the forward pass gave
 */
export function binaryCrossEntropyOfSoftmaxBackward(
  dz: FloatBuffer,
  p: FloatBuffer,
  targets: FloatBuffer,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  expectAll('binaryCrossEntropyOfSoftmaxBackward', { dz, p, targets }, w, R, V);
  overElements(backward, { dz, p, targets, w }, R, { V });
}

function expectAll(
  fn: string,
  tensors: Readonly<Record<string, FloatBuffer>>,
  w: FloatBuffer,
  R: number,
  V: number,
): void {
  for (const [name, tensor] of Object.entries(tensors)) expectFloats(fn, name, tensor, '[R,V]', R, V);
  expectFloats(fn, 'w', w, '[R]', R);
}
