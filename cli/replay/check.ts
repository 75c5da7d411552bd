import type { LocalEngine } from 'bptt/bptt';
import type { FloatArray } from 'bptt/tensor';
import { exactSum } from './exactSum.ts';
import { type Checksum, type Fields, type Golden, GoldenError } from './fields.ts';
import type { Tolerances } from './tolerances.ts';

/** One quantity held against its golden value. */
export interface Comparison {
  ok: boolean;
  file: string;
  caseName: string;
  quantity: string;
  /** The largest difference relative to the largest entry of the array. */
  error: number;
  tolerance: number;
}

/** Collects the comparisons of one file, and holds the engine that computes. */
export class Check {
  readonly file: string;
  readonly engine: LocalEngine;
  readonly tolerances: Tolerances;
  readonly comparisons: Comparison[] = [];

  constructor(file: string, engine: LocalEngine, tolerances: Tolerances) {
    this.file = file;
    this.engine = engine;
    this.tolerances = tolerances;
  }

  /** Numbers against an array, a checksum or a number of the file; nothing where the file says null. */
  compare(golden: Golden | null, got: ArrayLike<number> | number, tolerance = 0): void {
    if (!golden) return;
    const values = typeof got === 'number' ? [got] : got;
    const { caseName, quantity, shape, content } = golden;
    const size = shape.reduce((product, length) => product * length, 1);
    if (values.length !== size) {
      const where = caseName === '' ? '' : ` case ${caseName}:`;
      throw new GoldenError(`${this.file}:${where} ${quantity} has ${size} numbers, expected ${values.length}`);
    }
    const error = 'values' in content ? relativeError(values, content.values) : checksumError(values, content.checksum);
    this.record(caseName, quantity, error, tolerance);
  }

  /** Anything against a field that has to be equal, texts and verdicts too. */
  same(fields: Fields, name: string, got: unknown): void {
    const golden = fields.raw(name);
    if (golden === null) return;
    const equal = JSON.stringify(golden) === JSON.stringify(got);
    this.record(fields.caseName, fields.pathOf(name), equal ? 0 : Number.POSITIVE_INFINITY, 0);
  }

  /** A comparison made elsewhere. */
  record(caseName: string, quantity: string, error: number, tolerance: number): void {
    this.comparisons.push({ ok: error <= tolerance, file: this.file, caseName, quantity, error, tolerance });
  }

  /** Numbers in the engine's dtype. */
  floats(values: ArrayLike<number>): FloatArray {
    return this.engine.dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
  }

  /** The distance from 1 to the next number of the engine's dtype. */
  get epsilon(): number {
    return this.engine.dtype === 'float32' ? 2 ** -23 : 2 ** -52;
  }
}

/** max |got − expected| / max |expected|. */
export function relativeError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(got[i] - expected[i]);
    if (!(d <= difference)) difference = d;
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return relativeTo(largest, difference);
}

/** The largest error of the sums and the sampled elements; the plain sum, often zero, relative to the sum of sizes. */
function checksumError(got: ArrayLike<number>, golden: Checksum): number {
  const sizes = Array.from(got, Math.abs);
  const squares = sizes.map((v) => v * v);
  const { sumOfAbs, sumOfSquares, maxAbs } = golden;
  const errors = [
    relativeTo(sumOfAbs, exactSum(got) - golden.sum),
    relativeTo(sumOfAbs, exactSum(sizes) - sumOfAbs),
    relativeTo(sumOfSquares, exactSum(squares) - sumOfSquares),
    relativeTo(maxAbs, sizes.reduce((a, b) => Math.max(a, b), 0) - maxAbs),
    ...golden.samples.map(([index, value]) => relativeTo(maxAbs, got[index] - value)),
  ];
  return Math.max(...errors);
}

/** |difference| / |size|, 0 for 0 / 0; not a number counts as infinitely wrong. */
function relativeTo(size: number, difference: number): number {
  if (difference === 0) return 0;
  const error = Math.abs(difference / size);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
