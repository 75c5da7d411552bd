import type { FloatArray } from '../tensor/shape.ts';
import { assertRanges, assertRuleOptions, type Optimizer, optimizerOf, type StepNumbers, signOf } from './optimizer.ts';

/** What {@link notebookRprop} takes. */
export interface NotebookRpropOptions {
  /** The step that every parameter starts with. */
  delta?: number;
  etaPlus?: number;
  etaMinus?: number;
}

/**
 * Rprop as the linear-RNN notebook writes it: only the sign of the gradient counts.
 *
 *     δ *= sign(g) = sign of the step before ? η⁺ : η⁻       the first step compares with sign 0
 *     θ −= sign(g)·δ
 *
 * No limits on δ, no way back after a change of sign; a zero gradient moves nothing but counts as a sign of its own.
 * Steps are counted in the parameters' units, so there is no learning rate.
 *
 * @throws {RangeError} on an option out of range.
 */
export function notebookRprop(options: NotebookRpropOptions = {}): Optimizer {
  assertRuleOptions('notebookRprop', options, ['delta', 'etaPlus', 'etaMinus']);
  const { delta = 0.001, etaPlus = 1.2, etaMinus = 0.5 } = options;
  assertRanges('notebookRprop', {
    delta: [delta, 0, Infinity],
    etaPlus: [etaPlus, 1, Infinity],
    etaMinus: [etaMinus, 0, 1],
  });
  return optimizerOf(
    {
      name: 'notebookRprop',
      lr: 1,
      options: { delta, etaPlus, etaMinus },
      with: (changes) => notebookRprop({ delta, etaPlus, etaMinus, ...changes }),
      initialMemory: [delta, 0],
      memoryNames: ['size', 'sign'],
      numbers: () => ({ etaPlus, etaMinus }),
      formula(m, { theta, g, memory: [before, signBefore], numbers: n }) {
        const sign = signOf(m, g);
        const changed = m.abs(m.sub(sign, signBefore));
        const size = m.mul(before, m.whereGreater(changed, m.constant(0), n.etaMinus, n.etaPlus));
        return { theta: m.sub(theta, m.mul(sign, size)), memory: [size, sign] };
      },
    },
    notebookRpropLoop,
  );
}

/** What {@link rprop} takes. */
export interface RpropOptions {
  /** The step that every parameter starts with. */
  lr?: number;
  etaPlus?: number;
  etaMinus?: number;
  minStep?: number;
  maxStep?: number;
}

/**
 * Rprop− (Riedmiller & Braun 1993), as PyTorch computes it:
 *
 *     δ = clamp(δ·(g·g₋₁ > 0 ? η⁺ : g·g₋₁ < 0 ? η⁻ : 1), minStep, maxStep)
 *     g = 0 where the sign changed, so that the next step starts afresh
 *     θ −= sign(g)·δ
 *
 * `lr` is only the first step's size and is not scheduled.
 *
 * @throws {RangeError} on an option out of range.
 */
export function rprop(options: RpropOptions = {}): Optimizer {
  assertRuleOptions('rprop', options, ['lr', 'etaPlus', 'etaMinus', 'minStep', 'maxStep']);
  const { lr = 0.01, etaPlus = 1.2, etaMinus = 0.5, minStep = 1e-6, maxStep = 50 } = options;
  assertRanges('rprop', {
    lr: [lr, 0, Infinity],
    etaPlus: [etaPlus, 1, Infinity],
    etaMinus: [etaMinus, 0, 1],
    minStep: [minStep, 0, Infinity],
    maxStep: [maxStep, minStep, Infinity],
  });
  return optimizerOf(
    {
      name: 'rprop',
      lr,
      options: { etaPlus, etaMinus, minStep, maxStep },
      with: (changes) => rprop({ lr, etaPlus, etaMinus, minStep, maxStep, ...changes }),
      initialMemory: [lr, 0],
      memoryNames: ['size', 'gradient'],
      numbers: () => ({ etaPlus, etaMinus, minStep, maxStep }),
      formula(m, { theta, g: given, memory: [before, gBefore], numbers: n }) {
        const zero = m.constant(0);
        const agreement = m.mul(signOf(m, given), signOf(m, gBefore));
        const shrunk = m.whereGreater(zero, agreement, n.etaMinus, m.constant(1));
        const factor = m.whereGreater(agreement, zero, n.etaPlus, shrunk);
        const size = m.min(m.max(m.mul(before, factor), n.minStep), n.maxStep);
        const g = m.whereGreater(zero, agreement, zero, given);
        return { theta: m.sub(theta, m.mul(signOf(m, g), size)), memory: [size, g] };
      },
    },
    rpropLoop,
  );
}

/** The update of {@link notebookRprop}; memory is δ and the sign of the step before. */
function notebookRpropLoop(
  params: FloatArray,
  grads: FloatArray,
  [deltas, signs]: readonly FloatArray[],
  { etaPlus, etaMinus }: StepNumbers,
): void {
  for (let i = 0; i < params.length; i++) {
    const sign = Math.sign(grads[i]);
    deltas[i] *= sign === signs[i] ? etaPlus : etaMinus;
    signs[i] = sign;
    params[i] -= sign * deltas[i];
  }
}

/** The update of {@link rprop}; memory is δ and the gradient of the step before, 0 where its sign had changed. */
function rpropLoop(
  params: FloatArray,
  grads: FloatArray,
  [deltas, previous]: readonly FloatArray[],
  { etaPlus, etaMinus, minStep, maxStep }: StepNumbers,
): void {
  for (let i = 0; i < params.length; i++) {
    const agreement = Math.sign(grads[i]) * Math.sign(previous[i]);
    const factor = agreement > 0 ? etaPlus : agreement < 0 ? etaMinus : 1;
    deltas[i] = Math.min(Math.max(deltas[i] * factor, minStep), maxStep);
    const g = agreement < 0 ? 0 : grads[i];
    previous[i] = g;
    params[i] -= Math.sign(g) * deltas[i];
  }
}
