import fc from 'fast-check';
import { formatGradcheck, gradcheck } from '../bptt/gradcheck.ts';
import { assertLoss } from '../layers/assertLoss.ts';
import type { Loss, LossSizes, LossWindow } from '../layers/loss.ts';
import { RandomState } from '../tensor/random.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { assertCheckOptions } from './checkOptions.ts';
import { guarded } from './guarded.ts';

/** What {@link checkLoss} takes beside the loss. */
export interface CheckLossOptions {
  /** Random sizes and numbers to try. Default 30. */
  runs?: number;
  /** Default 0. */
  seed?: number;
  /** The largest relative error of a gradient. Default 1e-7. */
  tolerance?: number;
  /** How far float32 may be from float64, relative to the largest entry (at least 1). Default 1e-4. */
  float32Tolerance?: number;
  /** Draws a class or label of [0,V), or a value. Default: any class, a value between 0 and 1. */
  target?(rng: RandomState, V: number): number;
  /** Draws the labels of a sequence of so many steps, at most S. Default: up to half as many as steps, by {@link target}. */
  labels?(rng: RandomState, steps: number, S: number, V: number): readonly number[];
}

/** What was held against the loss. */
export interface CheckLossReport {
  runs: number;
  /** Elements of gradients compared with central differences. */
  gradients: number;
  /** Rows or sequences of weight 0 that were seen to cost nothing. */
  padded: number;
}

/**
 * Puts a loss, per row or per sequence, through what the bundled losses go through, at random sizes:
 *
 * - forward overwrites losses and outputs, backward the gradient; both stay within their arrays and leave the rest alone;
 * - gradients agree with central differences in float64;
 * - a row or sequence of weight 0 has loss 0 and gradient 0, whatever its logits and targets (0 above all);
 *   nor do logits past a sequence's length or labels past its labels count;
 * - twice the weight is twice the loss and gradient; the same call twice gives the same bits; float32 agrees with float64;
 * - rows (or sequences) give together what they give one by one;
 * - `outputs` gives what forward leaves as outputs.
 *
 * @throws {RangeError | TypeError} where what is given is no loss.
 * @throws {Error} naming the loss and the promise it broke, with the smallest sizes and the seed that show it.
 */
export function checkLoss(loss: Loss, options: CheckLossOptions = {}): CheckLossReport {
  assertLoss(loss, 'checkLoss: loss');
  assertCheckOptions('checkLoss', options, ['runs', 'seed', 'tolerance', 'float32Tolerance', 'target', 'labels']);
  const { runs = 30, seed = 0, tolerance = 1e-7, float32Tolerance = 1e-4 } = options;
  let gradients = 0;
  let padded = 0;
  const least = loss.leastOutputs ?? 1;
  const sizes = fc.record({
    T: fc.integer({ min: 1, max: 5 }),
    B: fc.integer({ min: 1, max: 3 }),
    V: fc.integer({ min: least, max: least + 3 }),
  });
  const property = fc.property(sizes, fc.nat({ max: 2 ** 31 - 1 }), ({ T, B, V }, numbers) => {
    const run = new Run(loss, { T, B, V, S: loss.targets === 'labels' ? T : 0 }, numbers, options);
    run.staysWithinItsArrays();
    run.overwrites();
    padded += run.paddingCostsNothing();
    run.weightsAreFactors();
    run.outputsAgree();
    run.agreesOneByOne();
    run.agreesInFloat32(float32Tolerance);
    gradients += run.agreesWithDifferences(tolerance);
  });
  const outcome = fc.check(property, { numRuns: runs, seed });
  if (outcome.failed) {
    const [at, numbers] = outcome.counterexample ?? [];
    const why = outcome.errorInstance instanceof Error ? outcome.errorInstance.message : String(outcome.errorInstance);
    const where = `sizes ${JSON.stringify(at)}, numbers from seed ${numbers}; run with seed ${outcome.seed}`;
    throw new Error(`checkLoss: ${loss.name}: ${why}\n  (${where})`, { cause: outcome.errorInstance });
  }
  return { runs, gradients, padded };
}

/** What a window holds before a pass. */
interface Given {
  sizes: LossSizes;
  logits: Float64Array;
  targetIds: Int32Array;
  targetValues: Float64Array;
  weights: Float64Array;
  lengths: Int32Array;
  targetLengths: Int32Array;
}

interface Results {
  losses: FloatArray;
  outputs: FloatArray;
  dlogits: FloatArray;
}

const PARTS = ['losses', 'outputs', 'dlogits'] as const;

/** A loss at certain sizes with certain numbers. */
class Run {
  private readonly loss: Loss;
  private readonly given: Given;
  private readonly seed: number;
  private readonly perSequence: boolean;

  constructor(loss: Loss, sizes: LossSizes, seed: number, { target, labels }: CheckLossOptions) {
    const { T, B, V, S } = sizes;
    const rng = new RandomState(seed);
    const R = T * B;
    this.loss = loss;
    this.seed = seed;
    this.perSequence = loss.per === 'sequence';
    const draw = target ?? ((random) => (loss.targets === 'values' ? random.uniform(0, 1) : random.randint(V)));
    const weights = Float64Array.from({ length: this.perSequence ? B : R }, () => rng.uniform(0.5, 1.5));
    // The first one counts, of the others every third does not.
    for (let i = 1; i < weights.length; i++) if (rng.randint(3) === 0) weights[i] = 0;
    const lengths = Int32Array.from({ length: this.perSequence ? B : 0 }, () => 1 + rng.randint(T));
    // A sequence that is not there has no step.
    for (const b of lengths.keys()) if (weights[b] === 0 && rng.randint(2) === 0) lengths[b] = 0;
    const drawLabels =
      labels ??
      ((random: RandomState, steps: number) =>
        Array.from({ length: random.randint(Math.floor((steps + 1) / 2) + 1) }, () => draw(random, V)));
    const ofSequence =
      loss.targets === 'labels'
        ? Array.from(lengths, (steps) => (steps === 0 ? [] : drawLabels(rng, steps, S, V)))
        : undefined;
    const targetIds = new Int32Array(loss.targets === 'classes' ? R : ofSequence ? B * S : 0);
    if (loss.targets === 'classes') for (let i = 0; i < R; i++) targetIds[i] = draw(rng, V);
    for (const [b, own] of (ofSequence ?? []).entries()) targetIds.set(own, b * S);
    this.given = {
      ...{ sizes, targetIds, weights, lengths, logits: rng.randn(R * V) },
      targetValues: Float64Array.from({ length: loss.targets === 'values' ? R * V : 0 }, () => draw(rng, V)),
      targetLengths: Int32Array.from(ofSequence ?? [], (own) => own.length),
    };
  }

  staysWithinItsArrays(): void {
    const window = this.window(this.given, 'float64', Number.NaN);
    const before = new Map(Object.entries(window).map(([name, v]) => [name, typeof v === 'number' ? v : v.slice()]));
    const guardedFor = (who: string, written: readonly string[]): LossWindow => {
      const entries = Object.entries(window).map(([name, values]) => [
        name,
        typeof values === 'number' ? values : guarded(values, who, name, written.includes(name)),
      ]);
      return Object.fromEntries(entries) as LossWindow;
    };
    this.loss.forward(guardedFor('forward', ['losses', 'outputs', 'scratch']));
    this.loss.backward(guardedFor('backward', ['dlogits', 'scratch']));
    for (const name of ['logits', 'targetIds', 'targetValues', 'weights', 'lengths', 'targetLengths'] as const) {
      const own = before.get(name) as FloatArray;
      const at = window[name].findIndex((v, i) => !Object.is(v, own[i]));
      if (at >= 0) throw new Error(`${name}[${at}] was changed by a pass that is to leave it alone`);
    }
  }

  overwrites(): void {
    const first = this.call(this.given, 'float64', Number.NaN);
    const second = this.call(this.given, 'float64', 1e3);
    for (const part of PARTS) {
      const at = firstDifference(first[part], second[part]);
      if (at >= 0) {
        throw new Error(`${part}[${at}] depends on what stood there before, or differs between two equal calls`);
      }
    }
  }

  /** @returns how many rows or sequences of weight 0 there were */
  paddingCostsNothing(): number {
    const { given } = this;
    // Of padding nothing is known: logits as large as they get.
    const logits = given.logits.map((z, i) => (this.counts(Math.floor(i / given.sizes.V)) ? z : 50 * z));
    const count = this.costsNothing(given, { ...given, logits }, 'logits');
    // What the batch reader lets through: a finite value or a class that is one; 0 in the place of all else.
    const values = [0, 1, -1, 1e30];
    const ids = [0, given.sizes.V - 1];
    for (const target of this.loss.targets === 'values' ? values : ids) {
      const other = this.withPaddedTargets(target);
      this.costsNothing(other, other, `targets (${target})`);
      this.costsNothing(given, other, `targets (${target})`);
    }
    return count;
  }

  /** The same with this target wherever none counts. */
  private withPaddedTargets(target: number): Given {
    const { given, loss } = this;
    const { V, S } = given.sizes;
    if (loss.targets === 'labels') {
      // Sequences of weight 0 come with no labels.
      const targetLengths = given.targetLengths.map((length, b) => (given.weights[b] === 0 ? 0 : length));
      const targetIds = given.targetIds.map((id, i) => (i % S < targetLengths[Math.floor(i / S)] ? id : target));
      return { ...given, targetIds, targetLengths };
    }
    const inRow = (value: number, row: number): number => (this.weightOf(row) === 0 ? target : value);
    return {
      ...given,
      targetIds: given.targetIds.map(inRow),
      targetValues: given.targetValues.map((value, i) => inRow(value, Math.floor(i / V))),
    };
  }

  /** Holds two windows that differ in padding alone to each other. @returns how many rows or sequences of weight 0 there were */
  private costsNothing(given: Given, changed: Given, changes: string): number {
    const { perSequence } = this;
    const { T, B, V } = given.sizes;
    const what = perSequence ? 'sequence' : 'row';
    const plain = this.call(given);
    const other = this.call(changed);
    const of = (window: Given): string => (window === this.given ? '' : `, with padded ${changes}`);
    let count = 0;
    for (const [i, w] of given.weights.entries()) {
      if (w !== 0) continue;
      count++;
      if (plain.losses[i] !== 0)
        throw new Error(`${what} ${i} of weight 0 has loss ${plain.losses[i]}, expected 0${of(given)}`);
    }
    for (let i = 0; i < T * B * V; i++) {
      const row = Math.floor(i / V);
      if (this.counts(row)) {
        if (!Object.is(plain.dlogits[i], other.dlogits[i])) {
          throw new Error(`dlogits[${i}] depends on the ${changes} of padding`);
        }
      } else if (plain.dlogits[i] !== 0) {
        const where = this.weightOf(row) === 0 ? 'of weight 0' : 'past the length of its sequence';
        throw new Error(`dlogits[${i}] (row ${row}, ${where}) is ${plain.dlogits[i]}, expected 0${of(given)}`);
      }
    }
    const at = plain.losses.findIndex((v, i) => given.weights[i] !== 0 && !Object.is(v, other.losses[i]));
    if (at >= 0) throw new Error(`losses[${at}] depends on the ${changes} of padding`);
    return count;
  }

  weightsAreFactors(): void {
    const once = this.call(this.given);
    const twice = this.call({ ...this.given, weights: this.given.weights.map((w) => 2 * w) });
    for (const part of ['losses', 'dlogits'] as const) {
      const doubled = once[part].map((v) => 2 * v) as FloatArray;
      assertClose(`${part} with twice the weights`, twice[part], doubled, 1e-12, 'twice as much is');
    }
  }

  outputsAgree(): void {
    const { T, B, V } = this.given.sizes;
    const alone = new Float64Array(T * B * V).fill(Number.NaN);
    this.loss.outputs(alone, this.given.logits.slice(), T * B, V);
    const { outputs } = this.call(this.given);
    assertClose('what outputs() gives:', alone, outputs, 1e-12, 'forward leaves');
  }

  agreesOneByOne(): void {
    const { given, perSequence } = this;
    const { T, B, V, S } = given.sizes;
    const together = this.call(given);
    const steps = perSequence ? T : 1;
    for (let one = 0; one < (perSequence ? B : T * B); one++) {
      const rows = (values: FloatArray, width: number): Float64Array => {
        const own = new Float64Array(perSequence ? T * width : width);
        for (let t = 0; t < steps; t++) {
          const at = (perSequence ? t * B + one : one) * width;
          own.set(values.subarray(at, at + width), t * width);
        }
        return own;
      };
      const { targets } = this.loss;
      const ids =
        targets === 'labels'
          ? given.targetIds.slice(one * S, (one + 1) * S)
          : targets === 'classes'
            ? Int32Array.from(rows(Float64Array.from(given.targetIds), 1))
            : given.targetIds;
      const alone = this.call({
        sizes: { T: steps, B: 1, V, S },
        logits: rows(given.logits, V),
        targetIds: ids,
        targetValues: targets === 'values' ? rows(given.targetValues, V) : given.targetValues,
        weights: given.weights.slice(one, one + 1),
        lengths: given.lengths.slice(one, one + 1),
        targetLengths: given.targetLengths.slice(one, one + 1),
      });
      const what = `of ${perSequence ? 'sequence' : 'row'} ${one} alone`;
      assertClose(`losses ${what}`, alone.losses, together.losses.slice(one, one + 1), 1e-12, 'in the window it is');
      assertClose(`dlogits ${what}`, alone.dlogits, rows(together.dlogits, V), 1e-12, 'in the window it is');
    }
  }

  agreesInFloat32(tolerance: number): void {
    const exact = this.call(this.given);
    const single = this.call(this.given, 'float32');
    for (const part of PARTS)
      assertClose(`${part} in float32`, single[part], exact[part], tolerance, 'in float64 it is');
  }

  /** @returns how many elements were compared */
  agreesWithDifferences(tolerance: number): number {
    const report = gradcheck(
      {
        loss: ({ logits }) => Array.from(this.call({ ...this.given, logits }).losses).reduce((a, b) => a + b, 0),
        gradients: ({ logits }) => ({ logits: this.call({ ...this.given, logits }).dlogits as Float64Array }),
      },
      { logits: this.given.logits.slice() },
      { tolerance, seed: this.seed, maxInconclusive: 0.1 },
    );
    if (!report.passed) throw new Error(`gradients differ from central differences\n${formatGradcheck(report)}`);
    return report.checked;
  }

  private weightOf(row: number): number {
    return this.given.weights[this.perSequence ? row % this.given.sizes.B : row];
  }

  /** Whether a row of logits takes part. */
  private counts(row: number): boolean {
    const { sizes, lengths } = this.given;
    if (this.weightOf(row) === 0) return false;
    return !this.perSequence || Math.floor(row / sizes.B) < lengths[row % sizes.B];
  }

  private window(given: Given, dtype: Dtype, garbage: number): LossWindow {
    const { sizes } = given;
    const { T, B, V } = sizes;
    const R = T * B;
    const own = (values: Float64Array): FloatArray => {
      const copy = zeros(dtype, values.length);
      copy.set(values);
      return copy;
    };
    const blank = (length: number) => zeros(dtype, length).fill(garbage);
    return {
      ...sizes,
      R,
      losses: blank(this.perSequence ? B : R),
      outputs: blank(R * V),
      dlogits: blank(R * V),
      logits: own(given.logits),
      targetIds: given.targetIds.slice(),
      targetValues: own(given.targetValues),
      weights: own(given.weights),
      lengths: given.lengths.slice(),
      targetLengths: given.targetLengths.slice(),
      scratch: blank(this.loss.scratchSize?.(sizes) ?? 0),
    };
  }

  /** Forward and backward, on arrays that hold garbage where they are to be overwritten. */
  private call(given: Given, dtype: Dtype = 'float64', garbage = Number.NaN): Results {
    const window = this.window(given, dtype, garbage);
    this.loss.forward(window);
    this.loss.backward(window);
    return window;
  }
}

/** The first index where two arrays do not hold the same bits, or −1. */
function firstDifference(a: FloatArray, b: FloatArray): number {
  return a.findIndex((v, i) => !Object.is(v, b[i]));
}

function assertClose(what: string, got: FloatArray, wanted: FloatArray, tolerance: number, other: string): void {
  let scale = 1;
  for (const v of wanted) scale = Math.max(scale, Math.abs(v));
  const at = got.findIndex((v, i) => !(Math.abs(v - wanted[i]) <= tolerance * scale));
  if (at >= 0) throw new Error(`${what} [${at}] is ${got[at]}, ${other} ${wanted[at]}`);
}
