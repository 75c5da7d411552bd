import { type CpuEngine, defaultStages, type Kernels, typedArrays } from '../bptt/engine.ts';
import type { ResolvedSpec } from '../bptt/spec.ts';
import { cellSizes } from '../layers/cell.ts';
import type { FloatArray } from '../tensor/shape.ts';
import { addKernels } from './add.ts';
import { cellKernels } from './cells.ts';
import { clipKernels } from './clip.ts';
import { columnsKernels } from './columns.ts';
import { copyKernels } from './copy.ts';
import { gatherRowsKernels } from './gather.ts';
import { l2Kernels } from './l2.ts';
import { layerNormKernels } from './layerNorm.ts';
import { linearKernels } from './linear.ts';
import { hasLossKernels, lossStages } from './losses.ts';
import { matmulKernels, panelLength } from './matmul.ts';
import { bufferBytes, WasmMemory } from './memory.ts';
import { hasFusedMultiplyAdd } from './module.ts';
import { multiplyKernels } from './multiply.ts';
import { finiteKernels } from './notFinite.ts';
import { recurrenceStages } from './recurrence.ts';
import { reluKernels } from './relu.ts';
import { sigmoidKernels } from './sigmoid.ts';
import { stateKernels } from './state.ts';
import { sumKernels } from './sum.ts';
import { tanhKernels } from './tanh.ts';
import { type FileAddress, Thread, whyNoThreads } from './threads.ts';
import { updateKernels } from './updates.ts';

/** What {@link wasmEngine} takes. */
export interface WasmEngineOptions {
  /**
   * The length of every buffer that the engine will be asked for, since its memory is taken once and never grows:
   * `allocationPlan` of `bptt` counts them, and {@link panelLengths} what is best added.
   */
  lengths: readonly number[];
  /**
   * Add products by fused multiply-add (relaxed SIMD), where the host has it: faster, and rounded once instead of twice,
   * so that the bits differ from those of a host that has none. Default false.
   */
  fma?: boolean;
}

/** What {@link wasmEngines} takes beside the buffers of each. */
export interface WasmThreadsOptions extends Pick<WasmEngineOptions, 'fma'> {
  /** A copy of `dist/wasm/threadWorker.js`, where a bundler does not carry that file beside the code that starts it. */
  threadWorker?: FileAddress;
}

/** The float32 engine on WebAssembly SIMD, with what it holds. */
export interface WasmEngine extends CpuEngine {
  /** The bytes of memory taken from the host. */
  readonly memoryBytes: number;
}

/**
 * The room that a model's recurrent weights take up packed, both as they are and transposed: lengths to be added to those
 * of its buffers. Without it they are packed anew in every step.
 */
export function panelLengths({ cell, hiddenSize: H, layers, bidirectional }: ResolvedSpec): readonly number[] {
  const { hidden, inner } = cellSizes(cell);
  const products = [hidden, inner].filter((blocks) => blocks > 0);
  return Array.from({ length: layers * (bidirectional ? 2 : 1) }, () =>
    products.flatMap((blocks) => [panelLength(H, blocks * H), panelLength(blocks * H, H)]),
  ).flat();
}

/** Why a model cannot run in threads, which have none of its functions; null where it can. */
export function whyOneThread({ cell, loss }: Pick<ResolvedSpec, 'cell' | 'loss'>): string | null {
  if (cell.formula === undefined) return `cell ${cell.name} has no formula, and a thread cannot call its functions`;
  return hasLossKernels(loss) ? null : `loss ${loss.name} has no SIMD kernels, and a thread cannot call its functions`;
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
 * which it sends the calls of its passes.
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
        compile: (pass) => w.recorder.record(pass, (recording) => threads[i].install(recording)),
        finish: () => threads[i].finish(),
        dispose: () => threads[i].end(),
      }),
    ),
  ];
}

function engineHere(w: WasmMemory): WasmEngine {
  return engineOn(w, {
    compile: (pass) => w.recorder.compile(pass),
    finish: () => {},
    dispose: () => {},
  });
}

function bytesOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + bufferBytes(length), 0);
}

function engineOn(w: WasmMemory, running: Pick<CpuEngine, 'compile' | 'finish' | 'dispose'>): WasmEngine {
  const { sumAxis } = sumKernels(w);
  const { matmulNN, matmulTN } = matmulKernels(w);
  const { add, addRowBackward } = addKernels(w);
  const kernels: Kernels<FloatArray, Int32Array> = {
    ...{ matmulNN, matmulTN, add, addRowBackward, sumAxis },
    ...linearKernels(w),
    ...gatherRowsKernels(w),
    ...layerNormKernels(w),
    ...{ ...tanhKernels(w), ...sigmoidKernels(w), ...reluKernels(w) },
    ...multiplyKernels(w),
    ...stateKernels(w),
    ...columnsKernels(w),
    ...copyKernels(w),
    ...cellKernels(w),
  };
  return {
    name: w.variant.fused ? 'wasm+fma' : 'wasm',
    dtype: 'float32',
    memoryBytes: w.byteLength,
    kernels,
    ...defaultStages(kernels, lossStages(w)),
    ...recurrenceStages(w, kernels),
    optim: { ...clipKernels(w), ...l2Kernels(w), ...finiteKernels(w), ...updateKernels(w) },
    floats: (length) => w.floats(length),
    ints: (length) => w.ints(length),
    ...typedArrays,
    ...running,
  };
}
