import { assertWhole } from '../check/numbers.ts';
import { type FloatArray, zeros } from '../tensor/shape.ts';
import type { InferenceSession } from './inferenceSession.ts';
import { assertOptions } from './options.ts';

/** Options of {@link forecast}. */
export interface ForecastOptions {
  /**
   * The input of a step from the outputs [V] of the step before, number `step` = 0, 1, … of the forecast: where inputs hold
   * more than the outputs (a calendar) or in another scale. Default: the outputs themselves.
   */
  next?: (outputs: FloatArray, step: number) => ArrayLike<number>;
}

/**
 * The outputs [n,V] of the next n steps: the first are the last outputs of a session that has read a series so far, then each
 * is read as the next input. The session itself is left as it was, so that it can go on with what really comes.
 *
 * @throws {RangeError | TypeError} where n is no whole number ≥ 1, the session has read nothing, or the model reads ids, or
 *   vectors of another size than its outputs and there is no `next`.
 */
export function forecast(session: InferenceSession, n: number, options: ForecastOptions = {}): FloatArray {
  const fn = 'forecast';
  assertOptions(fn, options, { next: true });
  assertWhole(fn, 'n', n, 1);
  const { spec, dtype, outputSize: V } = session.model;
  const { next } = options;
  if (spec.input !== 'dense') throw new RangeError(`${fn}: the model reads ids, expected vectors`);
  if (next === undefined && spec.inputSize !== V) {
    throw new RangeError(`${fn}: the model reads ${spec.inputSize} numbers and gives ${V}: say in next what it reads`);
  }
  const outputs = zeros(dtype, n * V);
  const ahead = session.fork();
  let last = session.outputs;
  for (let step = 0; step < n; step++) {
    if (step > 0) last = ahead.read(next === undefined ? last : next(last, step - 1));
    outputs.set(last, step * V);
  }
  return outputs;
}
