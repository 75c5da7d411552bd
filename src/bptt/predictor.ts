import type { FloatArray } from '../tensor/shape.ts';
import type { CheckedBatch } from './batch.ts';
import { type CpuEngine, sizingEngine, type WeightsFormat } from './engine.ts';
import { LruMap } from './lruMap.ts';
import type { ModelOptions, SequenceModel } from './model.ts';
import { DataParallelModel, shardBatch } from './shards.ts';
import type { NamedTensors, ResolvedSpec } from './spec.ts';

/**
 * Windows of the same B sequences in their order, each but the first going on from the one before. The first is the longest;
 * B and its steps come from {@link sizeClass}.
 */
export type Run = readonly CheckedBatch[];

/** Who computes whole batches for an `InferenceModel`. */
export interface Predictor {
  /** The engine in words. */
  readonly description: string;
  /** The most sequences of a run. */
  readonly sequences: number;
  /** For each run the outputs [rows,B,V] of its windows, in their order. */
  predict(runs: readonly Run[]): readonly (readonly FloatArray[])[] | Promise<readonly (readonly FloatArray[])[]>;
  /** Frees what it holds. Every call after it fails, and one that has not come to its end may. */
  dispose(): void;
}

/** Sequences that an engine computes at a time; more of them take several passes. */
export const MOST_SEQUENCES = 64;

/** Sizes of batch whose buffers are kept. */
export const KEPT_SIZES = 4;

/** The next power of two, or multiple of 64: so few sizes take turns. */
export function sizeClass(size: number): number {
  if (size > 64) return Math.ceil(size / 64) * 64;
  let power = 1;
  while (power < size) power *= 2;
  return power;
}

/** What models for prediction alone are made with. */
export function predictionOptions(
  T: number,
  B: number,
): Required<Pick<ModelOptions, 'steps' | 'batch' | 'initialGradient' | 'backward'>> {
  return { steps: T, batch: B, initialGradient: false, backward: false };
}

/**
 * Makes the engines that share a model's sequences. A promise where an engine is a thread that has to be started.
 *
 * @param plan for each engine the lengths of its buffers, where weights are kept so
 */
export type MakeEngines = (
  plan: (weights: WeightsFormat) => readonly (readonly number[])[],
) => readonly CpuEngine[] | Promise<readonly CpuEngine[]>;

/** A model of windows, and the engines that it has to itself. */
interface CpuWindows {
  readonly T: number;
  readonly engines: readonly CpuEngine[];
  readonly model: DataParallelModel;
}

/** A predictor on engines of the CPU, on several of which a run's sequences are shared out. */
export class CpuPredictor implements Predictor {
  readonly description: string;
  readonly sequences: number;
  private readonly spec: ResolvedSpec;
  private readonly parameters: NamedTensors;
  private readonly threads: number;
  private readonly make: MakeEngines;
  /** For each B that is kept, a model with room for the longest window so far. */
  private readonly kept = new LruMap<number, { windows: CpuWindows | null }>(KEPT_SIZES, free);
  /** The last call on threads: each waits for the one before. */
  private last: Promise<unknown> = Promise.resolve();
  private disposed = false;

  constructor(spec: ResolvedSpec, parameters: NamedTensors, description: string, threads: number, make: MakeEngines) {
    this.spec = spec;
    this.parameters = parameters;
    this.description = description;
    this.threads = threads;
    this.sequences = threads * MOST_SEQUENCES;
    this.make = make;
  }

  /** On one engine the result is there at once. */
  predict(runs: readonly Run[]): readonly (readonly FloatArray[])[] | Promise<readonly (readonly FloatArray[])[]> {
    if (this.threads === 1) return runs.map((run) => outputsOf(this.windows(run) as CpuWindows, run));
    const turn = this.last.then(async () => {
      const outputs: (readonly FloatArray[])[] = [];
      for (const run of runs) {
        const windows = await this.windows(run);
        this.assertAlive();
        outputs.push(outputsOf(windows, run));
      }
      return outputs;
    });
    this.last = turn.catch(() => {});
    return turn;
  }

  dispose(): void {
    this.disposed = true;
    for (const place of this.kept.values()) free(place);
  }

  /** A model with room for a run. */
  private windows([first]: Run): CpuWindows | Promise<CpuWindows> {
    const { spec, threads, parameters, kept } = this;
    this.assertAlive();
    const B = first.carry.length;
    const T = sizeClass(first.steps);
    const place = kept.get(B, () => ({ windows: null }));
    if (place.windows && place.windows.T >= T) return place.windows;
    const options = predictionOptions(T, B);
    const plan = (weights: WeightsFormat): readonly (readonly number[])[] => {
      const sizing = Array.from({ length: Math.min(threads, B) }, () => sizingEngine('float32', weights));
      shardBatch(sizing, spec, options);
      return sizing.map(({ lengths }) => lengths);
    };
    const finish = (engines: readonly CpuEngine[]): CpuWindows => {
      const model = new DataParallelModel(engines, spec, options);
      const [shard] = model.shards;
      for (const [name, values] of Object.entries(parameters)) {
        engines[0].write(shard.model.parameters.get(name)!, values);
      }
      free(place);
      place.windows = { T, engines, model };
      if (this.disposed) free(place);
      return place.windows;
    };
    const made = this.make(plan);
    return 'then' in made ? made.then(finish) : finish(made);
  }

  private assertAlive(): void {
    if (this.disposed) throw new Error('model.predict: the model was disposed of');
  }
}

function free({ windows }: { readonly windows: CpuWindows | null }): void {
  for (const engine of windows?.engines ?? []) engine.dispose();
}

/** The outputs of the windows of a run. */
function outputsOf({ model }: CpuWindows, run: Run): FloatArray[] {
  return run.map((window, i) => {
    if (i > 0) for (const shard of model.shards) carryOn(shard.model);
    model.load(window);
    model.predict();
    return model.outputs();
  });
}

/** Hands the states that a window ended in to the next. */
function carryOn(model: SequenceModel<FloatArray, Int32Array>): void {
  for (let layer = 0; layer < model.spec.layers; layer++) {
    const { final } = model.stack.recurrence(model.window, layer);
    for (const [s, state] of model.stack.initial(layer).entries()) state.set(final[s]);
  }
}
