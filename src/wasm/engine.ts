import { type LocalEngine, typedArrays } from '../bptt/engine.ts';
import * as kernels from '../bptt/kernels.ts';
import { adagradKernels } from './adagrad.ts';
import { adamKernels } from './adam.ts';
import { addKernels } from './add.ts';
import { binaryCrossEntropyOfSoftmaxKernels } from './binaryCrossEntropyOfSoftmax.ts';
import { clipKernels } from './clip.ts';
import { columnsKernels } from './columns.ts';
import { elmanKernels } from './elman.ts';
import { gruKernels } from './gru.ts';
import { gruResetBeforeKernels } from './gruResetBefore.ts';
import { linearKernels } from './linear.ts';
import { lstmKernels } from './lstm.ts';
import { matmulKernels } from './matmul.ts';
import { bufferBytes, WasmMemory } from './memory.ts';
import { multiplyKernels } from './multiply.ts';
import { scaleKernels } from './scale.ts';
import { sgdKernels } from './sgd.ts';
import { sigmoidKernels } from './sigmoid.ts';
import { sigmoidCrossEntropyKernels } from './sigmoidCrossEntropy.ts';
import { softmaxCrossEntropyKernels } from './softmaxCrossEntropy.ts';
import { squaredErrorKernels } from './squaredError.ts';
import { stateKernels } from './state.ts';
import { sumKernels } from './sum.ts';
import { tanhKernels } from './tanh.ts';

export interface WasmEngineOptions {
  /**
   * The length of every buffer that the engine will be asked for, since its memory is taken once and never grows:
   * `bufferLengths` of `bptt/bptt` counts them.
   */
  lengths: readonly number[];
}

/** The float32 engine on WebAssembly SIMD, with what it holds. */
export interface WasmEngine extends LocalEngine {
  /** The bytes of memory taken from the host. */
  readonly memoryBytes: number;
}

/**
 * The engine whose buffers are views of one WebAssembly memory. Kernels that have a twin in this folder run there; the
 * others are the TypeScript functions, on the same views.
 *
 * @throws {RangeError} where so much memory is not to be had, saying how much.
 */
export function wasmEngine({ lengths }: WasmEngineOptions): WasmEngine {
  const w = new WasmMemory(lengths.reduce((sum, length) => sum + bufferBytes(length), 0));
  const products = matmulKernels(w);
  const sums = addKernels(w);
  const tanh = tanhKernels(w);
  const sigmoid = sigmoidKernels(w);
  const scaling = scaleKernels(w);
  const reductions = sumKernels(w);
  return {
    name: 'wasm',
    dtype: 'float32',
    memoryBytes: w.byteLength,
    kernels: {
      ...kernels,
      ...elmanKernels(w, products, sums, tanh, sigmoid),
      ...gruKernels(w, products, sums),
      ...gruResetBeforeKernels(w, products, sums),
      ...lstmKernels(w, products, sums),
      ...linearKernels(w, products, sums),
      ...multiplyKernels(w),
      ...softmaxCrossEntropyKernels(w),
      ...sigmoidCrossEntropyKernels(w),
      ...squaredErrorKernels(w),
      ...binaryCrossEntropyOfSoftmaxKernels(w),
      ...stateKernels(w),
      ...columnsKernels(w),
      ...sigmoid,
      add: sums.add,
      scale: scaling.scale,
      sumAxis: reductions.sumAxis,
    },
    optim: { ...clipKernels(w), ...reductions, ...adagradKernels(w), ...adamKernels(w), ...sgdKernels(w) },
    floats: (length) => w.floats(length),
    ints: (length) => w.ints(length),
    ...typedArrays,
  };
}
