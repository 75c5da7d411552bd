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
} from './optimizer.ts';

/** What {@link sgd} takes. */
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
  assertRuleOptions('sgd', options, ['lr', 'momentum', 'dampening', 'nesterov', 'weightDecay']);
  const { lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
  assertFlag('sgd', 'nesterov', nesterov);
  assertLearningRate('sgd', lr);
  assertRanges('sgd', {
    momentum: [momentum, 0, Infinity],
    dampening: [dampening, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new RangeError(`sgd: nesterov needs momentum > 0 and dampening 0, got ${momentum} and ${dampening}`);
  }
  const numbers = { momentum, dampening, nesterov, weightDecay };
  const change = (changes: Readonly<Record<string, unknown>>): Optimizer => sgd({ lr, ...numbers, ...changes });
  const common = { name: 'sgd', lr, options: numbers, with: change };
  if (momentum === 0) {
    return optimizerOf(
      {
        ...common,
        initialMemory: [],
        memoryNames: [],
        numbers: (_, rate) => ({ rate, decay: weightDecay }),
        formula: (m, { theta, g, numbers: { rate, decay } }) => ({
          theta: m.sub(theta, m.mul(rate, m.add(g, m.mul(decay, theta)))),
          memory: [],
        }),
      },
      sgdLoop,
    );
  }
  return optimizerOf(
    {
      ...common,
      initialMemory: [0],
      memoryNames: ['velocity'],
      // What stays of the velocity, and what the gradient adds to it.
      numbers: (step, rate) => ({
        rate,
        decay: weightDecay,
        momentum,
        keep: step === 0 ? 0 : momentum,
        share: step === 0 ? 1 : 1 - dampening,
      }),
      formula(m, { theta, g: given, memory: [before], numbers: { rate, decay, momentum, keep, share } }) {
        const g = m.add(given, m.mul(decay, theta));
        const v = m.add(m.mul(keep, before), m.mul(share, g));
        return { theta: m.sub(theta, m.mul(rate, nesterov ? m.add(g, m.mul(momentum, v)) : v)), memory: [v] };
      },
    },
    (params, grads, memory, numbers) => momentumLoop(params, grads, memory, numbers, nesterov),
  );
}

/** θ −= rate·(g + decay·θ): the notebooks' `param - lr * dparam`. */
function sgdLoop(params: FloatArray, grads: FloatArray, _: readonly FloatArray[], { rate, decay }: StepNumbers): void {
  for (let i = 0; i < params.length; i++) params[i] -= rate * (grads[i] + decay * params[i]);
}

/** v = keep·v + share·g, θ −= rate·(nesterov ? g + momentum·v : v) */
function momentumLoop(
  params: FloatArray,
  grads: FloatArray,
  [velocity]: readonly FloatArray[],
  { rate, decay, momentum, keep, share }: StepNumbers,
  nesterov: boolean,
): void {
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + decay * params[i];
    const v = keep * velocity[i] + share * g;
    velocity[i] = v;
    params[i] -= rate * (nesterov ? g + momentum * v : v);
  }
}
