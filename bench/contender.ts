import type { AdapterDescription, Counters } from 'bptt/webgpu';

/** A training step: forward, backward through time, every gradient clipped to ±clip, update. */
export interface Training {
  readonly kind: 'training';
  readonly cell: 'elman' | 'lstm';
  /** Symbols read, hidden units, outputs, time steps, sequences. */
  readonly D: number;
  readonly H: number;
  readonly V: number;
  readonly T: number;
  readonly B: number;
  readonly loss: 'softmaxCrossEntropy' | 'sigmoidCrossEntropy';
  /** Over all steps and sequences. */
  readonly reduction: 'sum' | 'mean';
  readonly optimizer: 'adagrad' | 'adam' | 'sgd';
  readonly lr: number;
  readonly clip: number;
  /** The state goes on from batch to batch, and begins anew at batch 0. */
  readonly carry: boolean;
}

/** C = A·B of square matrices. */
export interface Product {
  readonly kind: 'product';
  readonly N: number;
}

/** Drawing symbols one at a time, each read back: the first whose cumulative probability exceeds a uniform number. */
export interface Sampling {
  readonly kind: 'sampling';
  /** The uniform numbers are those of NumPy's `RandomState(seed)`. */
  readonly seed: number;
  readonly cell: 'elman' | 'lstm';
  readonly H: number;
  readonly V: number;
}

export type Task = Training | Product | Sampling;

export type Tensor = Float32Array | Float64Array | Int32Array;

/**
 * What all contenders start from.
 *
 * - training: weight_ih_l0 [G·H,D], weight_hh_l0 [G·H,H], bias_ih_l0 [G·H], weight_ho [V,H], bias_ho [V]; inputs and
 *   targets [N,T,B], ids of N batches that are gone through again and again
 * - product: a [N,N], b [N,N]
 * - sampling: the weights, and uniforms [n], the first of those numbers; the first symbol read is 0
 */
export type Tensors = Readonly<Record<string, Tensor>>;

/** One way of doing a task. */
export interface Contender {
  /**
   * Does that many units of work, going on from where it was.
   *
   * @returns what they gave: the loss of each step, the symbols drawn, or C
   */
  run(steps: number): ArrayLike<number> | Promise<ArrayLike<number>>;
  /** Where it computes on a device: what its last run asked of that. */
  device?(): DeviceFacts;
}

/**
 * What the time of an engine on a device covers. `compute`: many steps a call, the operands of a product on the device all
 * the time; what a call gives is read once, at its end, and that read is counted to no step. `end-to-end`: batches or
 * operands brought up and what they give read back, every few steps of training, every product.
 */
export type Scope = 'compute' | 'end-to-end';

/** What a row tells about an engine that computes on a device. */
export interface DeviceFacts {
  adapter: string;
  /** Whether the adapter is a program on the CPU. */
  software: boolean;
  dispatchesPerStep: number;
  submitsPerStep: number;
  buffersPerStep: number;
  readbacksPerStep: number;
}

/** What each of that many steps asked of a device, from what was counted before and after them. */
export function factsOf(
  { name, software }: Pick<AdapterDescription, 'name' | 'software'>,
  steps: number,
  before: Counters,
  after: Counters,
): DeviceFacts {
  return {
    adapter: name,
    software,
    dispatchesPerStep: (after.dispatches - before.dispatches) / steps,
    submitsPerStep: (after.submits - before.submits) / steps,
    buffersPerStep: (after.buffers - before.buffers) / steps,
    readbacksPerStep: (after.readbacks - before.readbacks) / steps,
  };
}

/** A question to a contender. */
export type Question = { results: number } | { rate: number } | { device: true };

/** How fast steps were done, and on how many cores (CPU seconds for each second; NaN in a browser, which does not tell). */
export interface Rate {
  rate: number;
  cores: number;
}

/** @param cpuSeconds what the process has used so far */
export async function answer(
  contender: Contender,
  question: Question,
  cpuSeconds: () => number = () => Number.NaN,
): Promise<{ results: Float64Array } | { device: DeviceFacts | null } | Rate> {
  if ('results' in question) return { results: Float64Array.from(await contender.run(question.results)) };
  if ('device' in question) return { device: contender.device?.() ?? null };
  const cpu = cpuSeconds();
  const start = performance.now();
  await contender.run(question.rate);
  const seconds = (performance.now() - start) / 1000;
  return { rate: question.rate / seconds, cores: (cpuSeconds() - cpu) / seconds };
}
