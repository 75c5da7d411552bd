import { powOf } from '../tensor/pow.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { expectBlocks, expectLearningRate, expectOptions, type LearningRate, type Optimizer } from './optimizer.ts';

export interface AdamOptions {
  lr?: LearningRate;
  beta1?: number;
  beta2?: number;
  eps?: number;
  weightDecay?: number;
  amsgrad?: boolean;
}

/**
 * Adam (Kingma & Ba 2015), with L2 decay in the gradient, as PyTorch computes it:
 *
 *     g += weightDecay·θ
 *     m  = β₁m + (1 − β₁)g,   v = β₂v + (1 − β₂)g²
 *     θ −= lr/(1 − β₁ᵗ) · m/(√v/√(1 − β₂ᵗ) + eps)          t = 1, 2, …
 *
 * `amsgrad` (Reddi et al. 2018) uses the largest v so far.
 *
 * @throws {RangeError} on an option out of range.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return adamLike('adam', { weightDecay: 0, ...options }, false);
}

/**
 * AdamW (Loshchilov & Hutter 2019): Adam whose decay shrinks the parameters themselves, θ −= lr·weightDecay·θ, instead
 * of entering the gradient. PyTorch's default decay is 0.01.
 *
 * @throws {RangeError} on an option out of range.
 */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adamLike('adamw', { weightDecay: 0.01, ...options }, true);
}

function adamLike(name: string, options: AdamOptions & { weightDecay: number }, decoupled: boolean): Optimizer {
  const { lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay, amsgrad = false } = options;
  expectLearningRate(name, lr);
  expectOptions(name, {
    beta1: [beta1, 0, 1],
    beta2: [beta2, 0, 1],
    eps: [eps, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  return {
    name,
    lr,
    options: { beta1, beta2, eps, weightDecay, amsgrad },
    initialSlots: amsgrad ? [0, 0, 0] : [0, 0],
    update(params, grads, [m, v, vMax = v], step, rate, kernels) {
      const coupled = decoupled ? 0 : weightDecay;
      const shrink = decoupled ? 1 - rate * weightDecay : 1;
      const t = step + 1;
      const size = rate / (1 - powOf(beta1, t));
      const root = Math.sqrt(1 - powOf(beta2, t));
      const run = kernels?.adamUpdate ?? adamUpdate;
      run(params, grads, m, v, vMax, { beta1, beta2, eps, coupled, shrink, size, root });
    },
  };
}

/** The numbers of one of Adam's updates. */
export interface AdamNumbers {
  beta1: number;
  beta2: number;
  eps: number;
  /** L2 decay that enters the gradient. */
  coupled: number;
  /** Factor on the parameters before the step. */
  shrink: number;
  /** lr/(1 − β₁ᵗ) */
  size: number;
  /** √(1 − β₂ᵗ) */
  root: number;
}

/**
 * m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g², θ = shrink·θ − size·m/(√v/root + eps), with g = grads + coupled·θ.
 *
 * @param params [P], updated
 * @param grads [P]
 * @param m [P], updated
 * @param v [P], updated
 * @param vMax [P], updated: the largest v so far, which then takes v's place; `v` itself for plain Adam
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function adamUpdate(
  params: FloatArray,
  grads: FloatArray,
  m: FloatArray,
  v: FloatArray,
  vMax: FloatArray,
  { beta1, beta2, eps, coupled, shrink, size, root }: AdamNumbers,
): void {
  expectBlocks('adamUpdate', params, { grads, m, v, vMax });
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + coupled * params[i];
    const mi = beta1 * m[i] + (1 - beta1) * g;
    const vi = beta2 * v[i] + (1 - beta2) * g * g;
    m[i] = mi;
    v[i] = vi;
    vMax[i] = vMax === v ? vi : Math.max(vMax[i], vi);
    // A parameter that never had a gradient does not move; skipping it also keeps 0/0 out when eps is 0.
    const step = mi === 0 ? 0 : (size * mi) / (Math.sqrt(vMax[i]) / root + eps);
    params[i] = shrink * params[i] - step;
  }
}
