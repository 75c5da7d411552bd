import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { rowMajor } from '../../src/tensor/ndarray.ts';
import { array, type Float64View, type Nested } from '../../src/tensor/numpy.ts';

/** What a golden file of true size keeps of an array. */
export interface Checksum {
  shape: number[];
  sum: number;
  sum_of_squares: number;
  sum_of_abs: number;
  max_abs: number;
  samples: [index: number, value: number][];
}

export type Golden = Nested | Checksum;

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../goldens/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** How many numbers have been compared, so that a test can see that something was. */
export const compared = { numbers: 0 };

/** Within `tolerance` of the largest entry (arrays) or of itself (numbers); shapes are the same. */
export function expectClose(what: string, got: Float64View | number, want: Golden, tolerance: number): void {
  if (typeof got === 'number') {
    within(what, got, want as number, Math.abs(want as number), tolerance);
    return;
  }
  const values = rowMajor(got);
  if (typeof want === 'object' && 'samples' in want) {
    expect(got.shape, what).toEqual(want.shape);
    const abs = values.map(Math.abs);
    const total = (a: Float64Array): number => a.reduce((x, y) => x + y, 0);
    within(`${what}: sum`, total(values), want.sum, want.sum_of_abs, tolerance);
    within(`${what}: sum_of_abs`, total(abs), want.sum_of_abs, want.sum_of_abs, tolerance);
    const squares = total(values.map((x) => x * x));
    within(`${what}: sum_of_squares`, squares, want.sum_of_squares, want.sum_of_squares, tolerance);
    within(`${what}: max_abs`, Math.max(...abs), want.max_abs, want.max_abs, tolerance);
    for (const [i, value] of want.samples) within(`${what}[${i}]`, values[i], value, want.max_abs, tolerance);
    return;
  }
  const whole = array(want);
  expect(got.shape, what).toEqual(whole.shape);
  const largest = Math.max(...whole.data.map(Math.abs));
  whole.data.forEach((value, i) => {
    within(`${what}[${i}]`, values[i], value, largest, tolerance);
  });
}

/** {@link expectClose} for every name in `want`. */
export function expectAllClose(
  what: string,
  got: Readonly<Record<string, Float64View>>,
  want: Readonly<Record<string, Golden>>,
  tolerance: number,
): void {
  for (const name of Object.keys(want)) expectClose(`${what} ${name}`, got[name], want[name], tolerance);
}

function within(what: string, got: number, want: number, scale: number, tolerance: number): void {
  compared.numbers++;
  if (!(Math.abs(got - want) <= tolerance * scale)) {
    throw new Error(`${what}: got ${got}, want ${want} within ${tolerance} · ${scale}`);
  }
}

/** The arrays of a golden, as views. */
export function toViews<P>(golden: Readonly<Record<string, Golden>>): P {
  return Object.fromEntries(Object.entries(golden).map(([name, values]) => [name, array(values as Nested)])) as P;
}
