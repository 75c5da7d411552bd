import {
  type CpuEngine,
  defaultStages,
  type Kernels,
  typedArrays,
  WEIGHTS_FORMATS,
  type WeightsFormat,
} from '../bptt/engine.ts';
import { BF16, halfOfNumber } from '../bptt/halfFloats.ts';
import { parameterLayout, type ResolvedSpec } from '../bptt/spec.ts';
import { assertWholes } from '../check/numbers.ts';
import { assertOptions } from '../check/options.ts';
import { assertFlag, assertList, assertOneOf } from '../check/values.ts';
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
import { linearProduct, matmulKernels, panelLength, weightProducts } from './matmul.ts';
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
  /**
   * For models that only predict: how their weight matrices are kept, which are written before the first pass and then stay as
   * they are. They are packed once, at their first product; `bf16` takes half of the memory. Default: they may change.
   */
  fixedWeights?: WeightsFormat;
}

/** What {@link wasmEngines} takes beside the buffers of each. */
export interface WasmThreadsOptions extends Pick<WasmEngineOptions, 'fma' | 'fixedWeights'> {
  /** A copy of `dist/wasm/threadWorker.js`, where a bundler does not carry that file beside the code that starts it. */
  threadWorker?: FileAddress;
}

/** The float32 engine on WebAssembly SIMD, with what it holds. */
export interface WasmEngine extends CpuEngine {
  /** The bytes of memory taken from the host. */
  readonly memoryBytes: number;
}

/**
 * The room that a model's weights take up packed: lengths to be added to those of its buffers. Of an engine that trains those
 * of the recurrent weights, both as they are and transposed; of one with `fixedWeights` those of all weight matrices. Without
 * it they are packed anew in every step.
 */
export function panelLengths(spec: ResolvedSpec, fixedWeights?: WeightsFormat): readonly number[] {
  const { cell, hiddenSize: H, layers, bidirectional } = spec;
  const { hidden, inner } = cellSizes(cell);
  assertFormat('panelLengths', fixedWeights);
  if (fixedWeights !== undefined) {
    return parameterLayout(spec).flatMap(({ role, shape: [n, k] }) => {
      if (k === undefined) return [];
      const parts = role === 'recurrent' ? [hidden * H, inner * H] : [n];
      return parts.map((rows) => panelLength(k, rows) / (fixedWeights === 'bf16' ? 2 : 1));
    });
  }
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
export function wasmEngine(options: WasmEngineOptions): WasmEngine {
  assertOptions('wasmEngine', options, ['lengths', 'fma', 'fixedWeights']);
  const { lengths, fma = false, fixedWeights } = options;
  assertList('wasmEngine', 'lengths', lengths, 'the lengths of the buffers');
  assertWholes('wasmEngine', 'lengths', lengths, 0);
  assertFlag('wasmEngine', 'fma', fma);
  assertFormat('wasmEngine', fixedWeights);
  return engineHere(new WasmMemory(bytesOf(lengths), fma && hasFusedMultiplyAdd()), fixedWeights);
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
  { fma = false, threadWorker, fixedWeights }: WasmThreadsOptions = {},
): Promise<readonly WasmEngine[]> {
  assertFormat('wasmEngines', fixedWeights);
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
    engineHere(own, fixedWeights),
    ...others.map((w, i) =>
      engineOn(w, fixedWeights, {
        compile: (pass) => w.recorder.record(pass, (recording) => threads[i].install(recording)),
        finish: () => threads[i].finish(),
        dispose: () => threads[i].end(),
      }),
    ),
  ];
}

function assertFormat(fn: string, format: WeightsFormat | undefined): void {
  if (format !== undefined) assertOneOf(fn, 'fixedWeights', format, WEIGHTS_FORMATS);
}

function engineHere(w: WasmMemory, fixedWeights: WeightsFormat | undefined): WasmEngine {
  return engineOn(w, fixedWeights, {
    compile: (pass) => w.recorder.compile(pass),
    finish: () => {},
    dispose: () => {},
  });
}

function bytesOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + bufferBytes(length), 0);
}

function engineOn(
  w: WasmMemory,
  fixedWeights: WeightsFormat | undefined,
  running: Pick<CpuEngine, 'compile' | 'finish' | 'dispose'>,
): WasmEngine {
  const halves = fixedWeights === 'bf16';
  const weights = weightProducts(w, fixedWeights ?? null);
  const linear = fixedWeights === undefined ? linearProduct(w) : weights.linear;
  const { sumAxis } = sumKernels(w);
  const { matmulNN, matmulTN } = matmulKernels(w);
  const { add, addRowBackward } = addKernels(w);
  const kernels: Kernels<FloatArray, Int32Array> = {
    ...{ matmulNN, matmulTN, add, addRowBackward, sumAxis },
    ...linearKernels(w, linear, halves),
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
    name: `wasm${w.variant.fused ? '+fma' : ''}${halves ? '+bf16' : ''}`,
    dtype: 'float32',
    memoryBytes: w.byteLength,
    kernels,
    ...defaultStages(kernels, lossStages(w)),
    ...recurrenceStages(w, kernels, weights),
    optim: { ...clipKernels(w), ...l2Kernels(w), ...finiteKernels(w), ...updateKernels(w) },
    floats: (length) => w.floats(length),
    ints: (length) => w.ints(length),
    ...typedArrays,
    ...(halves ? halfWeights(w) : {}),
    ...running,
  };
}

/** Weights of bfloat16: numbers that are written to them are rounded to the nearest, halves to even. */
function halfWeights(w: WasmMemory): Required<Pick<CpuEngine, 'halves' | 'write'>> {
  return {
    // Buffers of an engine are opaque: the kernels that read weights know what these are.
    halves: (length) => w.halves(length) as unknown as FloatArray,
    write(buffer, values) {
      if (buffer.BYTES_PER_ELEMENT !== 2) buffer.set(values);
      else for (let i = 0; i < values.length; i++) buffer[i] = halfOfNumber(values[i], BF16);
    },
  };
}
