import { adagradUpdate } from '../optim/adagrad.ts';
import { adamUpdate } from '../optim/adam.ts';
import { clipByNorm } from '../optim/clip.ts';
import { l2Backward, l2Forward } from '../optim/l2.ts';
import type { UpdateKernels } from '../optim/optimizer.ts';
import { rmspropUpdate } from '../optim/rmsprop.ts';
import { notebookRpropUpdate, rpropUpdate } from '../optim/rprop.ts';
import { momentumUpdate, sgdUpdate } from '../optim/sgd.ts';
import { clip } from '../tensor/clip.ts';
import { type Dtype, type FloatArray, zeros } from '../tensor/shape.ts';
import { sumOfSquares } from '../tensor/sum.ts';
import * as kernels from './kernels.ts';

/** An argument of a kernel on an engine's buffers: typed arrays become `F` and `I`, numbers stay. */
type OnBuffers<A, F, I> = A extends FloatArray ? F : A extends Int32Array ? I : A;

/** A public function of `tensor/` or `layers/` with its arrays replaced by an engine's buffers. */
type Kernel<Fn, F, I> = Fn extends (...args: infer A) => void
  ? (...args: { [K in keyof A]: OnBuffers<A[K], F, I> }) => void
  : never;

/** The functions of `kernels.ts` on an engine's buffers. */
export type Kernels<F, I> = { readonly [K in keyof typeof kernels]: Kernel<(typeof kernels)[K], F, I> };

/** The float buffers of an engine. */
export interface FloatBuffers<F> {
  /** A zeroed buffer. */
  floats(length: number): F;
  lengthOf(buffer: F): number;
  /** A view of elements start … end − 1; it shares the buffer's memory. */
  slice(buffer: F, start: number, end: number): F;
}

/**
 * Where the numbers live and who computes. `F` is the engine's float buffer and `I` its integer buffer; the way through
 * time (`recurrent.ts`, `model.ts`) is written once over this interface and never looks inside them.
 */
export interface Engine<F, I> extends FloatBuffers<F> {
  readonly name: string;
  readonly dtype: Dtype;
  readonly kernels: Kernels<F, I>;
  ints(length: number): I;
  sliceInts(buffer: I, start: number, end: number): I;
  /** Copies numbers in from the host, starting at element 0. */
  write(buffer: F, values: ArrayLike<number>): void;
  writeInts(buffer: I, values: ArrayLike<number>): void;
  copy(to: F, from: F): void;
  fill(buffer: F, value: number): void;
  /**
   * A walk over kernels that does the same to the same buffers whenever it runs, ready to run again and again. An engine
   * may keep what the walk did and do that the next time, faster, instead of walking.
   */
  repeatable(walk: () => void): () => void;
}

/** An engine on this machine's memory: its buffers are typed arrays, so that reading them is free. */
export interface LocalEngine extends Engine<FloatArray, Int32Array> {
  /** What a trainer does to whole blocks of parameters and gradients. */
  readonly optim: OptimKernels;
  /** Waits until all is done that was asked: an engine may work in a thread of its own. */
  finish(): void;
  /** Frees what the engine holds beside its buffers. */
  dispose(): void;
}

/** The functions of `tensor/` and `optim/` that clip, look at and apply a gradient. */
export interface OptimKernels extends UpdateKernels {
  readonly clip: typeof clip;
  /** By the Euclidean norm, which it gives. */
  clipByNorm(grads: FloatArray, maxNorm: number): number;
  readonly l2Forward: typeof l2Forward;
  readonly l2Backward: typeof l2Backward;
  readonly sumOfSquares: typeof sumOfSquares;
}

/** How an engine whose buffers are typed arrays views, writes and copies them, wherever their memory lies. */
export const typedArrays: Pick<
  LocalEngine,
  'lengthOf' | 'slice' | 'sliceInts' | 'write' | 'writeInts' | 'copy' | 'fill'
> = {
  lengthOf: (buffer) => buffer.length,
  slice: (buffer, start, end) => buffer.subarray(start, end),
  sliceInts: (buffer, start, end) => buffer.subarray(start, end),
  write: (buffer, values) => buffer.set(values),
  writeInts: (buffer, values) => buffer.set(values),
  copy: (to, from) => to.set(from),
  fill: (buffer, value) => buffer.fill(value),
};

/** The engine that is the library read aloud: every kernel is the function of `tensor/` or `layers/` itself, in plain loops. */
export function tsEngine(dtype: Dtype = 'float32'): LocalEngine {
  return {
    name: 'ts',
    dtype,
    kernels,
    optim: {
      clip,
      clipByNorm,
      l2Forward,
      l2Backward,
      sumOfSquares,
      adagradUpdate,
      adamUpdate,
      momentumUpdate,
      notebookRpropUpdate,
      rmspropUpdate,
      rpropUpdate,
      sgdUpdate,
    },
    repeatable: (walk) => walk,
    finish: () => {},
    dispose: () => {},
    floats: (length) => zeros(dtype, length),
    ints: (length) => new Int32Array(length),
    ...typedArrays,
  };
}

/** A buffer that is nothing but its length. */
export interface Counted {
  readonly length: number;
}

/** An engine without memory: it notes the length of every buffer that it is asked for. */
export interface CountingEngine extends Engine<Counted, Counted> {
  readonly lengths: readonly number[];
}

/** To learn what a model will need before any of it is taken: construct the model on this. It computes nothing. */
export function countingEngine(dtype: Dtype = 'float32'): CountingEngine {
  const lengths: number[] = [];
  const buffer = (length: number): Counted => {
    lengths.push(length);
    return { length };
  };
  return {
    name: 'counting',
    dtype,
    lengths,
    kernels: {} as Kernels<Counted, Counted>,
    floats: buffer,
    ints: buffer,
    lengthOf: ({ length }) => length,
    slice: (_, start, end) => ({ length: end - start }),
    sliceInts: (_, start, end) => ({ length: end - start }),
    write: () => {},
    writeInts: () => {},
    copy: () => {},
    fill: () => {},
    repeatable: (walk) => walk,
  };
}

/** The error for numbers of the wrong dtype handed to a model. */
export function expectEngineDtype(fn: string, arg: string, values: FloatArray, dtype: Dtype): void {
  const wanted = dtype === 'float32' ? Float32Array : Float64Array;
  if (!(values instanceof wanted)) {
    const got = (values as object | null | undefined)?.constructor.name ?? values;
    throw new TypeError(`${fn}: ${arg} is ${got}, expected ${wanted.name}`);
  }
}
