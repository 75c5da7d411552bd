import { powOf } from '../tensor/pow.ts';
import { cosOf } from '../tensor/sin.ts';
import { assertRanges } from './optimizer.ts';

/**
 * lr·γ^⌊step/every⌋.
 *
 * @throws {RangeError} on an option out of range; when asked, on a step that is no number ≥ 0 and where γ > 1 has made the
 * rate infinite.
 */
export function stepDecay(lr: number, every: number, gamma: number): (step: number) => number {
  assertRanges('stepDecay', { lr: [lr, 0, Infinity], every: [every, 1, Infinity], gamma: [gamma, 0, Infinity] });
  return (step) => {
    assertStep('stepDecay', step);
    return assertRate('stepDecay', 'the rate', lr * powOf(gamma, Math.floor(step / every)), step);
  };
}

/**
 * Half a cosine (Loshchilov & Hutter 2017) from lr at step 0 down to `end` at `steps`, `end` from there on.
 *
 * @throws {RangeError} on an option out of range; when asked, on a step that is no number ≥ 0.
 */
export function cosineDecay(lr: number, steps: number, end = 0): (step: number) => number {
  assertRanges('cosineDecay', { lr: [lr, 0, Infinity], steps: [steps, 1, Infinity], end: [end, 0, Infinity] });
  return (step) => {
    assertStep('cosineDecay', step);
    // Halved first: twice a rate may be beyond all numbers.
    return end + (lr - end) * ((1 + cosOf((Math.PI * Math.min(step, steps)) / steps)) / 2);
  };
}

/**
 * A straight rise over the first `steps` updates (the first one gets 1/steps of the rate), then the given schedule,
 * counted from its end. The rise never exceeds the rate at which the schedule starts.
 *
 * @throws {RangeError} on an option out of range; when asked, on a step that is no number ≥ 0 and when the given schedule
 * returns anything but a finite number ≥ 0.
 */
export function warmUp(steps: number, then: number | ((step: number) => number)): (step: number) => number {
  assertRanges('warmUp', { steps: [steps, 1, Infinity] });
  if (typeof then !== 'function' && !isRate(then)) {
    throw new RangeError(`warmUp: then is ${then}, expected 0 ≤ then < Infinity or a schedule`);
  }
  const rate = typeof then === 'function' ? then : () => then;
  const after = (step: number): number => assertRate('warmUp', 'the rate of the given schedule', rate(step), step);
  return (step) => {
    assertStep('warmUp', step);
    // the fraction comes first: r·n/n may be more than r, r·(n/n) is not
    return step < steps ? after(0) * Math.min((step + 1) / steps, 1) : after(step - steps);
  };
}

function assertStep(fn: string, step: number): void {
  assertRanges(fn, { step: [step, 0, Infinity] });
}

/** The rate, if it is one. */
function assertRate(fn: string, what: string, rate: number, step: number): number {
  if (!isRate(rate)) {
    throw new RangeError(`${fn}: ${what} at step ${step} is ${rate}, expected a finite number ≥ 0`);
  }
  return rate;
}

function isRate(rate: unknown): rate is number {
  return typeof rate === 'number' && rate >= 0 && rate < Infinity;
}
