import { assertOneOf } from '../check/values.ts';
import type { Cell, CellBackward, CellForward } from '../layers/cell.ts';
import type { Loss, LossWindow } from '../layers/loss.ts';
import { clipByNorm } from '../optim/clip.ts';
import { l2Backward, l2Forward } from '../optim/l2.ts';
import type { Optimizer, StepNumbers } from '../optim/optimizer.ts';
import { clip } from '../tensor/clip.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import * as kernels from './kernels.ts';
import { type Recurrence, recurrenceBackward, recurrenceForward } from './recurrence.ts';
import { addWeightGradients, type WeightGradient } from './weightGradients.ts';

/** An argument of a kernel on an engine's buffers: typed arrays become `F` and `I`, numbers stay. */
type OnBuffers<A, F, I> = A extends FloatArray ? F : A extends Int32Array ? I : A;

/** A public function of `tensor/` or `layers/` with its arrays replaced by an engine's buffers. */
type Kernel<Fn, F, I> = Fn extends (...args: infer A) => void
  ? (...args: { [K in keyof A]: OnBuffers<A[K], F, I> }) => void
  : never;

/** The functions of `kernels.ts` on an engine's buffers, and the parts of a cell. */
export type Kernels<F, I> = {
  readonly [K in keyof typeof kernels]: Kernel<(typeof kernels)[K], F, I>;
} & CellKernels<F> & {
    copy(to: F, from: F): void;
    fill(buffer: F, value: number): void;
  };

/** The parts of a step of a cell, as in `layers/cell.ts`. */
export interface CellKernels<F> {
  cellForward(cell: Cell, step: CellForward<F>, B: number, H: number): void;
  cellInnerForward(cell: Cell, step: CellForward<F>, B: number, H: number): void;
  cellBackward(cell: Cell, step: CellBackward<F>, B: number, H: number): void;
  cellInnerBackward(cell: Cell, step: CellBackward<F>, B: number, H: number): void;
}

/** How the weight matrices of a model that only predicts are kept: as numbers of float32, or rounded to bfloat16. */
export const WEIGHTS_FORMATS: readonly ['float32', 'bf16'] = ['float32', 'bf16'];

export type WeightsFormat = (typeof WEIGHTS_FORMATS)[number];

/** The float buffers of an engine. */
export interface FloatBuffers<F> {
  /** A zeroed buffer. */
  floats(length: number): F;
  /** A zeroed buffer of bfloat16 for a weight matrix, on an engine that keeps them so; `write` rounds what it puts there. */
  halves?(length: number): F;
  lengthOf(buffer: F): number;
  /** A view of elements start … end − 1; it shares the buffer's memory. */
  slice(buffer: F, start: number, end: number): F;
}

/**
 * Where the numbers live and who computes. `F` is the engine's float buffer and `I` its integer buffer; the loops through
 * time are written once over this interface and never look inside the buffers.
 *
 * The stages ({@link recurrenceForward} … {@link weightGradients}) have defaults, made of kernels: `defaultStages`. An engine
 * overrides what it does better as a whole.
 */
export interface Engine<F, I> extends FloatBuffers<F>, Stages<F, I> {
  readonly name: string;
  readonly dtype: Dtype;
  readonly kernels: Kernels<F, I>;
  ints(length: number): I;
  sliceInts(buffer: I, start: number, end: number): I;
  /** Copies numbers in from the host, starting at element 0. */
  write(buffer: F, values: ArrayLike<number>): void;
  writeInts(buffer: I, values: ArrayLike<number>): void;
  /**
   * Wraps a pass that issues the same calls on the same buffers every time. An engine may record the calls and replay the
   * recording afterwards.
   */
  compile(pass: () => void): () => void;
}

/** Whole stages of a pass. */
export interface Stages<F, I> {
  /** All forward steps of one direction of one layer: `bptt/recurrence.ts`. */
  recurrenceForward(recurrence: Recurrence<F, I>): void;
  /** All backward steps, up to the gradients of the gates. */
  recurrenceBackward(recurrence: Recurrence<F, I>, backSteps: number): void;
  /** What logits [R,V] mean as outputs, without a target. */
  lossOutputs(loss: Loss, outputs: F, logits: F, R: number, V: number): void;
  lossForward(loss: Loss, window: LossWindow<F, I>): void;
  /** The gradient of the logits after {@link lossForward}. */
  lossBackward(loss: Loss, window: LossWindow<F, I>): void;
  /** Both at once. */
  lossForwardBackward(loss: Loss, window: LossWindow<F, I>): void;
  /** All weight gradients of a pass, added. */
  weightGradients(gradients: readonly WeightGradient<F, I>[]): void;
}

/** The stages as the explicit loops of this folder, over an engine's kernels and its loss functions. */
export function defaultStages<F, I>(
  k: Kernels<F, I>,
  loss: Pick<Stages<F, I>, 'lossOutputs' | 'lossForward' | 'lossBackward'>,
): Stages<F, I> {
  return {
    recurrenceForward: (recurrence) => recurrenceForward(k, recurrence),
    recurrenceBackward: (recurrence, backSteps) => recurrenceBackward(k, recurrence, backSteps),
    ...loss,
    lossForwardBackward(value, window) {
      loss.lossForward(value, window);
      loss.lossBackward(value, window);
    },
    weightGradients: (gradients) => addWeightGradients(k, gradients),
  };
}

/** An engine on this machine's memory: its buffers are typed arrays, so that reading them is free. */
export interface CpuEngine extends Engine<FloatArray, Int32Array> {
  /** What a trainer does to whole blocks of parameters and gradients. */
  readonly optim: OptimKernels;
  /** Blocks until all calls are done: an engine may work in a thread of its own. */
  finish(): void;
  /** Frees what the engine holds beside its buffers. */
  dispose(): void;
}

/** The functions of `tensor/` and `optim/` that clip, reduce and apply a gradient. */
export interface OptimKernels {
  /**
   * Cuts each element to ±limit; what is not finite stays as it is.
   *
   * @returns whether all are finite
   */
  clipByValue(grads: FloatArray, limit: number): boolean;
  /** By the Euclidean norm, which it gives. */
  clipByNorm(grads: FloatArray, maxNorm: number): number;
  readonly l2Forward: typeof l2Forward;
  readonly l2Backward: typeof l2Backward;
  /** Whether there is neither NaN nor infinity among the numbers. */
  isFinite(values: FloatArray): boolean;
  /**
   * {@link Optimizer.update}, in a way that can be undone.
   *
   * @param before [P] each, overwritten: what the parameters and each block of memory held
   * @returns whether what they hold now is finite
   */
  update(
    optimizer: Optimizer,
    params: FloatArray,
    grads: FloatArray,
    memory: readonly FloatArray[],
    numbers: StepNumbers,
    before: readonly FloatArray[],
  ): boolean;
}

/** {@link OptimKernels.isFinite} and {@link OptimKernels.update} by the optimizer's own function. */
export const optimizerFunctions: Pick<OptimKernels, 'isFinite' | 'update'> = {
  isFinite: hasOnlyFinite,
  update(optimizer, params, grads, memory, numbers, before) {
    const blocks = [params, ...memory];
    for (const [i, block] of blocks.entries()) before[i].set(block);
    optimizer.update(params, grads, memory, numbers);
    return blocks.every(hasOnlyFinite);
  },
};

function hasOnlyFinite(values: FloatArray): boolean {
  // 0·x is 0 of what is finite, and else NaN, which stays in a sum.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += 0 * values[i];
  return sum === 0;
}

/** How an engine whose buffers are typed arrays views and writes them, wherever their memory lies. */
export const typedArrays: Pick<CpuEngine, 'lengthOf' | 'slice' | 'sliceInts' | 'write' | 'writeInts'> = {
  lengthOf: (buffer) => buffer.length,
  slice: (buffer, start, end) => buffer.subarray(start, end),
  sliceInts: (buffer, start, end) => buffer.subarray(start, end),
  write: (buffer, values) => buffer.set(values),
  writeInts: (buffer, values) => buffer.set(values),
};

/** The parts of a cell as its own functions. */
export const cellFunctions: CellKernels<FloatArray> = {
  cellForward: (cell, step, B, H) => cell.forward(step, B, H),
  cellInnerForward: (cell, step, B, H) => cell.innerForward!(step, B, H),
  cellBackward: (cell, step, B, H) => cell.backward(step, B, H),
  cellInnerBackward: (cell, step, B, H) => cell.innerBackward!(step, B, H),
};

/** A loss as its own functions. */
export const lossFunctions: Pick<Stages<FloatArray, Int32Array>, 'lossOutputs' | 'lossForward' | 'lossBackward'> = {
  lossOutputs: (loss, outputs, logits, R, V) => loss.outputs(outputs, logits, R, V),
  lossForward: (loss, window) => loss.forward(window),
  lossBackward: (loss, window) => loss.backward(window),
};

/** The kernels of engine `ts`: the public functions themselves. */
export const tsKernels: Kernels<FloatArray, Int32Array> = {
  ...kernels,
  ...cellFunctions,
  copy: (to, from) => to.set(from),
  fill: (buffer, value) => buffer.fill(value),
};

/** The engine that is the library read aloud: every kernel is the function of `tensor/` or `layers/` itself, in plain loops. */
export function tsEngine(dtype: Dtype = 'float32'): CpuEngine {
  assertOneOf('tsEngine', 'dtype', dtype, ['float32', 'float64']);
  return {
    name: 'ts',
    dtype,
    kernels: tsKernels,
    ...defaultStages(tsKernels, lossFunctions),
    optim: {
      ...{ clipByNorm, l2Forward, l2Backward },
      ...optimizerFunctions,
      clipByValue(grads, limit) {
        if (!hasOnlyFinite(grads)) return false;
        clip(grads, grads, -limit, limit);
        return true;
      },
    },
    compile: (pass) => pass,
    finish: () => {},
    dispose: () => {},
    floats: (length) => zeros(dtype, length),
    ints: (length) => new Int32Array(length),
    ...typedArrays,
  };
}

/** A buffer that is nothing but its length. */
export interface SizeOnly {
  readonly length: number;
}

/** An engine without memory: it notes the length of every buffer that it is asked for. */
export interface SizingEngine extends Engine<SizeOnly, SizeOnly> {
  readonly lengths: readonly number[];
}

/**
 * To learn what a model will need before any memory is taken: construct the model on this. It computes nothing.
 *
 * @param weights how the engine in whose place it stands keeps the weights of a model that only predicts; two of bfloat16
 *   take the room of one number
 */
export function sizingEngine(dtype: Dtype = 'float32', weights: WeightsFormat = 'float32'): SizingEngine {
  assertOneOf('sizingEngine', 'weights', weights, WEIGHTS_FORMATS);
  const lengths: number[] = [];
  const buffer = (length: number): SizeOnly => {
    lengths.push(length);
    return { length };
  };
  const halves = (length: number): SizeOnly => {
    lengths.push(Math.ceil(length / 2));
    return { length };
  };
  const kernels = { copy: () => {}, fill: () => {} } as unknown as Kernels<SizeOnly, SizeOnly>;
  return {
    name: 'sizing',
    dtype,
    lengths,
    kernels,
    ...defaultStages<SizeOnly, SizeOnly>(kernels, {
      lossOutputs: () => {},
      lossForward: () => {},
      lossBackward: () => {},
    }),
    floats: buffer,
    ...(weights === 'bf16' ? { halves } : {}),
    ints: buffer,
    lengthOf: ({ length }) => length,
    slice: (_, start, end) => ({ length: end - start }),
    sliceInts: (_, start, end) => ({ length: end - start }),
    write: () => {},
    writeInts: () => {},
    compile: (pass) => pass,
  };
}

/** The error for numbers of the wrong dtype handed to a model. */
export function assertEngineDtype(fn: string, arg: string, values: FloatArray, dtype: Dtype): void {
  const wanted = dtype === 'float32' ? Float32Array : Float64Array;
  if (!(values instanceof wanted)) {
    const got = (values as object | null | undefined)?.constructor?.name ?? values;
    throw new TypeError(`${fn}: ${arg} is ${got}, expected ${wanted.name}`);
  }
}
