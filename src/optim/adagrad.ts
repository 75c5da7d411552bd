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

/** What {@link adagrad} takes. */
export interface AdagradOptions {
  lr?: LearningRate;
  eps?: number;
  /** Where eps stands: inside the root as in min-char-rnn (the default), or added to it as in PyTorch. */
  epsInRoot?: boolean;
  lrDecay?: number;
  initialAccumulator?: number;
  weightDecay?: number;
}

/**
 * Adagrad (Duchi, Hazan & Singer 2011), by default as min-char-rnn writes it:
 *
 *     g += weightDecay·θ
 *     m += g²
 *     θ −= lr/(1 + step·lrDecay) · g/√(m + eps)           or g/(√m + eps)
 *
 * PyTorch's is `{ epsInRoot: false, eps: 1e-10 }`.
 *
 * @throws {RangeError} on an option out of range.
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  assertRuleOptions('adagrad', options, [
    ...['lr', 'eps', 'epsInRoot', 'lrDecay', 'initialAccumulator', 'weightDecay'],
  ]);
  const { lr = 0.1, eps = 1e-8, epsInRoot = true, lrDecay = 0, initialAccumulator = 0, weightDecay = 0 } = options;
  assertFlag('adagrad', 'epsInRoot', epsInRoot);
  assertLearningRate('adagrad', lr);
  assertRanges('adagrad', {
    eps: [eps, 0, Infinity],
    lrDecay: [lrDecay, 0, Infinity],
    initialAccumulator: [initialAccumulator, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  return optimizerOf(
    {
      name: 'adagrad',
      lr,
      options: { eps, epsInRoot, lrDecay, initialAccumulator, weightDecay },
      with: (changes) => adagrad({ lr, eps, epsInRoot, lrDecay, initialAccumulator, weightDecay, ...changes }),
      initialMemory: [initialAccumulator],
      memoryNames: ['sum'],
      numbers: (step, rate) => ({
        rate: rate / (1 + step * lrDecay),
        decay: weightDecay,
        inside: epsInRoot ? eps : 0,
        outside: epsInRoot ? 0 : eps,
      }),
      formula(m, { theta, g: given, memory: [before], numbers: { rate, decay, inside, outside } }) {
        const g = m.add(given, m.mul(decay, theta));
        const sum = m.add(before, m.mul(g, g));
        const step = m.div(m.mul(rate, g), m.add(m.sqrt(m.add(sum, inside)), outside));
        // g = 0 with nothing remembered moves nothing; skipping it also keeps 0/0 out when eps is 0.
        return { theta: m.sub(theta, whereNonZero(m, g, step)), memory: [sum] };
      },
    },
    adagradLoop,
  );
}

/** m += g², θ −= rate·g/√(m + eps): the notebook's `mem += dparam * dparam; param += -lr * dparam / sqrt(mem + 1e-8)`. */
function adagradLoop(
  params: FloatArray,
  grads: FloatArray,
  [memory]: readonly FloatArray[],
  { rate, decay, inside, outside }: StepNumbers,
): void {
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + decay * params[i];
    const m = memory[i] + g * g;
    memory[i] = m;
    // g = 0 with nothing remembered moves nothing; skipping it also keeps 0/0 out when eps is 0.
    if (g !== 0) params[i] -= (rate * g) / (Math.sqrt(m + inside) + outside);
  }
}
