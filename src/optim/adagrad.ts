import type { FloatArray } from '../tensor/shape.ts';
import { expectBlocks, expectLearningRate, expectOptions, type LearningRate, type Optimizer } from './optimizer.ts';

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
  const { lr = 0.1, eps = 1e-8, epsInRoot = true, lrDecay = 0, initialAccumulator = 0, weightDecay = 0 } = options;
  expectLearningRate('adagrad', lr);
  expectOptions('adagrad', {
    eps: [eps, 0, Infinity],
    lrDecay: [lrDecay, 0, Infinity],
    initialAccumulator: [initialAccumulator, 0, Infinity],
    weightDecay: [weightDecay, 0, Infinity],
  });
  return {
    name: 'adagrad',
    lr,
    options: { eps, epsInRoot, lrDecay, initialAccumulator, weightDecay },
    initialSlots: [initialAccumulator],
    update(params, grads, slots, step, rate, kernels) {
      const run = kernels?.adagradUpdate ?? adagradUpdate;
      run(params, grads, slots[0], rate / (1 + step * lrDecay), eps, epsInRoot, weightDecay);
    },
  };
}

/**
 * m += g², θ −= lr·g/√(m + eps), the notebook's `mem += dparam * dparam; param += -lr * dparam / sqrt(mem + 1e-8)`.
 *
 * @param params [P], updated
 * @param grads [P]
 * @param memory [P], updated
 */
export function adagradUpdate(
  params: FloatArray,
  grads: FloatArray,
  memory: FloatArray,
  lr: number,
  eps = 1e-8,
  epsInRoot = true,
  weightDecay = 0,
): void {
  expectBlocks('adagradUpdate', params, { grads, memory });
  const inside = epsInRoot ? eps : 0;
  const outside = epsInRoot ? 0 : eps;
  for (let i = 0; i < params.length; i++) {
    const g = grads[i] + weightDecay * params[i];
    const m = memory[i] + g * g;
    memory[i] = m;
    // g = 0 with nothing remembered moves nothing; skipping it also keeps 0/0 out when eps is 0.
    if (g !== 0) params[i] -= (lr * g) / (Math.sqrt(m + inside) + outside);
  }
}
