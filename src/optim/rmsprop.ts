import { assertFlag } from '../check/values.ts';
import type { FloatArray } from '../tensor/shape.ts';
import {
  assertLearningRate,
  assertRanges,
  assertRuleOptions,
  type LearningRate,
  type Optimizer,
  optimizerOf,
  type StepNumbers,
  whereNonZero,
} from './optimizer.ts';

/** What {@link rmsprop} takes. */
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
  assertRuleOptions('rmsprop', options, ['lr', 'alpha', 'eps', 'momentum', 'centered', 'weightDecay']);
  const { lr = 0.01, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options;
  assertFlag('rmsprop', 'centered', centered);
  assertLearningRate('rmsprop', lr);
  assertRanges('rmsprop', {
    alpha: [alpha, 0, 1],
    eps: [eps, 0, Infinity],
    momentum: [momentum, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  return optimizerOf(
    {
      name: 'rmsprop',
      lr,
      options: { alpha, eps, momentum, centered, weightDecay },
      with: (changes) => rmsprop({ lr, alpha, eps, momentum, centered, weightDecay, ...changes }),
      initialMemory: [0, 0, 0],
      memoryNames: ['square', 'average', 'buffer'],
      numbers: (_, rate) => ({ rate, alpha, rest: 1 - alpha, eps, momentum, decay: weightDecay }),
      formula(m, { theta, g: given, memory: [square, average, buffer], numbers: n }) {
        const g = m.add(given, m.mul(n.decay, theta));
        const v = m.add(m.mul(n.alpha, square), m.mul(m.mul(n.rest, g), g));
        const a = centered ? m.add(m.mul(n.alpha, average), m.mul(n.rest, g)) : average;
        // v − a² ≥ 0 on paper; rounding may leave it a hair below.
        const variance = centered ? m.max(m.sub(v, m.mul(a, a)), m.constant(0)) : v;
        // Without a gradient there is nothing to divide; skipping it also keeps 0/0 out when eps is 0.
        const d = whereNonZero(m, g, m.div(g, m.add(m.sqrt(variance), n.eps)));
        const b = m.add(m.mul(n.momentum, buffer), d);
        return { theta: m.sub(theta, m.mul(n.rate, b)), memory: [v, a, b] };
      },
    },
    (params, grads, memory, numbers) => rmspropLoop(params, grads, memory, numbers, centered),
  );
}

/** The update of {@link rmsprop}; memory is v, a and b. */
function rmspropLoop(
  params: FloatArray,
  grads: FloatArray,
  [square, average, buffer]: readonly FloatArray[],
  { rate, alpha, rest, eps, momentum, decay }: StepNumbers,
  centered: boolean,
): void {
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + decay * params[i];
    const v = alpha * square[i] + rest * g * g;
    square[i] = v;
    let variance = v;
    if (centered) {
      const a = alpha * average[i] + rest * g;
      average[i] = a;
      // v − a² ≥ 0 on paper; rounding may leave it a hair below.
      variance = Math.max(v - a * a, 0);
    }
    // Without a gradient there is nothing to divide; skipping it also keeps 0/0 out when eps is 0.
    const d = g === 0 ? 0 : g / (Math.sqrt(variance) + eps);
    const b = momentum * buffer[i] + d;
    buffer[i] = b;
    params[i] -= rate * b;
  }
}
