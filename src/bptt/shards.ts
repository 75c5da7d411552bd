import type { RandomState } from '../tensor/random.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { type Batch, BatchReader, type Keep, type ReadBatch } from './batch.ts';
import type { Engine, LocalEngine } from './engine.ts';
import { type ModelOptions, SequenceModel } from './model.ts';
import type { ModelSpec } from './spec.ts';

/** A model for some of a batch's sequences. */
export interface Shard<F, I> {
  readonly model: SequenceModel<F, I>;
  /** Its sequences: from … to − 1. */
  readonly from: number;
  readonly to: number;
}

/**
 * A batch's sequences dealt out to engines that work at the same time, as evenly as can be: one model each, all on the
 * parameters of the first.
 */
export function dealOut<F, I>(
  engines: readonly Engine<F, I>[],
  spec: ModelSpec,
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
 * The models of {@link dealOut} as one: what is asked of it is asked of all, each shard's passes on its own engine, and
 * the sums of losses and gradients are taken in the shards' order. So the same batch gives the same bits each time.
 */
export class ShardedModel {
  readonly shards: readonly Shard<FloatArray, Int32Array>[];
  private readonly engines: readonly LocalEngine[];
  private readonly reader: BatchReader;
  private readonly B: number;

  constructor(engines: readonly LocalEngine[], spec: ModelSpec, options: ModelOptions<FloatArray>) {
    this.engines = engines;
    this.shards = dealOut(engines, spec, options);
    const { model } = this.shards[0];
    this.B = options.batch;
    this.reader = new BatchReader(model.spec, model.T, options.batch, model.engine.dtype);
  }

  /** Checks a batch and hands every shard its sequences; as {@link SequenceModel.load}. */
  load(batch: Batch, keep: Keep): void {
    const { reader, shards } = this;
    reader.read(batch, keep);
    for (const shard of shards) shard.model.take(shards.length === 1 ? reader : this.partOf(reader, shard));
  }

  forward(rng?: RandomState): void {
    // The others first: they start at once, and the first engine is this thread.
    for (let i = this.shards.length - 1; i >= 0; i--) this.shards[i].model.forward(rng);
    this.finish();
  }

  /** The loss of the last forward pass. */
  loss(): number {
    let sum = 0;
    for (const { model } of this.shards) sum += model.loss[0];
    return sum;
  }

  /** Overwrites the gradients of the first model with those of the whole batch. */
  gradients(training: boolean, span?: number): void {
    const { shards, engines } = this;
    for (let i = shards.length - 1; i >= 0; i--) {
      const { model } = shards[i];
      engines[i].fill(model.gradients.flat, 0);
      model.backward(training, span);
    }
    this.finish();
    const sum = shards[0].model.gradients.flat;
    for (let i = 1; i < shards.length; i++) engines[0].kernels.add(sum, sum, shards[i].model.gradients.flat);
  }

  private finish(): void {
    for (const engine of this.engines) engine.finish();
  }

  private partOf(read: ReadBatch, { from, to }: Shard<FloatArray, Int32Array>): ReadBatch {
    const { B } = this;
    const { steps, masked, inputs, targets, mask, weights, keep } = read;
    const part = <A extends FloatArray | Int32Array>(of: A, rows: number): A => columnsOf(of, rows, B, from, to);
    const lossRows = weights.length / B;
    return {
      steps,
      masked,
      inputs: part(inputs, steps),
      targets: part(targets, lossRows),
      mask: part(mask, steps),
      weights: part(weights, lossRows),
      keep: keep.subarray(from, to),
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
