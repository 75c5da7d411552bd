import type { FloatArray } from '../tensor/shape.ts';
import { expectBlocks, expectOptions, type Optimizer } from './optimizer.ts';

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
  const { delta = 0.001, etaPlus = 1.2, etaMinus = 0.5 } = options;
  expectOptions('notebookRprop', {
    delta: [delta, 0, Infinity],
    etaPlus: [etaPlus, 1, Infinity],
    etaMinus: [etaMinus, 0, 1],
  });
  return {
    name: 'notebookRprop',
    lr: 1,
    options: { delta, etaPlus, etaMinus },
    initialSlots: [delta, 0],
    update(params, grads, [deltas, signs], _step, _rate, kernels) {
      (kernels?.notebookRpropUpdate ?? notebookRpropUpdate)(params, grads, deltas, signs, etaPlus, etaMinus);
    },
  };
}

/**
 * One update of {@link notebookRprop}.
 *
 * @param params [P], updated
 * @param grads [P]
 * @param deltas [P], updated
 * @param signs [P], of the step before, updated
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function notebookRpropUpdate(
  params: FloatArray,
  grads: FloatArray,
  deltas: FloatArray,
  signs: FloatArray,
  etaPlus: number,
  etaMinus: number,
): void {
  expectBlocks('notebookRpropUpdate', params, { grads, deltas, signs });
  for (let i = 0; i < params.length; i++) {
    const sign = Math.sign(grads[i]);
    deltas[i] *= sign === signs[i] ? etaPlus : etaMinus;
    signs[i] = sign;
    params[i] -= sign * deltas[i];
  }
}

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
  const { lr = 0.01, etaPlus = 1.2, etaMinus = 0.5, minStep = 1e-6, maxStep = 50 } = options;
  expectOptions('rprop', {
    lr: [lr, 0, Infinity],
    etaPlus: [etaPlus, 1, Infinity],
    etaMinus: [etaMinus, 0, 1],
    minStep: [minStep, 0, Infinity],
    maxStep: [maxStep, minStep, Infinity],
  });
  return {
    name: 'rprop',
    lr,
    options: { etaPlus, etaMinus, minStep, maxStep },
    initialSlots: [lr, 0],
    update(params, grads, [deltas, previous], _step, _rate, kernels) {
      const run = kernels?.rpropUpdate ?? rpropUpdate;
      run(params, grads, deltas, previous, etaPlus, etaMinus, minStep, maxStep);
    },
  };
}

/**
 * One update of {@link rprop}.
 *
 * @param params [P], updated
 * @param grads [P]
 * @param deltas [P], updated
 * @param previous [P], the gradient of the step before, 0 where its sign had changed; updated
 * @throws {RangeError} on a length that does not fit, {TypeError} on mixed dtypes.
 */
export function rpropUpdate(
  params: FloatArray,
  grads: FloatArray,
  deltas: FloatArray,
  previous: FloatArray,
  etaPlus: number,
  etaMinus: number,
  minStep: number,
  maxStep: number,
): void {
  expectBlocks('rpropUpdate', params, { grads, deltas, previous });
  for (let i = 0; i < params.length; i++) {
    const agreement = Math.sign(grads[i]) * Math.sign(previous[i]);
    const factor = agreement > 0 ? etaPlus : agreement < 0 ? etaMinus : 1;
    deltas[i] = Math.min(Math.max(deltas[i] * factor, minStep), maxStep);
    const g = agreement < 0 ? 0 : grads[i];
    previous[i] = g;
    params[i] -= Math.sign(g) * deltas[i];
  }
}
