import { describe } from '../check/describe.ts';
import { assertFlag, assertFunction, assertOneOf } from '../check/values.ts';
import type { Loss } from './loss.ts';

/**
 * Throws unless a loss says what it is and its functions are there; what they do is checked by `checkLoss` of `bptt/testing`.
 *
 * @param what the prefix of the message
 * @throws {RangeError | TypeError} naming the field, what it is and what it may be.
 */
export function assertLoss(loss: Loss, what: string): void {
  if (typeof loss !== 'object' || loss === null) throw new TypeError(`${what} is ${describe(loss)}, expected a loss`);
  const { name, targets, per } = loss;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(`${what}: name is ${describe(name)}, expected a name`);
  }
  const fn = `${what} ${name}`;
  assertOneOf(fn, 'targets', targets, ['classes', 'values', 'labels']);
  assertOneOf(fn, 'per', per, ['row', 'sequence']);
  if (targets === 'labels' && per !== 'sequence') {
    throw new RangeError(`${fn}: targets labels go with per sequence`);
  }
  if (loss.meanOverOutputs !== undefined) assertFlag(fn, 'meanOverOutputs', loss.meanOverOutputs);
  for (const own of ['outputs', 'forward', 'backward'] as const) assertFunction(fn, own, loss[own]);
}
