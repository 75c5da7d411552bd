import { assertFloats, assertLength } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertPositive, assertRange, assertWhole } from '../check/numbers.ts';
import { assertObject } from '../check/values.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { stepsOf } from './series.ts';

/** Mean and standard deviation of each of D features, as plain data that survives JSON. */
export interface StandardizerState {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** The smallest normal number: differences below it have too few digits to be scaled. */
const SMALLEST: number = 2 ** -1022;

/**
 * Shifts and scales each feature to mean 0 and standard deviation 1, and back. Fit it to the training data only.
 *
 * It is stored by `JSON.stringify(standardizer)` and restored by `new Standardizer(JSON.parse(text))`.
 */
export class Standardizer implements StandardizerState {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];

  /**
   * From given numbers.
   *
   * @throws {RangeError} when the two lists differ in length or are empty, a mean is not finite, or a deviation is not finite
   * and positive, {TypeError} when one of them is no list.
   */
  constructor(state: StandardizerState) {
    const fn = 'Standardizer';
    assertObject(fn, 'state', state);
    const { mean, deviation } = state;
    for (const [name, list] of Object.entries({ mean, deviation })) {
      if (!Array.isArray(list))
        throw new TypeError(`${fn}: ${name} is ${describe(list)}, expected an array of numbers`);
    }
    assertWhole(fn, 'the length of mean', mean.length, 1);
    assertLength(fn, 'deviation', deviation, '[D]', mean.length);
    for (let d = 0; d < mean.length; d++) {
      assertRange(fn, `mean[${d}]`, mean[d]);
      assertPositive(fn, `deviation[${d}]`, deviation[d]);
    }
    this.mean = [...mean];
    this.deviation = [...deviation];
  }

  /**
   * The mean and the standard deviation sqrt((1/N)·Σ(x − mean)²) of each feature; 1 for a feature that is always the
   * same, within 2⁻¹⁰²².
   *
   * @param x [N,D], N ≥ 1
   * @throws {RangeError} when x is empty or not [N,D], an element is not finite, or differences of
   * two elements overflow.
   */
  static fit(x: FloatArray | readonly number[], features = 1): Standardizer {
    const fn = 'Standardizer.fit';
    const steps = stepsOf(fn, 'x', x, features);
    if (steps === 0) throw new RangeError(`${fn}: x has 0 elements, expected at least ${features}`);
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(x[i])) throw new RangeError(`${fn}: x[${i}] is ${x[i]}, expected a finite number`);
    }
    const mean: number[] = [];
    const deviation: number[] = [];
    for (let d = 0; d < features; d++) {
      // in units of the largest difference from the first number, whose squares neither overflow nor vanish
      let unit = 0;
      for (let i = d; i < x.length; i += features) unit = Math.max(unit, Math.abs(x[i] - x[d]));
      if (unit === Number.POSITIVE_INFINITY) {
        throw new RangeError(`${fn}: the differences of feature ${d} overflow, expected numbers below 8e307`);
      }
      if (unit < SMALLEST) {
        mean[d] = x[d];
        deviation[d] = 1;
        continue;
      }
      let sum = 0;
      for (let i = d; i < x.length; i += features) sum += (x[i] - x[d]) / unit;
      const shift = sum / steps;
      let squares = 0;
      for (let i = d; i < x.length; i += features) {
        const difference = (x[i] - x[d]) / unit - shift;
        squares += difference * difference;
      }
      mean[d] = x[d] + shift * unit;
      deviation[d] = Math.sqrt(squares / steps) * unit;
    }
    return new Standardizer({ mean, deviation });
  }

  /** D, the number of features. */
  get features(): number {
    return this.mean.length;
  }

  /**
   * y = (x − mean)/deviation. `y` may be `x`.
   *
   * @param y [N,D], overwritten
   * @param x [N,D]
   * @throws {RangeError} when x is not [N,D] or y has another length.
   */
  standardize(y: FloatArray, x: FloatArray | readonly number[]): void {
    this.#assertShapes('Standardizer.standardize', y, x);
    const { features, mean, deviation } = this;
    for (let i = 0; i < x.length; i++) y[i] = (x[i] - mean[i % features]) / deviation[i % features];
  }

  /**
   * x = y·deviation + mean, the inverse of {@link standardize}. `x` may be `y`.
   *
   * @param x [N,D], overwritten
   * @param y [N,D]
   * @throws {RangeError} when y is not [N,D] or x has another length.
   */
  undo(x: FloatArray, y: FloatArray | readonly number[]): void {
    this.#assertShapes('Standardizer.undo', x, y);
    const { features, mean, deviation } = this;
    for (let i = 0; i < y.length; i++) x[i] = y[i] * deviation[i % features] + mean[i % features];
  }

  #assertShapes(fn: string, output: FloatArray, input: ArrayLike<number>): void {
    const steps = stepsOf(fn, 'the input', input, this.features);
    assertFloats(fn, 'the output', output);
    assertLength(fn, 'the output', output, '[N,D]', steps, this.features);
  }
}
