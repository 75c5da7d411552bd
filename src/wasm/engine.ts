import { type LocalEngine, typedArrays } from '../bptt/engine.ts';
import * as kernels from '../bptt/kernels.ts';
import { adagradKernels } from './adagrad.ts';
import { adamKernels } from './adam.ts';
import { addKernels } from './add.ts';
import { clipKernels } from './clip.ts';
import { copyKernels } from './copy.ts';
import { elmanKernels } from './elman.ts';
import { gruKernels } from './gru.ts';
import { linearKernels } from './linear.ts';
import { lstmKernels } from './lstm.ts';
import { matmulKernels } from './matmul.ts';
import { bufferBytes, WasmMemory } from './memory.ts';
import { multiplyKernels } from './multiply.ts';
import { sgdKernels } from './sgd.ts';
import { sigmoidKernels } from './sigmoid.ts';
import { softmaxCrossEntropyKernels } from './softmaxCrossEntropy.ts';
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
  return {
    name: 'wasm',
    dtype: 'float32',
    memoryBytes: w.byteLength,
    kernels: {
      ...onViews(w),
      ...elmanKernels(w, products, sums, tanh, sigmoid),
      ...gruKernels(w, products, sums),
      ...lstmKernels(w, products, sums),
      ...linearKernels(w, products, sums),
      ...multiplyKernels(w),
      ...softmaxCrossEntropyKernels(w),
      ...sigmoid,
      add: sums.add,
    },
    optim: { ...clipKernels(w), ...sumKernels(w), ...adagradKernels(w), ...adamKernels(w), ...sgdKernels(w) },
    floats: (length) => w.floats(length),
    ints: (length) => w.ints(length),
    ...typedArrays,
    ...copyKernels(w),
    repeatable: (walk) => w.recorder.repeatable(walk),
  };
}

/** The TypeScript kernels on views of the memory, for those without a twin. */
function onViews(w: WasmMemory): typeof kernels {
  const wrapped = Object.entries(kernels).map(([name, kernel]) => [
    name,
    (...args: never[]) => {
      w.recorder.leaveOut();
      return (kernel as (...args: never[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(wrapped);
}
