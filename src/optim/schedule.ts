import { powOf } from '../tensor/pow.ts';
import { cosOf } from '../tensor/sin.ts';
import { expectOptions } from './optimizer.ts';

/**
 * lr·γ^⌊step/every⌋.
 *
 * @throws {RangeError} on an option out of range.
 */
export function stepDecay(lr: number, every: number, gamma: number): (step: number) => number {
  expectOptions('stepDecay', { lr: [lr, 0, Infinity], every: [every, 1, Infinity], gamma: [gamma, 0, Infinity] });
  return (step) => lr * powOf(gamma, Math.floor(step / every));
}

/**
 * Half a cosine (Loshchilov & Hutter 2017) from lr at step 0 down to `end` at `steps`, `end` from there on.
 *
 * @throws {RangeError} on an option out of range.
 */
export function cosineDecay(lr: number, steps: number, end = 0): (step: number) => number {
  expectOptions('cosineDecay', { lr: [lr, 0, Infinity], steps: [steps, 1, Infinity], end: [end, 0, Infinity] });
  return (step) => end + ((lr - end) * (1 + cosOf((Math.PI * Math.min(step, steps)) / steps))) / 2;
}

/**
 * A straight rise over the first `steps` updates (the first one gets 1/steps of the rate), then the given schedule,
 * counted from its end.
 *
 * @throws {RangeError} on an option out of range.
 */
export function warmUp(steps: number, then: number | ((step: number) => number)): (step: number) => number {
  expectOptions('warmUp', { steps: [steps, 1, Infinity] });
  const rate = typeof then === 'number' ? () => then : then;
  return (step) => (step < steps ? (rate(0) * (step + 1)) / steps : rate(step - steps));
}
