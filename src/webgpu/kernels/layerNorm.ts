import type * as host from '../../tensor/layerNorm.ts';
import { assertFloats, type OnDevice } from '../device/assert.ts';
import { inRows, THREADS } from '../device/elementwise.ts';
import { dispatchRows, forRow, rowwise, workgroupwise } from '../device/rowwise.ts';

const forward = rowwise(
  'layerNorm',
  { y: 'f32', normalized: 'f32', inverse: 'f32' },
  { x: 'f32', gain: 'f32', bias: 'f32' },
  `let count = f32(args.n);
  var own = 0.0;
  ${forRow('own += x(start + j);')}
  let mean = sum_across(own, lane) / count;
  var own_square = 0.0;
  ${forRow('let d = x(start + j) - mean; own_square += d * d;')}
  let scale = 1.0 / sqrt(sum_across(own_square, lane) / count + args.eps);
  if (lane == 0u) { set_inverse(row, scale); }
  ${forRow(`let value = (x(start + j) - mean) * scale;
    set_normalized(start + j, value);
    set_y(start + j, gain(j) * value + bias(j));`)}`,
  '',
  { eps: 'f32' },
);

/** y[r,j] = gain[j]·x̂[r,j] + bias[j] with x̂[r,j] = (x[r,j] − mean_r)/sqrt(var_r + eps), of y and x [R,n]. `y` may be `x`. */
export const layerNorm: OnDevice<typeof host.layerNorm> = (y, normalized, inverse, x, gain, bias, eps, R, n) => {
  assertFloats('layerNorm', { y, normalized, x }, '[R,n]', R, n);
  assertFloats('layerNorm', { inverse }, '[R]', R);
  assertFloats('layerNorm', { gain, bias }, '[n]', n);
  dispatchRows(forward, { y, normalized, inverse, x, gain, bias }, R, n, { eps });
};

const ofInput = rowwise(
  'layerNormBackward',
  { dx: 'f32' },
  { dy: 'f32', normalized: 'f32', inverse: 'f32', gain: 'f32' },
  `let count = f32(args.n);
  var own = 0.0;
  ${forRow('own += dy(start + j) * gain(j);')}
  let mean = sum_across(own, lane) / count;
  var own_dot = 0.0;
  ${forRow('own_dot += dy(start + j) * gain(j) * normalized(start + j);')}
  let slope = sum_across(own_dot, lane) / count;
  let scale = inverse(row);
  ${forRow('set_dx(start + j, scale * (dy(start + j) * gain(j) - mean - normalized(start + j) * slope));')}`,
);

/** Columns that a workgroup sums side by side. */
const WIDE = 16;

/** A workgroup stands for {@link WIDE} columns, with as many invocations along the rows of each as it has. */
const ofParameters = workgroupwise(
  'layerNormBackwardGains',
  { dgain: 'f32', dbias: 'f32' },
  { dy: 'f32', normalized: 'f32' },
  { R: 'u32', n: 'u32' },
  `let j = number * ${WIDE}u + lane % ${WIDE}u;
  var own_gain = 0.0;
  var own_bias = 0.0;
  if (j < args.n) {
    for (var r = lane / ${WIDE}u; r < args.R; r += ${THREADS / WIDE}u) {
      let d = dy(r * args.n + j);
      own_gain += d * normalized(r * args.n + j);
      own_bias += d;
    }
  }
  gains[lane] = own_gain;
  biases[lane] = own_bias;
  workgroupBarrier();
  if (lane < ${WIDE}u && j < args.n) {
    var gain = 0.0;
    var bias = 0.0;
    for (var at = lane; at < ${THREADS}u; at += ${WIDE}u) { gain += gains[at]; bias += biases[at]; }
    set_dgain(j, dgain(j) + gain);
    set_dbias(j, dbias(j) + bias);
  }`,
  `var<workgroup> gains: array<f32, ${THREADS}>;
var<workgroup> biases: array<f32, ${THREADS}>;`,
);

/**
 * dx[r,j] = inverse[r]·(g[r,j] − mean_k g[r,k] − x̂[r,j]·mean_k g[r,k]·x̂[r,k]) with g = dy ⊙ gain, dgain[j] += Σ_r dy·x̂,
 * dbias[j] += Σ_r dy, for y = layerNorm(x). `dx` is overwritten and may be `dy`.
 */
export const layerNormBackward: OnDevice<typeof host.layerNormBackward> = (
  dx,
  dgain,
  dbias,
  dy,
  normalized,
  inverse,
  gain,
  R,
  n,
) => {
  assertFloats('layerNormBackward', { dx, dy, normalized }, '[R,n]', R, n);
  assertFloats('layerNormBackward', { inverse }, '[R]', R);
  assertFloats('layerNormBackward', { dgain, dbias, gain }, '[n]', n);
  const workgroups = Math.ceil(n / WIDE);
  // First, since dx may be dy.
  dx.device.dispatch(ofParameters, { dgain, dbias, dy, normalized }, { R, n, workgroups }, inRows(workgroups));
  dispatchRows(ofInput, { dx, dy, normalized, inverse, gain }, R, n);
};
