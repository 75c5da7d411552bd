import { type LocalEngine, typedArrays } from '../bptt/engine.ts';
import { adagradKernels } from './adagrad.ts';
import { adamKernels } from './adam.ts';
import { addKernels } from './add.ts';
import { binaryCrossEntropyOfSoftmaxKernels } from './binaryCrossEntropyOfSoftmax.ts';
import { clipKernels } from './clip.ts';
import { columnsKernels } from './columns.ts';
import { copyKernels } from './copy.ts';
import { elmanKernels } from './elman.ts';
import { gruKernels } from './gru.ts';
import { gruResetBeforeKernels } from './gruResetBefore.ts';
import { l2Kernels } from './l2.ts';
import { linearKernels } from './linear.ts';
import { lstmKernels } from './lstm.ts';
import { matmulKernels } from './matmul.ts';
import { bufferBytes, WasmMemory } from './memory.ts';
import { hasFusedMultiplyAdd } from './module.ts';
import { multiplyKernels } from './multiply.ts';
import { installHere } from './recorder.ts';
import { reluKernels } from './relu.ts';
import { rmspropKernels } from './rmsprop.ts';
import { rpropKernels } from './rprop.ts';
import { scaleKernels } from './scale.ts';
import { sgdKernels } from './sgd.ts';
import { sigmoidKernels } from './sigmoid.ts';
import { sigmoidCrossEntropyKernels } from './sigmoidCrossEntropy.ts';
import { softmaxCrossEntropyKernels } from './softmaxCrossEntropy.ts';
import { squaredErrorKernels } from './squaredError.ts';
import { stateKernels } from './state.ts';
import { sumKernels } from './sum.ts';
import { tanhKernels } from './tanh.ts';
import { Thread, whyNoThreads } from './threads.ts';

export interface WasmEngineOptions {
  /**
   * The length of every buffer that the engine will be asked for, since its memory is taken once and never grows:
   * `bufferLengths` of `bptt/bptt` counts them.
   */
  lengths: readonly number[];
  /**
   * Add products by fused multiply-add (relaxed SIMD), where the host has it: faster, and rounded once instead of twice,
   * so that the bits differ from those of a host that has none. Default false.
   */
  fma?: boolean;
}

export interface WasmThreadsOptions extends Pick<WasmEngineOptions, 'fma'> {
  /** A copy of `dist/wasm/threadWorker.js`, where a bundler does not carry that file beside the code that starts it. */
  threadWorker?: URL | string;
}

/** The float32 engine on WebAssembly SIMD, with what it holds. */
export interface WasmEngine extends LocalEngine {
  /** The bytes of memory taken from the host. */
  readonly memoryBytes: number;
}

/**
 * The engine whose buffers are views of one WebAssembly memory, in which every kernel runs.
 *
 * @throws {RangeError} where so much memory is not to be had, saying how much.
 */
export function wasmEngine({ lengths, fma = false }: WasmEngineOptions): WasmEngine {
  return engineHere(new WasmMemory(bytesOf(lengths), fma && hasFusedMultiplyAdd()));
}

/**
 * Engines on one memory that work at the same time: the first in this thread, each other one in a thread of its own, to
 * which it hands its walks once they are recorded.
 *
 * @param lengths the buffers of each engine
 * @throws {RangeError} where so much memory is not to be had; {Error} where there can be no threads;
 *   {ThreadStartError} where their file does not load.
 */
export async function wasmEngines(
  lengths: readonly (readonly number[])[],
  { fma = false, threadWorker }: WasmThreadsOptions = {},
): Promise<readonly WasmEngine[]> {
  const why = whyNoThreads();
  if (why !== null) throw new Error(`wasmEngines: no threads here: ${why}`);
  const [own, ...others] = WasmMemory.shared(lengths.map(bytesOf), fma && hasFusedMultiplyAdd());
  const threads: Thread[] = [];
  try {
    for (const w of others) threads.push(await Thread.start(w, threadWorker));
  } catch (error) {
    for (const thread of threads) thread.end();
    throw error;
  }
  return [
    engineHere(own),
    ...others.map((w, i) =>
      engineOn(w, {
        repeatable: (walk) => w.recorder.repeatable(walk, (recording) => threads[i].install(recording)),
        finish: () => threads[i].finish(),
        dispose: () => threads[i].end(),
      }),
    ),
  ];
}

function engineHere(w: WasmMemory): WasmEngine {
  return engineOn(w, {
    repeatable: (walk) => w.recorder.repeatable(walk, (recording) => installHere(recording, w.recorder.kernels)),
    finish: () => {},
    dispose: () => {},
  });
}

function bytesOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + bufferBytes(length), 0);
}

function engineOn(w: WasmMemory, running: Pick<LocalEngine, 'repeatable' | 'finish' | 'dispose'>): WasmEngine {
  const products = matmulKernels(w);
  const sums = addKernels(w);
  const tanh = tanhKernels(w);
  const sigmoid = sigmoidKernels(w);
  const scaling = scaleKernels(w);
  const reductions = sumKernels(w);
  return {
    name: w.variant.fused ? 'wasm+fma' : 'wasm',
    dtype: 'float32',
    memoryBytes: w.byteLength,
    kernels: {
      ...elmanKernels(w, products, sums, tanh, sigmoid, reluKernels(w)),
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
    optim: {
      ...clipKernels(w),
      ...l2Kernels(w),
      ...adagradKernels(w),
      ...adamKernels(w),
      ...rmspropKernels(w),
      ...rpropKernels(w),
      ...sgdKernels(w),
      sumOfSquares: reductions.sumOfSquares,
    },
    floats: (length) => w.floats(length),
    ints: (length) => w.ints(length),
    ...typedArrays,
    ...copyKernels(w),
    ...running,
  };
}
