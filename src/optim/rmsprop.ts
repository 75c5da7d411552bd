import type { FloatArray } from '../tensor/shape.ts';
import { expectBlocks, expectLearningRate, expectOptions, type LearningRate, type Optimizer } from './optimizer.ts';

export interface RmspropOptions {
  lr?: LearningRate;
  alpha?: number;
  eps?: number;
  momentum?: number;
  centered?: boolean;
  weightDecay?: number;
}

/**
 * RMSprop (Tieleman & Hinton 2012; centered: Graves 2013), as PyTorch computes it:
 *
 *     g += weightDecay·θ
 *     v  = α·v + (1 − α)·g²
 *     a  = α·a + (1 − α)·g                                 centered only
 *     d  = g/(√(v − a²) + eps)
 *     θ −= lr·d, or with momentum: b = momentum·b + d, θ −= lr·b
 *
 * @throws {RangeError} on an option out of range.
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { lr = 0.01, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options;
  expectLearningRate('rmsprop', lr);
  expectOptions('rmsprop', {
    alpha: [alpha, 0, 1],
    eps: [eps, 0, Infinity],
    momentum: [momentum, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  return {
    name: 'rmsprop',
    lr,
    options: { alpha, eps, momentum, centered, weightDecay },
    initialSlots: [0, 0, 0],
    update(params, grads, [square, average, buffer], _step, rate, kernels) {
      const run = kernels?.rmspropUpdate ?? rmspropUpdate;
      run(params, grads, square, average, buffer, { lr: rate, alpha, eps, momentum, centered, weightDecay });
    },
  };
}

/** The numbers of one of RMSprop's updates. */
export interface RmspropNumbers {
  lr: number;
  alpha: number;
  eps: number;
  momentum: number;
  centered: boolean;
  weightDecay: number;
}

/**
 * One update of {@link rmsprop}.
 *
 * @param params [P], updated
 * @param grads [P]
 * @param square [P], v, updated
 * @param average [P], a, updated where `centered`
 * @param buffer [P], b, updated
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function rmspropUpdate(
  params: FloatArray,
  grads: FloatArray,
  square: FloatArray,
  average: FloatArray,
  buffer: FloatArray,
  { lr, alpha, eps, momentum, centered, weightDecay }: RmspropNumbers,
): void {
  expectBlocks('rmspropUpdate', params, { grads, square, average, buffer });
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + weightDecay * params[i];
    const v = alpha * square[i] + (1 - alpha) * g * g;
    square[i] = v;
    let variance = v;
    if (centered) {
      const a = alpha * average[i] + (1 - alpha) * g;
      average[i] = a;
      // v − a² ≥ 0 on paper; rounding may leave it a hair below.
      variance = Math.max(0, v - a * a);
    }
    // Without a gradient there is nothing to divide; skipping it also keeps 0/0 out when eps is 0.
    const d = g === 0 ? 0 : g / (Math.sqrt(variance) + eps);
    const b = momentum * buffer[i] + d;
    buffer[i] = b;
    params[i] -= lr * b;
  }
}
