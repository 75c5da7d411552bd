import { assertDtype, assertLength } from '../check/arrays.ts';
import type { FloatArray } from './shape.ts';

/**
 * y[r,j] = gain[j]·x̂[r,j] + bias[j] with x̂[r,j] = (x[r,j] − mean_r)/sqrt(var_r + eps), the mean and the variance
 * (1/n)·Σ_j (x[r,j] − mean_r)² being those of the row. `y` may be `x`.
 *
 * Source: Ba, Kiros & Hinton, Layer normalization (2016), arXiv:1607.06450.
 *
 * @param y [R,n], overwritten
 * @param normalized [R,n], overwritten: x̂, which backward needs
 * @param inverse [R], overwritten: 1/sqrt(var + eps), which backward needs
 * @param x [R,n], n ≥ 1
 * @param gain [n]
 * @param bias [n]
 * @param eps a positive number, 1e-5 in PyTorch
 * @throws {RangeError} on a length that does not fit, n < 1 or an eps that is not positive and finite, {TypeError} on mixed
 * dtypes.
 */
export function layerNorm(
  y: FloatArray,
  normalized: FloatArray,
  inverse: FloatArray,
  x: FloatArray,
  gain: FloatArray,
  bias: FloatArray,
  eps: number,
  rows: number,
  n: number,
): void {
  assertLength('layerNorm', 'y', y, '[R,n]', rows, n);
  assertLength('layerNorm', 'normalized', normalized, '[R,n]', rows, n);
  assertLength('layerNorm', 'inverse', inverse, '[R]', rows);
  assertLength('layerNorm', 'x', x, '[R,n]', rows, n);
  assertLength('layerNorm', 'gain', gain, '[n]', n);
  assertLength('layerNorm', 'bias', bias, '[n]', n);
  assertDtype('layerNorm', 'normalized', normalized, y);
  assertDtype('layerNorm', 'inverse', inverse, y);
  assertDtype('layerNorm', 'x', x, y);
  assertDtype('layerNorm', 'gain', gain, y);
  assertDtype('layerNorm', 'bias', bias, y);
  if (n < 1) throw new RangeError(`layerNorm: n is ${n}, expected at least 1`);
  if (!(eps > 0 && eps < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`layerNorm: eps is ${eps}, expected a positive number`);
  }
  for (let r = 0; r < rows; r++) {
    const row = r * n;
    let mean = 0;
    for (let j = 0; j < n; j++) mean += x[row + j];
    mean /= n;
    let variance = 0;
    for (let j = 0; j < n; j++) variance += (x[row + j] - mean) * (x[row + j] - mean);
    const scale = 1 / Math.sqrt(variance / n + eps);
    inverse[r] = scale;
    for (let j = 0; j < n; j++) {
      const value = (x[row + j] - mean) * scale;
      normalized[row + j] = value;
      y[row + j] = gain[j] * value + bias[j];
    }
  }
}

/**
 * dx[r,j] = inverse[r]·(g[r,j] − (1/n)·Σ_k g[r,k] − x̂[r,j]·(1/n)·Σ_k g[r,k]·x̂[r,k]) with g = dy ⊙ gain,
 * dgain[j] += Σ_r dy[r,j]·x̂[r,j], dbias[j] += Σ_r dy[r,j]. `dx` may be `dy`.
 *
 * @param dx [R,n], overwritten
 * @param dgain [n], added to
 * @param dbias [n], added to
 * @param dy [R,n]
 * @param normalized [R,n], what the forward pass gave
 * @param inverse [R], what the forward pass gave
 * @param gain [n]
 */
export function layerNormBackward(
  dx: FloatArray,
  dgain: FloatArray,
  dbias: FloatArray,
  dy: FloatArray,
  normalized: FloatArray,
  inverse: FloatArray,
  gain: FloatArray,
  rows: number,
  n: number,
): void {
  assertLength('layerNormBackward', 'dx', dx, '[R,n]', rows, n);
  assertLength('layerNormBackward', 'dgain', dgain, '[n]', n);
  assertLength('layerNormBackward', 'dbias', dbias, '[n]', n);
  assertLength('layerNormBackward', 'dy', dy, '[R,n]', rows, n);
  assertLength('layerNormBackward', 'normalized', normalized, '[R,n]', rows, n);
  assertLength('layerNormBackward', 'inverse', inverse, '[R]', rows);
  assertLength('layerNormBackward', 'gain', gain, '[n]', n);
  assertDtype('layerNormBackward', 'dgain', dgain, dx);
  assertDtype('layerNormBackward', 'dbias', dbias, dx);
  assertDtype('layerNormBackward', 'dy', dy, dx);
  assertDtype('layerNormBackward', 'normalized', normalized, dx);
  assertDtype('layerNormBackward', 'inverse', inverse, dx);
  assertDtype('layerNormBackward', 'gain', gain, dx);
  for (let r = 0; r < rows; r++) {
    const row = r * n;
    let sum = 0;
    let dot = 0;
    for (let j = 0; j < n; j++) {
      const g = dy[row + j] * gain[j];
      sum += g;
      dot += g * normalized[row + j];
      dgain[j] += dy[row + j] * normalized[row + j];
      dbias[j] += dy[row + j];
    }
    sum /= n;
    dot /= n;
    for (let j = 0; j < n; j++) {
      dx[row + j] = inverse[r] * (dy[row + j] * gain[j] - sum - normalized[row + j] * dot);
    }
  }
}
