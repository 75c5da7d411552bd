import { expectDtype, expectLength, type FloatArray } from '../tensor/shape.ts';
import { expectLearningRate, expectOptions, type LearningRate, type Optimizer } from './optimizer.ts';

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
    update(params, grads, slots, step, rate, kernels) {
      if (momentum === 0) (kernels?.sgdUpdate ?? sgdUpdate)(params, grads, rate, weightDecay);
      else momentumUpdate(params, grads, slots[0], step, rate, momentum, dampening, nesterov, weightDecay);
    },
  };
}

/** θ −= lr·(g + weightDecay·θ): the notebooks' `param - lr * dparam`. */
export function sgdUpdate(params: FloatArray, grads: FloatArray, lr: number, weightDecay = 0): void {
  expectLength('sgdUpdate', 'grads', grads, '[P]', params.length);
  expectDtype('sgdUpdate', 'grads', grads, params);
  for (let i = 0; i < params.length; i++) params[i] -= lr * (grads[i] + weightDecay * params[i]);
}

function momentumUpdate(
  params: FloatArray,
  grads: FloatArray,
  velocity: FloatArray,
  step: number,
  lr: number,
  momentum: number,
  dampening: number,
  nesterov: boolean,
  weightDecay: number,
): void {
  expectLength('sgd.update', 'grads', grads, '[P]', params.length);
  expectLength('sgd.update', 'slots[0]', velocity, '[P]', params.length);
  expectDtype('sgd.update', 'grads', grads, params);
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + weightDecay * params[i];
    const v = step === 0 ? g : momentum * velocity[i] + (1 - dampening) * g;
    velocity[i] = v;
    params[i] -= lr * (nesterov ? g + momentum * v : v);
  }
}
