import type * as host from '../../layers/squaredError.ts';
import { assertFloats, type OnDevice } from '../device/assert.ts';
import { dispatchElementwise } from '../device/elementwise.ts';
import { eachOutput, lossKernel, type NamedLossWgsl, SET_LOSS_WGSL } from './lossKernel.ts';
import { SIGMOID_WGSL } from './sigmoid.ts';

/** Of outputs y = f(z), with the factor f′ told by y. */
function squaredErrorWgsl(name: string, f: string, slope: string): NamedLossWgsl {
  return {
    name,
    targets: 'values',
    forward: `var sum = 0.0;
  ${eachOutput(`let y = ${f}; let e = y - target_value(start + j); sum += e * e; set_o(start + j, y);`)}
  ${SET_LOSS_WGSL}`,
    backward: eachOutput(`let y = o(start + j);
    set_dz(start + j, 2.0 * weight(i) * (y - target_value(start + j))${slope});`),
    functions: SIGMOID_WGSL,
  };
}

export const SQUARED_ERROR: NamedLossWgsl = squaredErrorWgsl('squaredError', 'z(start + j)', '');
export const SQUARED_ERROR_OF_SIGMOID: NamedLossWgsl = squaredErrorWgsl(
  'squaredErrorOfSigmoid',
  'sigmoid_of(z(start + j))',
  ' * y * (1.0 - y)',
);

/** losses[r] = w[r]·Σ_j (o[r,j] − y[r,j])²: losses and w [R], o and the targets y [R,V]. */
export const squaredErrorForward: OnDevice<typeof host.squaredErrorForward> = (losses, o, targets, w, R, V) => {
  assertFloats('squaredErrorForward', { losses, w }, '[R]', R);
  assertFloats('squaredErrorForward', { o, targets }, '[R,V]', R, V);
  const outputs = o.device.scratch('outputs of a loss', R * V);
  const tensors = { o: outputs, loss: losses, z: o, weight: w, target_value: targets };
  dispatchElementwise(lossKernel(SQUARED_ERROR)('forward'), tensors, R, { V });
};

/** do[r,·] = 2·w[r]·(o[r,·] − y[r,·]), for losses = w·Σ(o − y)². `dout` may be `o`. */
export const squaredErrorBackward: OnDevice<typeof host.squaredErrorBackward> = (dout, o, targets, w, R, V) => {
  assertFloats('squaredErrorBackward', { dout, o, targets }, '[R,V]', R, V);
  assertFloats('squaredErrorBackward', { w }, '[R]', R);
  const tensors = { dz: dout, o, z: o, weight: w, target_value: targets };
  dispatchElementwise(lossKernel(SQUARED_ERROR)('backward'), tensors, R, { V });
};
