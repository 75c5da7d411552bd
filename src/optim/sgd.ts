import type { FloatArray } from '../tensor/shape.ts';
import { expectBlocks, expectLearningRate, expectOptions, type LearningRate, type Optimizer } from './optimizer.ts';

export interface SgdOptions {
  lr: LearningRate;
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/**
 * Stochastic gradient descent, plain or with momentum (Polyak 1964; Nesterov 1983), as PyTorch computes it:
 *
 *     g += weightDecay·θ
 *     v  = g at the first step, then momentum·v + (1 − dampening)·g
 *     θ −= lr·(nesterov ? g + momentum·v : v)
 *
 * @throws {RangeError} on an option out of range, or Nesterov without momentum or with dampening.
 */
export function sgd(options: SgdOptions): Optimizer {
  const { lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  expectLearningRate('sgd', lr);
  expectOptions('sgd', {
    momentum: [momentum, 0, Infinity],
    dampening: [dampening, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new RangeError(`sgd: nesterov needs momentum > 0 and dampening 0, got ${momentum} and ${dampening}`);
  }
  return {
    name: 'sgd',
    lr,
    options: { momentum, dampening, nesterov, weightDecay },
    initialSlots: momentum === 0 ? [] : [0],
    update(params, grads, [velocity], step, rate, kernels) {
      if (momentum === 0) {
        (kernels?.sgdUpdate ?? sgdUpdate)(params, grads, rate, weightDecay);
        return;
      }
      const keep = step === 0 ? 0 : momentum;
      const share = step === 0 ? 1 : 1 - dampening;
      const run = kernels?.momentumUpdate ?? momentumUpdate;
      run(params, grads, velocity, { lr: rate, keep, share, momentum, nesterov, weightDecay });
    },
  };
}

/** θ −= lr·(g + weightDecay·θ): the notebooks' `param - lr * dparam`. */
export function sgdUpdate(params: FloatArray, grads: FloatArray, lr: number, weightDecay = 0): void {
  expectBlocks('sgdUpdate', params, { grads });
  for (let i = 0; i < params.length; i++) params[i] -= lr * (grads[i] + weightDecay * params[i]);
}

/** The numbers of one update with momentum. */
export interface MomentumNumbers {
  lr: number;
  /** What stays of the velocity: momentum, at the first step 0. */
  keep: number;
  /** What the gradient adds to it: 1 − dampening, at the first step 1. */
  share: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
}

/**
 * v = keep·v + share·g, θ −= lr·(nesterov ? g + momentum·v : v), with g = grads + weightDecay·θ.
 *
 * @param params [P], updated
 * @param grads [P]
 * @param velocity [P], updated
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function momentumUpdate(
  params: FloatArray,
  grads: FloatArray,
  velocity: FloatArray,
  { lr, keep, share, momentum, nesterov, weightDecay }: MomentumNumbers,
): void {
  expectBlocks('momentumUpdate', params, { grads, velocity });
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + weightDecay * params[i];
    const v = keep * velocity[i] + share * g;
    velocity[i] = v;
    params[i] -= lr * (nesterov ? g + momentum * v : v);
  }
}
