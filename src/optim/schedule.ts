import { describe } from '../check/describe.ts';
import { powOf } from '../tensor/pow.ts';
import { cosOf } from '../tensor/sin.ts';
import { assertRanges, type LearningRate } from './optimizer.ts';

/** A schedule that says how it was made, so that a file can record it. */
export interface Schedule {
  (step: number): number;
  readonly data: ScheduleData;
}

/** The call that made a schedule: its name and arguments. */
export type ScheduleData =
  | { readonly schedule: 'stepDecay'; readonly lr: number; readonly every: number; readonly gamma: number }
  | { readonly schedule: 'cosineDecay'; readonly lr: number; readonly steps: number; readonly end: number }
  | { readonly schedule: 'warmUp'; readonly steps: number; readonly after: number | ScheduleData };

/**
 * lr·γ^⌊step/every⌋.
 *
 * @throws {RangeError} on an option out of range; when asked, on a step that is no number ≥ 0 and where γ > 1 has made the
 * rate infinite.
 */
export function stepDecay(lr: number, every: number, gamma: number): Schedule {
  assertRanges('stepDecay', { lr: [lr, 0, Infinity], every: [every, 1, Infinity], gamma: [gamma, 0, Infinity] });
  const rate = (step: number): number => {
    assertStep('stepDecay', step);
    return assertRate('stepDecay', 'the rate', lr * powOf(gamma, Math.floor(step / every)), step);
  };
  return Object.assign(rate, { data: { schedule: 'stepDecay', lr, every, gamma } } as const);
}

/**
 * Half a cosine (Loshchilov & Hutter 2017) from lr at step 0 down to `end` at `steps`, `end` from there on.
 *
 * @throws {RangeError} on an option out of range; when asked, on a step that is no number ≥ 0.
 */
export function cosineDecay(lr: number, steps: number, end = 0): Schedule {
  assertRanges('cosineDecay', { lr: [lr, 0, Infinity], steps: [steps, 1, Infinity], end: [end, 0, Infinity] });
  const rate = (step: number): number => {
    assertStep('cosineDecay', step);
    // Halved first: twice a rate may be beyond all numbers.
    return end + (lr - end) * ((1 + cosOf((Math.PI * Math.min(step, steps)) / steps)) / 2);
  };
  return Object.assign(rate, { data: { schedule: 'cosineDecay', lr, steps, end } } as const);
}

/**
 * A straight rise over the first `steps` updates (the first one gets 1/steps of the rate), then the given schedule,
 * counted from its end. The rise never exceeds the rate at which the schedule starts.
 *
 * @throws {RangeError} on an option out of range; when asked, on a step that is no number ≥ 0 and when the given schedule
 * returns anything but a finite number ≥ 0.
 */
export function warmUp(steps: number, then: number | Schedule): Schedule;
export function warmUp(steps: number, then: LearningRate): (step: number) => number;
export function warmUp(steps: number, then: LearningRate): (step: number) => number {
  assertRanges('warmUp', { steps: [steps, 1, Infinity] });
  if (typeof then !== 'function' && !isRate(then)) {
    throw new RangeError(`warmUp: then is ${describe(then)}, expected 0 ≤ then < Infinity or a schedule`);
  }
  const rate = typeof then === 'function' ? then : () => then;
  const after = (step: number): number => assertRate('warmUp', 'the rate of the given schedule', rate(step), step);
  const whole = (step: number): number => {
    assertStep('warmUp', step);
    // the fraction comes first: r·n/n may be more than r, r·(n/n) is not
    return step < steps ? after(0) * Math.min((step + 1) / steps, 1) : after(step - steps);
  };
  const data = scheduleData(then);
  return data === null ? whole : Object.assign(whole, { data: { schedule: 'warmUp', steps, after: data } } as const);
}

/** A learning rate as plain data; null for a function of one's own. */
export function scheduleData(lr: LearningRate): number | ScheduleData | null {
  return typeof lr === 'number' ? lr : ((lr as Partial<Schedule>).data ?? null);
}

/** How many schedules may follow one another in a file. */
const DEEPEST = 16;

/**
 * The learning rate of what {@link scheduleData} gave; the data may come from anywhere.
 *
 * @throws {RangeError} on a schedule that there is not, or a number out of range.
 */
export function scheduleFrom(data: unknown, depth = 0): number | Schedule {
  if (typeof data === 'number') return data;
  const { schedule, lr, every, gamma, steps, end, after } = (data ?? {}) as Record<string, never>;
  if (schedule === 'stepDecay') return stepDecay(lr, every, gamma);
  if (schedule === 'cosineDecay') return cosineDecay(lr, steps, end);
  if (schedule === 'warmUp' && depth < DEEPEST) return warmUp(steps, scheduleFrom(after, depth + 1));
  const kinds = 'stepDecay, cosineDecay or warmUp';
  throw new RangeError(`learning rate: schedule is ${describe(schedule)}, expected ${kinds}, at most ${DEEPEST} deep`);
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
