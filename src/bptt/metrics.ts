import { nearestName } from '../check/options.ts';
import { sigmoidCrossEntropy, softmaxCrossEntropy } from '../layers/loss.ts';
import { expOf } from '../tensor/exp.ts';
import type { FloatArray } from '../tensor/shape.ts';
import type { BatchReader } from './batch.ts';
import { outputWidth, type ResolvedSpec } from './spec.ts';

/**
 * What a model is measured by, over all rows (steps of sequences, or sequences) that count, each with its loss weight:
 *
 * - `accuracy`: the share whose likeliest class is the target; of `sigmoidCrossEntropy` the share of outputs on the right
 *   side of 0.5
 * - `perplexity`: e^loss, and `bits`: loss/ln 2, of `softmaxCrossEntropy`
 * - `rmse`: the root of the mean squared difference of outputs and targets, and `mae`: the mean absolute one
 * - `confusion`: [V][V], how many rows of a class (first index) were taken for which (second)
 */
export type MetricName = (typeof METRIC_NAMES)[number];

/** The names of the metrics. */
export const METRIC_NAMES: readonly ['accuracy', 'perplexity', 'bits', 'rmse', 'mae', 'confusion'] = [
  ...(['accuracy', 'perplexity', 'bits', 'rmse', 'mae', 'confusion'] as const),
];

/** The values of metrics by name. */
export type Metrics = Partial<Record<Exclude<MetricName, 'confusion'>, number>> & { confusion?: number[][] };

/** Metrics that follow from the loss; the others compare outputs. */
const OF_LOSS: readonly string[] = ['perplexity', 'bits'];

/** Whether one of the metrics compares outputs with targets. */
export function needOutputs(names: readonly MetricName[]): boolean {
  return names.some((name) => !OF_LOSS.includes(name));
}

/**
 * Throws unless a model of that spec can be measured by these.
 *
 * @throws {RangeError} naming the metric and why.
 */
export function assertMetrics(fn: string, spec: ResolvedSpec, names: readonly string[]): void {
  for (const name of names) {
    if (!(METRIC_NAMES as readonly string[]).includes(name)) {
      const meant = nearestName(String(name), METRIC_NAMES);
      const hint = meant === null ? `expected ${METRIC_NAMES.join(', ')}` : `did you mean ${meant}?`;
      throw new RangeError(`${fn}: unknown metric ${String(name)}, ${hint}`);
    }
    const { loss } = spec;
    const wanted = {
      accuracy: loss.targets === 'classes' || loss === sigmoidCrossEntropy ? null : 'classes as targets',
      confusion: loss.targets === 'classes' ? null : 'classes as targets',
      rmse: loss.targets === 'values' ? null : 'values as targets',
      mae: loss.targets === 'values' ? null : 'values as targets',
      perplexity: loss === softmaxCrossEntropy ? null : 'loss softmaxCrossEntropy',
      bits: loss === softmaxCrossEntropy ? null : 'loss softmaxCrossEntropy',
    }[name as MetricName];
    if (wanted !== null) throw new RangeError(`${fn}: metric ${name} needs ${wanted}, the model has loss ${loss.name}`);
  }
}

/** Sums of what metrics are made of, over batches. */
export class MetricSums {
  private readonly spec: ResolvedSpec;
  private readonly names: readonly MetricName[];
  private readonly confusion: number[][];
  private count = 0;
  private right = 0;
  private squares = 0;
  private differences = 0;

  constructor(spec: ResolvedSpec, names: readonly MetricName[]) {
    this.spec = spec;
    this.names = names;
    const V = names.includes('confusion') ? outputWidth(spec) : 0;
    this.confusion = Array.from({ length: V }, () => new Array<number>(V).fill(0));
  }

  /**
   * Adds a batch.
   *
   * @param outputs [rows,sequences,V], as {@link Trainer.predict} gives them
   * @param reader has read the batch, of a spec with reduction `sum`
   */
  add(outputs: FloatArray, { targets, weights, sequences, steps }: BatchReader, B: number): void {
    const { spec } = this;
    const V = outputWidth(spec);
    const rows = spec.lossAt === 'last' ? 1 : steps;
    for (let t = 0; t < rows; t++) {
      for (let b = 0; b < sequences; b++) {
        const weight = weights[t * B + b];
        if (weight === 0) continue;
        this.count += weight;
        const o = (t * sequences + b) * V;
        if (spec.loss.targets === 'classes') this.addClass(outputs, o, V, targets![t * B + b], weight);
        else this.addValues(outputs, o, V, targets!, (t * B + b) * V, weight);
      }
    }
  }

  /** @param loss the mean loss of a row */
  result(loss: number): Metrics {
    const { names, count, right, squares, differences, confusion } = this;
    const metrics: Metrics = {};
    for (const name of names) {
      if (name === 'accuracy') metrics.accuracy = right / count;
      else if (name === 'rmse') metrics.rmse = Math.sqrt(squares / count);
      else if (name === 'mae') metrics.mae = differences / count;
      else if (name === 'perplexity') metrics.perplexity = expOf(loss);
      else if (name === 'bits') metrics.bits = loss / Math.LN2;
      else metrics.confusion = confusion;
    }
    return metrics;
  }

  private addClass(outputs: FloatArray, o: number, V: number, target: number, weight: number): void {
    let best = 0;
    for (let v = 1; v < V; v++) if (outputs[o + v] > outputs[o + best]) best = v;
    if (best === target) this.right += weight;
    if (this.confusion.length > 0) this.confusion[target][best]++;
  }

  private addValues(
    outputs: FloatArray,
    o: number,
    V: number,
    targets: ArrayLike<number>,
    y: number,
    weight: number,
  ): void {
    const share = weight / V;
    for (let v = 0; v < V; v++) {
      const difference = outputs[o + v] - targets[y + v];
      this.squares += share * difference * difference;
      this.differences += share * Math.abs(difference);
      if (outputs[o + v] > 0.5 === targets[y + v] > 0.5) this.right += share;
    }
  }
}
