import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import type { CheckedBatch } from './batch.ts';
import type { CpuEngine, Engine } from './engine.ts';
import { type ModelOptions, SequenceModel } from './model.ts';
import { type ModelSpec, outputWidth, type ResolvedSpec } from './spec.ts';

/** A model for some of a batch's sequences. */
export interface Shard<F, I> {
  readonly model: SequenceModel<F, I>;
  /** Its sequences: from … to − 1. */
  readonly from: number;
  readonly to: number;
}

/**
 * Shards a batch's sequences over engines that work at the same time, as evenly as possible: one model each, all on the
 * parameters of the first.
 */
export function shardBatch<F, I>(
  engines: readonly Engine<F, I>[],
  spec: ModelSpec | ResolvedSpec,
  options: ModelOptions<F>,
): readonly Shard<F, I>[] {
  const { batch: B } = options;
  const n = engines.length;
  if (n > 1 && n > B) throw new RangeError(`trainer: threads is ${n}, expected at most the batch's ${B} sequences`);
  const shards: Shard<F, I>[] = [];
  for (let i = 0, from = 0; i < n; i++) {
    const count = n === 1 ? B : Math.floor(B / n) + (i < B % n ? 1 : 0);
    const shared = i > 0 ? { parameters: shards[0].model.parameters } : {};
    const model = new SequenceModel(engines[i], spec, { ...options, batch: count, ...shared });
    shards.push({ model, from, to: from + count });
    from += count;
  }
  return shards;
}

/**
 * The models of {@link shardBatch} as one: each shard's passes run on its own engine, and losses and gradients are summed in
 * the shards' order. So the same batch gives the same bits each time.
 */
export class DataParallelModel {
  readonly shards: readonly Shard<FloatArray, Int32Array>[];
  private readonly engines: readonly CpuEngine[];
  private readonly B: number;

  constructor(engines: readonly CpuEngine[], spec: ModelSpec | ResolvedSpec, options: ModelOptions<FloatArray>) {
    this.engines = engines;
    this.shards = shardBatch(engines, spec, options);
    this.B = options.batch;
  }

  /** Hands every shard its sequences; `rng` draws the dropout masks of a training pass. */
  load(batch: CheckedBatch, rng?: RandomState): void {
    const { shards } = this;
    for (let i = shards.length - 1; i >= 0; i--) {
      shards[i].model.loadChecked(shards.length === 1 ? batch : this.partOf(batch, shards[i]), rng);
    }
  }

  predict(): void {
    this.all(({ model }) => model.predict());
  }

  forward(): void {
    this.all(({ model }) => model.forward());
  }

  /** Forward and backward; overwrites the gradients of the first model with those of the whole batch. */
  forwardBackward(backSteps?: number): void {
    this.all(({ model }, engine) => {
      engine.kernels.fill(model.gradients.flat, 0);
      model.forwardBackward(backSteps);
    });
    const { shards, engines } = this;
    const sum = shards[0].model.gradients.flat;
    for (let i = 1; i < shards.length; i++) engines[0].kernels.add(sum, sum, shards[i].model.gradients.flat);
  }

  /** The loss of the last forward pass. */
  loss(): number {
    let sum = 0;
    for (const { model } of this.shards) sum += model.loss[0];
    return sum;
  }

  /** The outputs [rows,B,V] of the last pass, copied. */
  outputs(): FloatArray {
    const { B, shards } = this;
    const parts = shards.map(({ model }) => model.outputs());
    if (shards.length === 1) return parts[0].slice();
    const V = outputWidth(shards[0].model.spec);
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    const all = new (parts[0].constructor as new (length: number) => FloatArray)(total);
    const rows = total / (B * V);
    for (const [i, { from, to }] of shards.entries()) {
      const count = (to - from) * V;
      for (let r = 0; r < rows; r++) all.set(parts[i].subarray(r * count, (r + 1) * count), (r * B + from) * V);
    }
    return all;
  }

  /** Runs a pass on every engine and blocks until all are done. */
  private all(pass: (shard: Shard<FloatArray, Int32Array>, engine: CpuEngine) => void): void {
    // The others first: they start at once, and the first engine is this thread.
    for (let i = this.shards.length - 1; i >= 0; i--) pass(this.shards[i], this.engines[i]);
    for (const engine of this.engines) engine.finish();
  }

  private partOf(batch: CheckedBatch, { from, to }: Shard<FloatArray, Int32Array>): CheckedBatch {
    const { B } = this;
    const { steps, inputs, targets, mask, weights, lengths, targetLengths } = batch;
    const part = <A extends FloatArray | Int32Array>(of: A, rows: number): A => columnsOf(of, rows, B, from, to);
    const targetRows = lengths.length > 0 ? 1 : weights.length / B;
    return {
      ...batch,
      inputs: part(inputs, steps),
      targets: targets && part(targets, targetRows),
      mask: part(mask, steps),
      weights: part(weights, weights.length / B),
      carry: batch.carry.subarray(from, to),
      lengths: lengths.subarray(from, to),
      targetLengths: targetLengths.subarray(from, to),
    };
  }
}

/** Of [rows,B,·] the columns from … to − 1, in an array of their own. */
function columnsOf<A extends FloatArray | Int32Array>(of: A, rows: number, B: number, from: number, to: number): A {
  const width = of.length / (rows * B);
  const count = (to - from) * width;
  const part = new (of.constructor as new (length: number) => A)(rows * count);
  for (let r = 0; r < rows; r++) {
    const start = (r * B + from) * width;
    part.set(of.subarray(start, start + count), r * count);
  }
  return part;
}
