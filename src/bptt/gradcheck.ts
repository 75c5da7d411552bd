import { assertFinite, assertLength } from '../check/arrays.ts';
import { describe } from '../check/describe.ts';
import { assertWhole } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFunction, assertObject } from '../check/values.ts';
/**
 * Is a hand-written gradient right? Compares it with a numeric derivative of the loss that it claims to differentiate.
 *
 * The numeric derivative is Karpathy's central difference (`gradCheck` beside min-char-rnn, notebook 003), sharpened by
 * the extrapolation of C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering
 * Software 4 (1982) 75–76, which also says how far it can be trusted. Everything is float64.
 *
 * @module
 */
import { RandomState } from '../tensor/random.ts';

/** Parameters, or their gradients, by name. */
export type Params = Record<string, Float64Array>;

/** A function of parameters that ends in one number. */
export interface LossFunction<P extends Params = Params> {
  /** The loss. The same parameters must give the same loss, to the last bit. */
  loss(params: P): number;
  /** The derivative of the loss by every parameter, not added to what an earlier call left; the same at every call. */
  gradients(params: P): Params;
}

/** A function of parameters with many outputs; the check makes a loss of them, `sum(out·dOut)` with a random `dOut`. */
export interface VectorFunction<P extends Params = Params> {
  /** The outputs. The same parameters must give the same outputs, to the last bit. */
  forward(params: P): Float64Array;
  /** Called right after `forward`: the derivative of `sum(out·dOut)` by every parameter, the same at every call. */
  backward(dOut: Float64Array, params: P): Params;
}

/** What {@link gradcheck} takes beside function and parameters. */
export interface GradcheckOptions {
  /**
   * - `'full'` (default): every element of every parameter.
   * - `'sampled'`: `samples` random elements of each parameter.
   * - `'directional'`: `samples` random directions through all parameters at once, `gradient·v` against the derivative
   *   along `v`: the cheapest look at everything, without a hint where a mistake is.
   */
  mode?: 'full' | 'sampled' | 'directional';
  /** How many elements of each parameter, or how many directions; 10 by default, at most 1,000,000. */
  samples?: number;
  /** Seed of everything drawn: `dOut`, elements, directions; 0 by default. */
  seed?: number;
  /** The largest relative error that passes; 1e-7 by default. */
  tolerance?: number;
  /** The largest share of comparisons that may stay inconclusive; 0.01 by default. */
  maxInconclusive?: number;
}

/** One comparison: an element of a parameter, or, as parameter `'direction'`, a whole direction. */
export interface GradcheckElement {
  parameter: string;
  index: number;
  /** The gradient under check. */
  analytic: number;
  /** The numeric derivative. */
  numeric: number;
  /** |analytic − numeric| */
  absoluteError: number;
  /** |analytic − numeric| / max(|analytic|, |numeric|, floor), see {@link gradcheck}. */
  relativeError: number;
  /** How far `numeric` itself may be from the true derivative. */
  estimatedError: number;
  verdict: 'ok' | 'wrong' | 'inconclusive';
}

/** A point without a derivative: the slopes to its right and to its left differ by `jump`. */
export interface GradcheckKink {
  parameter: string;
  index: number;
  jump: number;
}

/** What {@link gradcheck} found. */
export interface GradcheckReport {
  passed: boolean;
  /** Why it did not pass; empty when it did. */
  failures: string[];
  /** How many comparisons came to a verdict, `'ok'` or `'wrong'`. */
  checked: number;
  /** How many comparisons the numeric derivative was too inexact to decide. */
  inconclusive: number;
  /** Every comparison, also the inconclusive ones. */
  checks: GradcheckElement[];
  /** What was skipped, because there is no derivative to compare with. */
  kinks: GradcheckKink[];
  /** The comparison with the largest relative error among those with a verdict. */
  worst: GradcheckElement | undefined;
  mode: 'full' | 'sampled' | 'directional';
  seed: number;
  tolerance: number;
}

/** A report under the name of what it checked, for a table of many. */
export interface NamedGradcheckReport {
  name: string;
  report: GradcheckReport;
}

/** The first step, in sizes of the parameter, and how many steps follow it, each smaller by SHRINK. */
const FIRST_STEP = 0.25;
const SHRINK = 1.4;
const LEVELS = 10;

/** Where the first step turns out too large for the function (or too small), the tableau is tried again at these. */
const STEP_FACTORS = [1, 16 ** -1, 16, 16 ** -2, 16 ** -3, 16 ** -4, 16 ** -5, 16 ** -6];

/** A parameter that is zero or nearly so is taken to be of this size. */
const SMALLEST_SIZE = 0.1;

/** Derivatives below this share of the largest are judged by their absolute error. */
const FLOOR = 1e-5;

/** Slopes that differ by less than this share of the derivative are no kink: noise alone makes them differ a little. */
const KINK = 1e-4;

/**
 * A step at which the loss changes by less than this share of itself is too small: a loss with noise that nobody knows
 * of, say of float32, is flat there, and a flat line has a very exact derivative.
 */
const FLATNESS = 1e-6;

/** The rounding error of one loss, relative to the sum of the magnitudes of its terms. */
const ROUNDING = 2 * Number.EPSILON;

const MOST_SAMPLES = 1_000_000;

/**
 * Checks hand-written gradients against numeric derivatives. A wrong gradient does not throw: read `passed`, print the
 * report with {@link formatGradcheck}, or call {@link assertGradcheck} instead.
 *
 * With `size` the magnitude of the parameter (the larger of the element's and the parameter's root mean square, at least
 * 0.1), an element's error is judged relative to
 *
 *     max(|analytic|, |numeric|, 1e-5 · largest / size)
 *
 * where `largest` is the larger of the loss (of a vector function: Σ|out·dOut|) and of |numeric|·size over all elements.
 * The last term keeps a derivative that is zero, or nothing beside the others, from being judged by rounding noise. What
 * can hide in it at tolerance 1e-7 would change the loss by 1e-12 of itself while the parameter changes by all of its
 * size: finite differences see nothing smaller.
 *
 * - `'ok'`: the relative error is at most the tolerance, however inexact the numeric derivative claims to be.
 * - `'inconclusive'`: it is not, but |analytic − numeric| is within the estimated error of the numeric derivative. No
 *   excuse: more than `maxInconclusive` of these fail the check.
 * - `'wrong'`: everything else.
 *
 * Kinks (relu at 0, a maximum with a tie) are found by the slopes on both sides, whatever the analytic gradient says,
 * and skipped, as are points nearer to one than about a millionth of a size. A parameter of which nothing is left to
 * check fails.
 *
 * The gradients are asked for three times: twice in a row and once after all losses. All must be the same to the last bit;
 * a backward that adds to what an earlier call left, or that is right the first time only, fails.
 *
 * `params` are changed while it runs and restored bit for bit, also when `fn` throws.
 *
 * @example
 * const fn = {
 *   forward: ({ x }) => x.map(Math.tanh),
 *   backward: (dOut, { x }) => ({ x: dOut.map((d, i) => d * (1 - Math.tanh(x[i]) ** 2)) }),
 * };
 * console.log(formatGradcheck(gradcheck(fn, { x: Float64Array.of(-1, 0, 2) })));
 *
 * @throws {TypeError} when a parameter or a gradient is not a Float64Array.
 * @throws {RangeError} when a gradient is missing, surplus or of the wrong length, when there is nothing to check, and
 * when a parameter, a loss or a gradient is NaN or infinite, and on an option out of range.
 */
export function gradcheck<P extends Params>(
  fn: LossFunction<P> | VectorFunction<P>,
  params: P,
  options: GradcheckOptions = {},
): GradcheckReport {
  assertOptions('gradcheck', options, ['mode', 'samples', 'seed', 'tolerance', 'maxInconclusive']);
  const { mode = 'full', samples = 10, seed = 0, tolerance = 1e-7, maxInconclusive = 0.01 } = options;
  assertSettings(mode, samples, seed, tolerance, maxInconclusive);
  assertLossFunction(fn);
  assertParams(params);

  const random = new RandomState(seed);
  const probe = makeProbe(fn, params, random);
  const rest = probe.loss();
  if (!Number.isFinite(rest)) throw new RangeError(`gradcheck: the loss is ${rest}, expected a finite number`);
  const gradients = copyGradients(probe.gradients(), params);
  const changes = findChanges(gradients, copyGradients(probe.gradients(), params), 'when called again');
  const again = probe.loss();
  if (again !== rest) {
    throw new RangeError(`gradcheck: the loss is ${again}, expected ${rest} as before with the same params`);
  }

  const checks: GradcheckElement[] = [];
  const kinks: GradcheckKink[] = [];
  const floors: number[] = [];
  let largest = probe.magnitude;
  for (const line of linesThrough(params, gradients, probe.loss, mode, samples, random)) {
    const { parameter, index, analytic, size } = line;
    const { value, error, jump } = differentiate(line, rest, probe.magnitude, tolerance);
    if (jump !== 0) {
      kinks.push({ parameter, index, jump });
      continue;
    }
    const absoluteError = Math.abs(analytic - value);
    const unjudged = { absoluteError, relativeError: Number.NaN, estimatedError: error, verdict: 'wrong' } as const;
    checks.push({ parameter, index, analytic, numeric: value, ...unjudged });
    floors.push(FLOOR / size);
    largest = Math.max(largest, Math.abs(value) * size);
  }

  if (changes.length === 0) {
    changes.push(...findChanges(gradients, copyGradients(probe.gradients(), params), 'after other losses'));
  }

  for (const [i, check] of checks.entries()) {
    const { analytic, numeric, absoluteError, estimatedError } = check;
    const floor = Math.max(floors[i] * largest, Number.MIN_VALUE); // 0/0 cannot happen
    check.relativeError = absoluteError / Math.max(Math.abs(analytic), Math.abs(numeric), floor);
    if (check.relativeError <= tolerance) check.verdict = 'ok';
    else if (absoluteError <= estimatedError) check.verdict = 'inconclusive';
  }

  const { checked, inconclusive, worst } = summarize(checks);
  const failures = [...changes, ...findFailures(checks, kinks, maxInconclusive)];
  const passed = failures.length === 0;
  return { passed, failures, checked, inconclusive, checks, kinks, worst, mode, seed, tolerance };
}

/**
 * {@link gradcheck} for tests: returns the report when it passed.
 *
 * @throws {Error} with the table and the worst offenders when it did not.
 */
export function assertGradcheck<P extends Params>(
  fn: LossFunction<P> | VectorFunction<P>,
  params: P,
  options: GradcheckOptions = {},
): GradcheckReport {
  const report = gradcheck(fn, params, options);
  if (!report.passed) throw new Error(`gradient check failed\n${formatGradcheck(report)}`);
  return report;
}

/**
 * A table to read: of one report a line for each parameter, of many a line for each name, with the worst comparison of
 * each and the number of elements checked in all. What failed is listed below it.
 */
export function formatGradcheck(report: GradcheckReport | readonly NamedGradcheckReport[]): string {
  assertReport(report);
  const rows = [['', 'checked', 'kinks', 'unsure', 'relative', 'absolute', 'estimated', 'worst at', '']];
  const notes: string[] = [];
  let total: string;
  if ('checks' in report) {
    for (const [name, group] of byParameter(report.checks, report.kinks)) {
      const failed = findFailures(group.checks, group.kinks, 1).length > 0;
      rows.push(formatRow(name, group.checks, group.kinks, !failed));
    }
    notes.push(...describeFailures(report));
    total = `${report.checked} elements checked: ${report.passed ? 'ok' : 'FAILED'}`;
  } else {
    for (const { name, report: one } of report) {
      rows.push(formatRow(name, one.checks, one.kinks, one.passed));
      notes.push(...describeFailures(one).map((note) => `${name}: ${note}`));
    }
    const checked = report.reduce((sum, { report: one }) => sum + one.checked, 0);
    const failed = report.filter(({ report: one }) => !one.passed).length;
    const verdict = failed > 0 || checked === 0 ? `FAILED (${failed} of ${report.length})` : 'ok';
    total = `${checked} elements checked in ${report.length} functions: ${verdict}`;
  }
  return [...alignColumns(rows), ...notes, total].join('\n');
}

/** The function under check as one loss of `params`. */
interface Probe {
  loss(): number;
  gradients(): Params;
  /** The sum of the magnitudes of the terms of the loss: rounding errors are relative to this. */
  magnitude: number;
}

function makeProbe<P extends Params>(fn: LossFunction<P> | VectorFunction<P>, params: P, random: RandomState): Probe {
  if ('loss' in fn) {
    return { loss: () => fn.loss(params), gradients: () => fn.gradients(params), magnitude: Math.abs(fn.loss(params)) };
  }
  const out = fn.forward(params);
  expectFloat64('forward(params)', out);
  // Never all ones: the outputs of a softmax sum to 1, so that sum(out) has no derivative to get wrong.
  const dOut = random.randn(out.length);
  return {
    loss: () => dot(fn.forward(params), dOut),
    gradients() {
      fn.forward(params); // fills the cache that backward reads
      return fn.backward(dOut.slice(), params);
    },
    magnitude: dot(out.map(Math.abs), dOut.map(Math.abs)),
  };
}

/** A straight line through the parameters: the loss as a function of one number, whose place is at `origin`. */
interface Line {
  parameter: string;
  index: number;
  /** The derivative at `origin` according to the gradients under check. */
  analytic: number;
  origin: number;
  /** The natural unit of length on this line. */
  size: number;
  loss(position: number): number;
}

/** The lines to differentiate along, one at a time. Each `loss` leaves the parameters as they were. */
function* linesThrough(
  params: Params,
  gradients: Params,
  loss: () => number,
  mode: 'full' | 'sampled' | 'directional',
  samples: number,
  random: RandomState,
): Generator<Line> {
  if (mode === 'directional') {
    for (let index = 0; index < samples; index++) yield directionLine(index, params, gradients, loss, random);
    return;
  }
  for (const name of Object.keys(params)) {
    const size = rootMeanSquare(params[name]);
    const { length } = params[name];
    const indices = mode === 'full' ? params[name].keys() : random.permutation(length).slice(0, samples).sort();
    for (const index of indices) {
      yield elementLine(name, index, params[name], gradients[name][index], size, loss);
    }
  }
}

function elementLine(
  parameter: string,
  index: number,
  values: Float64Array,
  analytic: number,
  typical: number,
  loss: () => number,
): Line {
  const origin = values[index];
  return {
    parameter,
    index,
    analytic,
    origin,
    size: Math.max(Math.abs(origin), typical, SMALLEST_SIZE),
    loss(position) {
      values[index] = position;
      try {
        return loss();
      } finally {
        values[index] = origin;
      }
    },
  };
}

/** All parameters move at once, each by as much as its size asks for, together by about one size. */
function directionLine(
  index: number,
  params: Params,
  gradients: Params,
  loss: () => number,
  random: RandomState,
): Line {
  const count = Object.values(params).reduce((sum, values) => sum + values.length, 0);
  const moves = Object.entries(params).map(([name, values]) => {
    const scale = Math.max(rootMeanSquare(values), SMALLEST_SIZE) / Math.sqrt(count);
    return { values, saved: values.slice(), v: values.map(() => scale * random.randn()), gradient: gradients[name] };
  });
  return {
    parameter: 'direction',
    index,
    analytic: moves.reduce((sum, { v, gradient }) => sum + dot(v, gradient), 0),
    origin: 0,
    size: 1,
    loss(position) {
      for (const { values, saved, v } of moves) {
        for (let i = 0; i < values.length; i++) values[i] = saved[i] + position * v[i];
      }
      try {
        return loss();
      } finally {
        for (const { values, saved } of moves) values.set(saved);
      }
    },
  };
}

interface Estimate {
  value: number;
  /** Bounds |value − derivative|. */
  error: number;
  /** The slope to the right minus the slope to the left; 0 where they agree as far as can be seen. */
  jump: number;
}

/** The numeric derivative of a line at its origin, from the first tableau that is exact enough, or else the best. */
function differentiate(line: Line, rest: number, magnitude: number, tolerance: number): Estimate {
  const floor = (FLOOR * magnitude) / line.size;
  const estimates: Estimate[] = [];
  let slope = 0;
  for (const factor of STEP_FACTORS) {
    const step = FIRST_STEP * factor * line.size;
    if (slope > 0 && slope * step < FLATNESS * magnitude) continue;
    const estimate = ridders(line, step, rest, magnitude, floor);
    const value = Math.abs(estimate.value);
    // What looks like a kink from afar may be a sharp bend: only a kink stays one at every smaller step.
    if (estimate.jump === 0 && estimate.error <= tolerance * Math.max(1e-3 * value, 0.1 * floor)) return estimate;
    if (estimate.error <= 0.01 * value) slope = Math.max(slope, value);
    if (Number.isFinite(estimate.error)) estimates.push(estimate);
  }
  if (estimates.length === 0) {
    throw new RangeError(`gradcheck: the loss is not finite around ${line.parameter}[${line.index}] = ${line.origin}`);
  }
  estimates.sort((a, b) => a.error - b.error);
  const [best] = estimates;
  if (best.error <= tolerance * Math.max(Math.abs(best.value), floor)) return best;
  // Not exact enough, perhaps because of a kink so near that no step that gets past it tells one side from the other.
  return estimates.find(({ jump }) => jump !== 0 && best.error > KINK * Math.abs(jump)) ?? best;
}

/** Ridders' method: central differences at shrinking steps, extrapolated to step 0; and the kink test on the way. */
function ridders(line: Line, step: number, rest: number, magnitude: number, floor: number): Estimate {
  const { origin } = line;
  const central = new Neville(SHRINK * SHRINK); // a central difference has only even powers of the step
  const jump = new Neville(SHRINK);
  const gaps: number[] = [];
  let rounding = 0;
  for (let level = 0; level < LEVELS; level++) {
    const right = origin + step;
    const left = origin - step;
    const above = line.loss(right);
    const below = line.loss(left);
    if (!Number.isFinite(above) || !Number.isFinite(below)) break; // outside of the domain: a smaller step may do
    rounding = (ROUNDING * Math.max(magnitude, Math.abs(above), Math.abs(below))) / step;
    // Divided by the distance that rounding left between the two places, not by the one that was asked for.
    central.add((above - below) / (right - left), rounding);
    const gap = (above - rest) / (right - origin) - (rest - below) / (origin - left);
    jump.add(gap, 4 * rounding);
    gaps.push(Math.abs(gap));
    step /= SHRINK;
  }
  const { value, error } = central;
  const visible = Math.max(10 * jump.error, 10 * error, KINK * Math.max(Math.abs(value), floor));
  if (Math.abs(jump.value) > visible) return { value, error, jump: jump.value };
  // On a smooth line the slopes to both sides approach each other as fast as the step shrinks, here to a twentieth.
  const gap = gaps.at(-1) ?? Number.POSITIVE_INFINITY;
  const smooth = gap <= Math.max(gaps[0] / 4, 40 * rounding);
  return { value, error: smooth ? error : Math.max(error, gap), jump: 0 };
}

/**
 * Neville's tableau: values of a function of the step, at steps of constant ratio, extrapolated to step 0. It keeps the
 * entry that differs least from its neighbours, the two it was made of and (for Ridders' two may agree by chance) the
 * one of the same order before it. That difference, plus the rounding errors that the entry inherits, is the estimated
 * error.
 */
class Neville {
  value: number = Number.NaN;
  error: number = Number.POSITIVE_INFINITY;
  readonly ratio: number;
  #row: number[] = [];

  /** `ratio`: by what the leading power of the step shrinks from one value to the next, and the gap between powers. */
  constructor(ratio: number) {
    this.ratio = ratio;
  }

  /** Adds the value at the next smaller step; `rounding` bounds its rounding error. */
  add(entry: number, rounding: number): void {
    const row = [entry];
    let power = this.ratio;
    for (const [order, coarser] of this.#row.entries()) {
      const finer = row[order];
      const next = (power * finer - coarser) / (power - 1);
      rounding *= (power + 1) / (power - 1);
      const before = this.#row[order + 1] ?? Number.POSITIVE_INFINITY;
      const spread = Math.max(Math.abs(next - finer), Math.abs(next - coarser), Math.abs(next - before));
      if (spread + rounding < this.error) {
        this.value = next;
        this.error = spread + rounding;
      }
      row.push(next);
      power *= this.ratio;
    }
    this.#row = row;
  }
}

function summarize(checks: GradcheckElement[]): Pick<GradcheckReport, 'checked' | 'inconclusive' | 'worst'> {
  const decided = checks.filter(({ verdict }) => verdict !== 'inconclusive');
  const worst = decided.toSorted((a, b) => b.relativeError - a.relativeError).at(0);
  return { checked: decided.length, inconclusive: checks.length - decided.length, worst };
}

function byParameter(
  checks: GradcheckElement[],
  kinks: GradcheckKink[],
): Map<string, { checks: GradcheckElement[]; kinks: GradcheckKink[] }> {
  const names = new Set([...checks, ...kinks].map(({ parameter }) => parameter));
  return new Map(
    [...names].map((name) => [
      name,
      {
        checks: checks.filter(({ parameter }) => parameter === name),
        kinks: kinks.filter(({ parameter }) => parameter === name),
      },
    ]),
  );
}

function findFailures(checks: GradcheckElement[], kinks: GradcheckKink[], maxInconclusive: number): string[] {
  const failures: string[] = [];
  const wrong = checks.filter(({ verdict }) => verdict === 'wrong').length;
  if (wrong > 0) failures.push(`${wrong} of ${checks.length} wrong`);
  const { inconclusive } = summarize(checks);
  if (inconclusive > maxInconclusive * checks.length) failures.push(`${inconclusive} of ${checks.length} inconclusive`);
  for (const [name, group] of byParameter(checks, kinks)) {
    const { checked } = summarize(group.checks);
    if (checked === 0) {
      failures.push(`nothing checked in ${name}: ${group.kinks.length} kinks, ${group.checks.length} inconclusive`);
    }
  }
  return failures;
}

/** The failures of a report, each offence with its numbers, worst first, at most ten. */
function describeFailures(report: GradcheckReport): string[] {
  if (report.passed) return [];
  const offenders = report.checks
    .filter(({ verdict }) => verdict !== 'ok')
    .toSorted((a, b) => b.relativeError - a.relativeError)
    .slice(0, 10)
    .map(
      ({ parameter, index, analytic, numeric, relativeError, verdict }) =>
        `${verdict}: ${parameter}[${index}] is ${analytic}, numeric ${numeric}, relative error ${short(relativeError)}`,
    );
  const { tolerance, mode, seed } = report;
  return [`FAILED: ${report.failures.join('; ')} (tolerance ${tolerance}, ${mode}, seed ${seed})`, ...offenders];
}

function formatRow(name: string, checks: GradcheckElement[], kinks: GradcheckKink[], passed: boolean): string[] {
  const { checked, inconclusive, worst } = summarize(checks);
  const numbers = worst
    ? [short(worst.relativeError), short(worst.absoluteError), short(worst.estimatedError)]
    : ['-', '-', '-'];
  const place = worst ? `${worst.parameter}[${worst.index}]` : '-';
  return [name, `${checked}`, `${kinks.length}`, `${inconclusive}`, ...numbers, place, passed ? 'ok' : 'FAILED'];
}

/** Names to the left, numbers to the right. */
function alignColumns(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

function short(x: number): string {
  return x === 0 ? '0' : x.toExponential(1);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function rootMeanSquare(a: Float64Array): number {
  return Math.sqrt(dot(a, a) / a.length);
}

function assertSettings(mode: string, samples: number, seed: number, tolerance: number, maxInconclusive: number): void {
  if (!['full', 'sampled', 'directional'].includes(mode)) {
    throw new RangeError(`gradcheck: mode is ${describe(mode)}, expected 'full', 'sampled' or 'directional'`);
  }
  assertWhole('gradcheck', 'samples', samples, 1, MOST_SAMPLES);
  assertWhole('gradcheck', 'seed', seed, 0, 2 ** 32 - 1);
  if (!(Number.isFinite(tolerance) && tolerance > 0 && tolerance < 1)) {
    throw new RangeError(`gradcheck: tolerance is ${describe(tolerance)}, expected a number between 0 and 1`);
  }
  if (!(Number.isFinite(maxInconclusive) && maxInconclusive >= 0 && maxInconclusive <= 1)) {
    throw new RangeError(`gradcheck: maxInconclusive is ${describe(maxInconclusive)}, expected a share from 0 to 1`);
  }
}

/** What differs between two answers to the same question, one line for each parameter. */
function findChanges(first: Params, later: Params, when: string): string[] {
  const changes: string[] = [];
  for (const [name, values] of Object.entries(first)) {
    const i = values.findIndex((value, i) => !Object.is(value, later[name][i]));
    if (i >= 0) changes.push(`the gradient ${name}[${i}] was ${values[i]}, but ${later[name][i]} ${when}`);
  }
  return changes;
}

function assertLossFunction(fn: unknown): void {
  const given = (typeof fn === 'object' && fn !== null ? fn : {}) as Readonly<Record<string, unknown>>;
  const parts = 'loss' in given ? ['loss', 'gradients'] : ['forward', 'backward'];
  if (given !== fn || !(parts[0] in given)) {
    throw new TypeError(`gradcheck: fn is ${describe(fn)}, expected { loss, gradients } or { forward, backward }`);
  }
  for (const part of parts) assertFunction('gradcheck', `fn.${part}`, given[part]);
}

function assertParams(params: Params): void {
  assertObject('gradcheck', 'params', params, 'Float64Arrays by name');
  const names = Object.keys(params);
  if (names.length === 0) throw new RangeError('gradcheck: params is empty, expected something to check');
  for (const name of names) expectFloat64(`params.${name}`, params[name]);
}

/** The gradients as they are now, since a workspace may hold others after the next call. */
function copyGradients(gradients: Params, params: Params): Params {
  const names = Object.keys(params).join(', ');
  assertObject('gradcheck', 'gradients', gradients, names);
  for (const name of Object.keys(gradients)) {
    if (!(name in params)) throw new RangeError(`gradcheck: gradients has a surplus '${name}', expected ${names}`);
  }
  const copies: Params = {};
  for (const name of Object.keys(params)) {
    if (!(name in gradients)) throw new RangeError(`gradcheck: gradients lacks '${name}', expected ${names}`);
    expectFloat64(`gradients.${name}`, gradients[name]);
    assertLength('gradcheck', `gradients.${name}`, gradients[name], `[length of params.${name}]`, params[name].length);
    copies[name] = gradients[name].slice();
  }
  return copies;
}

function expectFloat64(what: string, a: Float64Array): void {
  if (!(a instanceof Float64Array)) {
    const got = (a as object | null | undefined)?.constructor.name ?? a;
    throw new TypeError(`gradcheck: ${what} is ${got}, expected Float64Array`);
  }
  if (a.length === 0) throw new RangeError(`gradcheck: ${what} has 0 elements, expected at least one`);
  assertFinite('gradcheck', what, a);
}

/** @throws {TypeError} unless this is what {@link gradcheck} gave, or a list of such with names. */
function assertReport(report: unknown): void {
  const fn = 'formatGradcheck';
  const isReport = (one: unknown): boolean => {
    const { checks, kinks, checked } = (one ?? {}) as Partial<GradcheckReport>;
    return Array.isArray(checks) && Array.isArray(kinks) && typeof checked === 'number';
  };
  const named = (one: unknown): boolean => isReport((one as { report?: unknown } | null)?.report);
  if (Array.isArray(report) ? report.every(named) : isReport(report)) return;
  throw new TypeError(`${fn}: report is ${describe(report)}, expected what gradcheck gave`);
}
