import { expectDtype, expectLength } from '../tensor/shape.ts';
import { expectLearningRate, expectOptions, type LearningRate, type Optimizer } from './optimizer.ts';

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
    update(params, grads, slots, _step, rate) {
      const [square, average, buffer] = slots;
      expectLength('rmsprop.update', 'grads', grads, '[P]', params.length);
      expectLength('rmsprop.update', 'slots[0]', square, '[P]', params.length);
      expectDtype('rmsprop.update', 'grads', grads, params);
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
        const d = g / (Math.sqrt(variance) + eps);
        const b = momentum * buffer[i] + d;
        buffer[i] = b;
        params[i] -= rate * b;
      }
    },
  };
}
