import { assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { stepsOf } from './series.ts';

/** Which windows {@link seriesWindows} takes. */
export interface SeriesWindowsOptions {
  /** W, the steps of a window. */
  readonly windowLength: number;
  /** H, the steps to predict after a window. */
  readonly horizon: number;
  /** The steps from one window's start to the next one's; default 1. */
  readonly stride?: number;
  /** D, the numbers of a step; default 1. */
  readonly features?: number;
}

/** B windows of a series, each with the steps that follow it. */
export interface SeriesWindows {
  /** [W,B,D], the inputs of a batch. */
  readonly inputs: FloatArray;
  /** [B,H,D]: the targets [B,V] of a net whose loss is at the last step, with V = H·D. */
  readonly targets: FloatArray;
  /** [B], the step of the series at which each window starts. */
  readonly starts: Int32Array;
}

/**
 * All windows of a series that have their whole horizon in it: window b starts at step b·stride, and its targets are the H
 * steps after it. The arrays are copies, of the dtype of the series (float64 for a plain array).
 *
 * @param series [N,D], N ≥ windowLength + horizon
 * @throws {RangeError} when an option is not a whole number ≥ 1 or the series is too short or not [N,D], {TypeError} on an
 * unknown option.
 */
export function seriesWindows(series: FloatArray | readonly number[], options: SeriesWindowsOptions): SeriesWindows {
  const fn = 'seriesWindows';
  assertOptions(fn, options, ['windowLength', 'horizon', 'stride', 'features']);
  const { windowLength, horizon, stride = 1, features = 1 } = options;
  assertWhole(fn, 'windowLength', windowLength, 1);
  assertWhole(fn, 'horizon', horizon, 1);
  assertWhole(fn, 'stride', stride, 1);
  const steps = stepsOf(fn, 'series', series, features);
  const needed = windowLength + horizon;
  if (steps < needed) {
    throw new RangeError(`${fn}: series has ${steps} steps, expected at least windowLength + horizon = ${needed}`);
  }
  const count = Math.floor((steps - needed) / stride) + 1;
  const Floats = series instanceof Float32Array ? Float32Array : Float64Array;
  const inputs = new Floats(windowLength * count * features);
  const targets = new Floats(count * horizon * features);
  const starts = new Int32Array(count);
  for (let b = 0; b < count; b++) {
    const start = b * stride;
    starts[b] = start;
    for (let t = 0; t < windowLength; t++) {
      for (let d = 0; d < features; d++) inputs[(t * count + b) * features + d] = series[(start + t) * features + d];
    }
    const next = (start + windowLength) * features;
    for (let i = 0; i < horizon * features; i++) targets[b * horizon * features + i] = series[next + i];
  }
  return { inputs, targets, starts };
}
