import { assertFlag } from '../check/values.ts';
import { powOf } from '../tensor/pow.ts';
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

/** What {@link adam} takes. */
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
  return adamLike('adam', options, 0, false);
}

/**
 * AdamW (Loshchilov & Hutter 2019): Adam whose decay shrinks the parameters themselves, θ −= lr·weightDecay·θ, instead
 * of entering the gradient. PyTorch's default decay is 0.01.
 *
 * @throws {RangeError} on an option out of range.
 */
export function adamw(options: AdamOptions = {}): Optimizer {
  return adamLike('adamw', options, 0.01, true);
}

function adamLike(name: string, options: AdamOptions, decay: number, decoupled: boolean): Optimizer {
  assertRuleOptions(name, options, ['lr', 'beta1', 'beta2', 'eps', 'weightDecay', 'amsgrad']);
  const { lr = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = decay, amsgrad = false } = options;
  assertFlag(name, 'amsgrad', amsgrad);
  assertLearningRate(name, lr);
  assertRanges(name, {
    beta1: [beta1, 0, 1],
    beta2: [beta2, 0, 1],
    eps: [eps, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  return optimizerOf(
    {
      name,
      lr,
      options: { beta1, beta2, eps, weightDecay, amsgrad },
      with: (changes) => adamLike(name, { lr, beta1, beta2, eps, weightDecay, amsgrad, ...changes }, decay, decoupled),
      initialMemory: amsgrad ? [0, 0, 0] : [0, 0],
      memoryNames: amsgrad ? ['mean', 'square', 'largest'] : ['mean', 'square'],
      numbers: (step, rate) => ({
        beta1,
        rest1: 1 - beta1,
        beta2,
        rest2: 1 - beta2,
        eps,
        // L2 decay enters the gradient, or shrinks the parameter before the step.
        coupled: decoupled ? 0 : weightDecay,
        shrink: decoupled ? 1 - rate * weightDecay : 1,
        size: rate / (1 - powOf(beta1, step + 1)),
        root: Math.sqrt(1 - powOf(beta2, step + 1)),
      }),
      formula(m, { theta, g: given, memory: [mean0, square0, largest0], numbers: n }) {
        const g = m.add(given, m.mul(n.coupled, theta));
        const mean = m.add(m.mul(n.beta1, mean0), m.mul(n.rest1, g));
        const square = m.add(m.mul(n.beta2, square0), m.mul(m.mul(n.rest2, g), g));
        const largest = amsgrad ? m.max(largest0, square) : square;
        const step = m.div(m.mul(n.size, mean), m.add(m.div(m.sqrt(largest), n.root), n.eps));
        // A parameter that never had a gradient does not move; skipping it also keeps 0/0 out when eps is 0.
        const moved = m.sub(m.mul(n.shrink, theta), whereNonZero(m, mean, step));
        return { theta: moved, memory: amsgrad ? [mean, square, largest] : [mean, square] };
      },
    },
    adamLoop,
  );
}

/** m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g², θ = shrink·θ − size·m/(√v/root + eps); memory is m, v and, of amsgrad, the largest v. */
function adamLoop(
  params: FloatArray,
  grads: FloatArray,
  [m, v, largest]: readonly FloatArray[],
  { beta1, rest1, beta2, rest2, eps, coupled, shrink, size, root }: StepNumbers,
): void {
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + coupled * params[i];
    const mean = beta1 * m[i] + rest1 * g;
    let square = beta2 * v[i] + rest2 * g * g;
    m[i] = mean;
    v[i] = square;
    if (largest) {
      square = Math.max(largest[i], square);
      largest[i] = square;
    }
    // A parameter that never had a gradient does not move; skipping it also keeps 0/0 out when eps is 0.
    const step = mean === 0 ? 0 : (size * mean) / (Math.sqrt(square) / root + eps);
    params[i] = shrink * params[i] - step;
  }
}
