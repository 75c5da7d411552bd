import type { CpuEngine, ModelSpec } from 'bptt';
import type { FloatArray } from 'bptt/tensor';
import type { ReplayEngine } from './engines.ts';
import { exactSum } from './exactSum.ts';
import { type Checksum, type Fields, type Golden, GoldenError } from './fields.ts';
import type { Tolerances } from './tolerances.ts';

/** One quantity held against its golden value. */
export interface Comparison {
  ok: boolean;
  file: string;
  caseName: string;
  quantity: string;
  /** The largest difference relative to the largest entry of the array; with a tolerance for each entry, the worst one. */
  error: number;
  tolerance: number;
}

/** A quantity of the file that was held against nothing. */
export interface Skipped {
  file: string;
  caseName: string;
  quantity: string;
  why: string;
}

/** What a comparison came to: the error of each number, relative to its size and with its sign, or a verdict as text. */
type Outcome = Float64Array | string;

/** The same replay on the float64 engine, as it is and with roundings played at random: see `perturbed.ts`. */
export interface ReferenceRuns {
  exact: Check;
  perturbed: readonly Check[];
}

/**
 * Collects the comparisons of one file, and makes the engines that compute.
 *
 * Given {@link ReferenceRuns}, how far the perturbed ones are from the exact one is what rounding can do to a number, and is
 * added to its tolerance where that is not 0. The golden value itself has no say in that. What the float64 engine has right
 * anyway needs none of it.
 */
export class Check {
  readonly file: string;
  readonly engine: ReplayEngine;
  readonly tolerances: Tolerances;
  readonly comparisons: Comparison[] = [];
  readonly skipped: Skipped[] = [];
  /** Of every comparison that depends on the engine, in order. */
  private readonly outcomes: Outcome[] = [];
  private readonly references: ReferenceRuns | null;
  /** Whether rounding has decided which way the net at hand went. */
  private diverged = false;

  constructor(file: string, engine: ReplayEngine, tolerances: Tolerances, references: ReferenceRuns | null = null) {
    this.file = file;
    this.engine = engine;
    this.tolerances = tolerances;
    this.references = references;
  }

  /**
   * Numbers that the engine computed against an array, a checksum or a number of the file; nothing where the file says
   * null. Without a tolerance they are whole numbers or the like: equal, or wrong.
   */
  compare(golden: Golden | null, got: ArrayLike<number> | number, tolerance?: number): void {
    if (!golden) return;
    const errors = this.errorsOf(golden, got);
    this.judge(golden, errors, this.roundingOf(errors), tolerance);
  }

  /** {@link compare} for a loss before each update. What rounding does to a net before one of them may show at any later one. */
  compareLosses(golden: Golden | null, losses: ArrayLike<number>, tolerance: number): void {
    if (!golden) return;
    const errors = this.errorsOf(golden, losses);
    const rounding = this.roundingOf(errors);
    for (let i = 1; i < rounding.length; i++) rounding[i] = Math.max(rounding[i], rounding[i - 1]);
    this.judge(golden, errors, rounding, tolerance);
  }

  private judge(
    { caseName, quantity }: Golden,
    errors: Float64Array,
    rounding: Float64Array,
    tolerance: number | undefined,
  ): void {
    if (this.isReference && (tolerance === 0 || errors.every((error) => Math.abs(error) <= (tolerance ?? 0)))) {
      this.recordWorst(caseName, quantity, errors, () => tolerance ?? 0);
      return;
    }
    const tipping = tolerance === undefined && rounding.some((r) => r > 0);
    if (tipping || this.saysNothing(rounding)) this.diverge(caseName, quantity, tipping ? TIPPING : CHAOS);
    else if (this.diverged) this.skip(caseName, quantity, LOST);
    else {
      const shows = (i: number): boolean => rounding[i] <= this.tolerances.rounding.level;
      this.recordWorst(caseName, quantity, errors, (i) =>
        shows(i) ? (tolerance ?? 0) + rounding[i] : Number.POSITIVE_INFINITY,
      );
    }
  }

  /** Anything that the engine computed against a field that has to be equal, texts and verdicts too. */
  same(fields: Fields, name: string, got: unknown): void {
    if (fields.raw(name) === null) return;
    const text = JSON.stringify(got);
    const index = this.outcomes.push(text) - 1;
    if (this.isReference && text === JSON.stringify(fields.raw(name))) {
      this.recordSame(fields, name, got);
      return;
    }
    const { exact, perturbed } = this.references ?? { exact: this, perturbed: [] };
    if (perturbed.some(({ outcomes }) => outcomes[index] !== exact.outcomes[index])) {
      this.diverge(fields.caseName, fields.pathOf(name), TIPPING);
    } else if (this.diverged) this.skip(fields.caseName, fields.pathOf(name), LOST);
    else this.recordSame(fields, name, got);
  }

  /** {@link compare} for numbers that no engine has a part in. */
  compareData(golden: Golden | null, got: ArrayLike<number> | number, tolerance = 0): void {
    if (!golden) return;
    const { caseName, quantity } = golden;
    if (!this.isReference) this.skip(caseName, quantity, DATA);
    else this.recordWorst(caseName, quantity, this.errorsOf(golden, got), () => tolerance);
  }

  /** {@link same} for what no engine has a part in. */
  sameData(fields: Fields, name: string, got: unknown): void {
    if (fields.raw(name) === null) return;
    if (!this.isReference) this.skip(fields.caseName, fields.pathOf(name), DATA);
    else this.recordSame(fields, name, got);
  }

  /** A comparison made elsewhere. */
  record(caseName: string, quantity: string, error: number, tolerance: number): void {
    this.comparisons.push({ ok: error <= tolerance, file: this.file, caseName, quantity, error, tolerance });
  }

  /** A quantity that is held against nothing. */
  skip(caseName: string, quantity: string, why: string): void {
    this.skipped.push({ file: this.file, caseName, quantity, why });
  }

  /**
   * Begins with a net that nothing was done to. Where rounding decides which way a net goes, nothing that it comes to
   * afterwards is compared: all references may go the same way by chance, and the engine the other.
   */
  begin(): void {
    this.diverged = false;
  }

  /** Given numbers as the engine holds them. */
  floats(values: ArrayLike<number>): FloatArray {
    return this.engine.floats(values);
  }

  /** An engine: see {@link ReplayEngine.make}. */
  engineFor(lengths: () => readonly number[], spec?: ModelSpec): CpuEngine {
    return this.engine.make(lengths, spec);
  }

  /** Whether the engine is the float64 one, which the others are judged by. */
  private get isReference(): boolean {
    return this.references === null || this.references.exact.engine === this.engine;
  }

  private errorsOf(golden: Golden, got: ArrayLike<number> | number): Float64Array {
    const values = typeof got === 'number' ? [got] : got;
    const { caseName, quantity, shape, content } = golden;
    const size = shape.reduce((product, length) => product * length, 1);
    if (values.length !== size) {
      const where = caseName === '' ? '' : ` case ${caseName}:`;
      throw new GoldenError(`${this.file}:${where} ${quantity} has ${size} numbers, expected ${values.length}`);
    }
    return 'values' in content ? relativeErrors(values, content.values) : checksumErrors(values, content.checksum);
  }

  /** What rounding can do to each number of the comparison at hand, relative to its size. */
  private roundingOf(errors: Float64Array): Float64Array {
    const index = this.outcomes.push(errors) - 1;
    const bounds = new Float64Array(errors.length);
    if (!this.references) return bounds;
    const exact = this.references.exact.outcomes[index];
    for (const { outcomes } of this.references.perturbed) {
      const perturbed = outcomes[index];
      for (let i = 0; i < bounds.length; i++) {
        // A run that ended early, or at a NaN, says nothing.
        const distance = Math.abs(Number(perturbed?.[i]) - Number(exact?.[i]));
        bounds[i] = Math.max(bounds[i], Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance);
      }
    }
    return bounds;
  }

  /** Whether rounding may move most of the numbers so far that nothing can be said. */
  private saysNothing(rounding: Float64Array): boolean {
    const { level } = this.tolerances.rounding;
    return 2 * rounding.filter((r) => r > level).length > rounding.length;
  }

  private recordWorst(
    caseName: string,
    quantity: string,
    errors: Float64Array,
    toleranceOf: (i: number) => number,
  ): void {
    let worst = { error: 0, tolerance: errors.length > 0 ? toleranceOf(0) : 0, ratio: -1 };
    for (let i = 0; i < errors.length; i++) {
      const error = Math.abs(errors[i]);
      const tolerance = toleranceOf(i);
      const ratio = error === 0 ? 0 : error / tolerance;
      if (ratio > worst.ratio || (ratio === worst.ratio && error > worst.error)) worst = { error, tolerance, ratio };
    }
    this.record(caseName, quantity, worst.error, worst.tolerance);
  }

  private recordSame(fields: Fields, name: string, got: unknown): void {
    const equal = JSON.stringify(fields.raw(name)) === JSON.stringify(got);
    this.record(fields.caseName, fields.pathOf(name), equal ? 0 : Number.POSITIVE_INFINITY, 0);
  }

  private diverge(caseName: string, quantity: string, why: string): void {
    this.diverged = true;
    this.skip(caseName, quantity, why);
  }
}

const DATA = 'does not depend on the engine';
const TIPPING = 'rounding may tip it over';
const CHAOS = 'rounding may move it too far to say anything';
const LOST = 'comes after what rounding decided';

/** (got − expected) / max |expected|, one by one. */
function relativeErrors(got: ArrayLike<number>, expected: ArrayLike<number>): Float64Array {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
  return Float64Array.from(expected, (v, i) => relativeTo(largest, got[i] - v));
}

/** max |got − expected| / max |expected|. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  return relativeErrors(got, expected).reduce((largest, error) => Math.max(largest, Math.abs(error)), 0);
}

/** The errors of the sums and the sampled elements; the plain sum, often zero, relative to the sum of sizes. */
function checksumErrors(got: ArrayLike<number>, golden: Checksum): Float64Array {
  const sizes = Array.from(got, Math.abs);
  const squares = sizes.map((v) => v * v);
  const { sumOfAbs, sumOfSquares, maxAbs } = golden;
  return Float64Array.of(
    relativeTo(sumOfAbs, exactSum(got) - golden.sum),
    relativeTo(sumOfAbs, exactSum(sizes) - sumOfAbs),
    relativeTo(sumOfSquares, exactSum(squares) - sumOfSquares),
    relativeTo(maxAbs, sizes.reduce((a, b) => Math.max(a, b), 0) - maxAbs),
    ...golden.samples.map(([index, value]) => relativeTo(maxAbs, got[index] - value)),
  );
}

/** difference / |size|, 0 for 0 / 0; not a number counts as infinitely wrong. */
function relativeTo(size: number, difference: number): number {
  if (difference === 0) return 0;
  const error = difference / Math.abs(size);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
