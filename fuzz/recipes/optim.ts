import { numberAlgebra } from 'bptt/algebra';
import { adagrad, adam, adamw, formulaOptimizer, notebookRprop, rmsprop, rprop, sgd } from 'bptt/optim';
import type { Random } from '../random.ts';
import type { Recipe, Recipes } from '../recipe.ts';

const floats = (r: Random, length = 6): Float64Array => Float64Array.from({ length }, () => r.between(-2, 2));

const rule = (options: object): Recipe => ({ args: () => [{ ...options }] });

/** A rule of one's own, v ← μ·v + g, θ ← θ − lr·v. */
const own = {
  name: 'own',
  lr: 0.1,
  options: { mu: 0.9 },
  initialMemory: [0],
  numbers: (_step: number, lr: number) => ({ lr, mu: 0.9 }),
  formula: (
    m: {
      add(a: unknown, b: unknown): unknown;
      sub(a: unknown, b: unknown): unknown;
      mul(a: unknown, b: unknown): unknown;
    },
    {
      theta,
      g,
      memory: [v],
      numbers,
    }: { theta: unknown; g: unknown; memory: unknown[]; numbers: Record<string, unknown> },
  ) => {
    const after = m.add(m.mul(numbers.mu, v), g);
    return { theta: m.sub(theta, m.mul(numbers.lr, after)), memory: [after] };
  },
};

export const optim: Recipes = {
  sgd: rule({ lr: 0.1, momentum: 0.9, dampening: 0, nesterov: true, weightDecay: 0.01 }),
  adagrad: rule({ lr: 0.1, lrDecay: 0, eps: 1e-8, weightDecay: 0, initialAccumulator: 0, epsInRoot: true }),
  rmsprop: rule({ lr: 0.01, alpha: 0.9, eps: 1e-8, momentum: 0.5, centered: true, weightDecay: 0 }),
  adam: rule({ lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, amsgrad: true }),
  adamw: rule({ lr: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, amsgrad: false }),
  rprop: rule({ lr: 0.01, etaPlus: 1.2, etaMinus: 0.5, minStep: 1e-6, maxStep: 50 }),
  notebookRprop: rule({ delta: 0.01, etaPlus: 1.2, etaMinus: 0.5 }),
  formulaOptimizer: { args: () => [{ ...own }], subject: /^optimizer\b/, unbounded: true, loose: /options/ },
  optimizerOf: { args: () => [{ ...own }, () => undefined], subject: /^optimizer\b/, loose: /options/ },
  makeMemory: {
    loose: /options|\.(name|lr|formula)|initialMemory\[/,
    args: (r) => [
      r.pick([
        sgd({ lr: 1, momentum: 0.5 }),
        adagrad(),
        adam(),
        adamw(),
        rmsprop(),
        rprop(),
        notebookRprop(),
        formulaOptimizer(own as never),
      ]),
      floats(r),
    ],
  },
  learningRateAt: {
    args: (r) => [r.pick<unknown>([0.1, (step: number) => 1 / (1 + step)]), r.whole(0, 100)],
    loose: /= (7|a function)/,
  },
  stepDecay: { args: () => [0.1, 10, 0.5] },
  cosineDecay: { args: () => [0.1, 100, 0.01] },
  warmUp: { args: (r) => [10, r.pick<unknown>([0.1, () => 0.2])], loose: /= (7|a function)/ },
  clipByValue: { args: (r) => [floats(r), 1] },
  clipByNorm: { args: (r) => [floats(r), 1, r.pick([1, 2, 3, Infinity])] },
  gradientNorm: { args: (r) => [floats(r), r.pick([1, 2, 3, Infinity])] },
  l2Forward: { args: (r) => [floats(r), 0.1] },
  l2Backward: { args: (r) => [floats(r), floats(r), 0.1] },
  // of formulas: their values belong to an interpreter
  signOf: { args: (r) => [numberAlgebra, r.between(-1, 1)], fixed: [0, 1] },
  whereNonZero: { args: (r) => [numberAlgebra, r.between(-1, 1), 2], fixed: [0, 1, 2] },
};
