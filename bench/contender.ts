import { createInterface } from 'node:readline';

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
  /** What an engine on a device has to say about the steps so far. */
  device?(): DeviceFacts;
}

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

/** A question to a contender, one line of JSON; the first line tells the task and the tensors, and is not answered. */
export type Question = { results: number } | { rate: number } | { device: true };

/** How fast steps were done, and on how many cores (CPU seconds for each second). */
export interface Rate {
  rate: number;
  cores: number;
}

/** The first line: numbers travel as base64 of little-endian bytes. */
export interface Opening {
  task: Task;
  tensors: Record<string, { dtype: 'float32' | 'float64' | 'int32'; data: string }>;
}

/**
 * The process of a contender: takes task and tensors from the first line of standard input, then answers a question a line.
 * An answer is a line of JSON too; whatever else is written to standard output is not looked at.
 */
export async function serve(make: (task: Task, tensors: Tensors) => Contender | Promise<Contender>): Promise<void> {
  let contender: Contender | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (!contender) {
      const { task, tensors } = JSON.parse(line) as Opening;
      const decoded = Object.entries(tensors).map(([name, { dtype, data }]) => [name, decode(dtype, data)] as const);
      contender = await make(task, Object.fromEntries(decoded));
      continue;
    }
    process.stdout.write(`${JSON.stringify(await answer(contender, JSON.parse(line) as Question))}\n`);
  }
}

async function answer(contender: Contender, question: Question): Promise<object> {
  if ('results' in question) return { results: encode(Float64Array.from(await contender.run(question.results))) };
  if ('device' in question) return { device: contender.device?.() ?? null };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await contender.run(question.rate);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: question.rate / seconds, cores: (user + system) / 1e6 / seconds } satisfies Rate;
}

export function encode(values: Tensor): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
}

export function decode(dtype: 'float32' | 'float64' | 'int32', data: string): Tensor {
  const { buffer } = Uint8Array.from(Buffer.from(data, 'base64')); // a buffer of its own, at an aligned address
  return dtype === 'float32'
    ? new Float32Array(buffer)
    : dtype === 'float64'
      ? new Float64Array(buffer)
      : new Int32Array(buffer);
}
