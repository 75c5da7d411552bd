import type { Optimizer } from '../optim/optimizer.ts';
import { powOf } from '../tensor/pow.ts';

/**
 * An update rule in WGSL: the statements that move one parameter.
 *
 * They find `theta` (to be changed), the clipped gradient `g0`, the rule's memory `slot0` … (to be changed), the numbers
 * of this update `step_a`, `step_b`, `step_c` and the rule's own numbers `args.<name>`.
 */
export interface Rule {
  readonly name: string;
  /** Blocks of memory. */
  readonly slots: number;
  readonly numbers: Readonly<Record<string, number>>;
  /** At most three numbers of the update after `step` others. */
  stepNumbers(lr: number, step: number): readonly number[];
  readonly wgsl: string;
}

/** What an optimizer's `options` hold, as numbers. */
type Options = Readonly<Record<string, number>>;

const RULES: Readonly<Record<string, (options: Options, slots: number) => Omit<Rule, 'slots'>>> = {
  sgd: ({ momentum, dampening, nesterov, weightDecay }) =>
    momentum === 0
      ? {
          name: 'sgd',
          numbers: { decay: weightDecay },
          stepNumbers: (lr) => [lr],
          // θ −= lr·(g + weightDecay·θ)
          wgsl: 'theta -= step_a * (g0 + args.decay * theta);',
        }
      : {
          name: nesterov ? 'nesterov' : 'momentum',
          numbers: { decay: weightDecay, momentum, share: 1 - dampening },
          stepNumbers: (lr, step) => [lr, step === 0 ? 1 : 0],
          // v = g at the first step, then momentum·v + (1 − dampening)·g; θ −= lr·(nesterov ? g + momentum·v : v)
          wgsl: `let g = g0 + args.decay * theta;
          slot0 = select(args.momentum * slot0 + args.share * g, g, step_b == 1.0);
          theta -= step_a * ${nesterov ? '(g + args.momentum * slot0)' : 'slot0'};`,
        },

  adagrad: ({ eps, epsInRoot, lrDecay, weightDecay }) => ({
    name: 'adagrad',
    numbers: { decay: weightDecay, inside: epsInRoot ? eps : 0, outside: epsInRoot ? 0 : eps },
    stepNumbers: (lr, step) => [lr / (1 + step * lrDecay)],
    // m += g², θ −= lr·g/(√(m + inside) + outside). The root is at least |g|, also where g² is too small for a float.
    wgsl: `let g = g0 + args.decay * theta;
    slot0 += g * g;
    if (g != 0.0) { theta -= step_a * g / (max(sqrt(slot0 + args.inside), abs(g)) + args.outside); }`,
  }),

  rmsprop: ({ alpha, eps, momentum, centered, weightDecay }) => ({
    name: centered ? 'rmspropCentered' : 'rmsprop',
    numbers: { decay: weightDecay, alpha, rest: 1 - alpha, eps, momentum },
    stepNumbers: (lr) => [lr],
    // v = α·v + (1 − α)·g², d = g/(√(v − a²) + eps), b = momentum·b + d, θ −= lr·b. No gradient moves nothing.
    wgsl: `let g = g0 + args.decay * theta;
    slot0 = args.alpha * slot0 + args.rest * g * g;
    var variance = slot0;
    ${centered ? 'slot1 = args.alpha * slot1 + args.rest * g; variance = max(0.0, slot0 - slot1 * slot1);' : ''}
    var d = 0.0;
    if (g != 0.0) { d = g / (sqrt(variance) + args.eps); }
    slot2 = args.momentum * slot2 + d;
    theta -= step_a * slot2;`,
  }),

  adam: (options, slots) => adamLike(options, slots, false),
  adamw: (options, slots) => adamLike(options, slots, true),

  notebookRprop: ({ etaPlus, etaMinus }) => ({
    name: 'notebookRprop',
    numbers: { etaPlus, etaMinus },
    stepNumbers: () => [],
    // δ *= sign(g) = sign of the step before ? η⁺ : η⁻; θ −= sign(g)·δ
    wgsl: `let s = sign(g0);
    slot0 *= select(args.etaMinus, args.etaPlus, s == slot1);
    slot1 = s;
    theta -= s * slot0;`,
  }),

  rprop: ({ etaPlus, etaMinus, minStep, maxStep }) => ({
    name: 'rprop',
    numbers: { etaPlus, etaMinus, minStep, maxStep },
    stepNumbers: () => [],
    // δ = clamp(δ·(g·g₋₁ > 0 ? η⁺ : g·g₋₁ < 0 ? η⁻ : 1), minStep, maxStep), g = 0 where the sign changed, θ −= sign(g)·δ
    wgsl: `let agreement = sign(g0) * sign(slot1);
    let eta = select(select(1.0, args.etaMinus, agreement < 0.0), args.etaPlus, agreement > 0.0);
    slot0 = clamp(slot0 * eta, args.minStep, args.maxStep);
    let g = select(g0, 0.0, agreement < 0.0);
    slot1 = g;
    theta -= sign(g) * slot0;`,
  }),
};

function adamLike(
  { beta1, beta2, eps, weightDecay, amsgrad }: Options,
  slots: number,
  decoupled: boolean,
): Omit<Rule, 'slots'> {
  const v = slots === 3 ? 'slot2' : 'slot1';
  return {
    name: amsgrad ? 'amsgrad' : 'adam',
    numbers: { decay: decoupled ? 0 : weightDecay, beta1, rest1: 1 - beta1, beta2, rest2: 1 - beta2, eps },
    stepNumbers: (lr, step) => [
      lr / (1 - powOf(beta1, step + 1)),
      1 / Math.sqrt(1 - powOf(beta2, step + 1)),
      decoupled ? 1 - lr * weightDecay : 1,
    ],
    // m = β₁m + (1 − β₁)g, v = β₂v + (1 − β₂)g², θ = shrink·θ − lr/(1 − β₁ᵗ)·m/(√v/√(1 − β₂ᵗ) + eps)
    wgsl: `let g = g0 + args.decay * theta;
    slot0 = args.beta1 * slot0 + args.rest1 * g;
    slot1 = args.beta2 * slot1 + args.rest2 * g * g;
    ${amsgrad ? 'slot2 = max(slot2, slot1);' : ''}
    theta *= step_c;
    if (slot0 != 0.0) { theta -= step_a * slot0 / (sqrt(${v}) * step_b + args.eps); }`,
  };
}

/**
 * The rule of an optimizer.
 *
 * @throws {RangeError} where there is none of its name.
 */
export function ruleOf({ name, options, initialSlots }: Optimizer): Rule {
  const make = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (!make) {
    throw new RangeError(`trainer: optimizer ${name} has no WGSL, expected ${Object.keys(RULES).join(', ')}`);
  }
  const numbers = Object.fromEntries(Object.entries(options).map(([option, value]) => [option, Number(value)]));
  return { ...make(numbers, initialSlots.length), slots: initialSlots.length };
}
