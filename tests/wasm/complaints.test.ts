import { describe, expect, it } from 'vitest';
import { tsEngine } from '../../src/bptt/engine.ts';
import * as layers from '../../src/layers/index.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { softmax } from '../../src/tensor/softmax.ts';
import { wasmEngine } from '../../src/wasm/engine.ts';
import { WasmMemory } from '../../src/wasm/memory.ts';
import { sigmoidCrossEntropyKernels } from '../../src/wasm/sigmoidCrossEntropy.ts';
import { softmaxCrossEntropyKernels } from '../../src/wasm/softmaxCrossEntropy.ts';
import { squaredErrorKernels } from '../../src/wasm/squaredError.ts';

/** An array of a call: floats or ids, how many; or a number as it is. */
type Argument = { readonly floats: number } | { readonly ids: number } | number | null | boolean;

const f = (floats: number): Argument => ({ floats });
const ids = (count: number): Argument => ({ ids: count });

/** A right call of each kernel, of sizes that all differ where they can. */
const CALLS: Readonly<Record<string, readonly Argument[]>> = {
  add: [f(6), f(6), f(6)],
  addRowBackward: [f(3), f(6), 2, 3],
  gatherRows: [f(6), f(12), ids(2), 2, 4, 3],
  gatherRowsBackward: [f(12), f(6), ids(2), 2, 4, 3],
  layerNorm: [f(6), f(6), f(2), f(6), f(3), f(3), 1e-5, 2, 3],
  layerNormBackward: [f(6), f(3), f(3), f(6), f(6), f(2), f(3), 2, 3],
  linearForward: [f(10), f(6), f(15), f(5), 2, 3, 5],
  matmulNN: [f(10), f(6), f(15), 2, 3, 5],
  matmulTN: [f(10), f(6), f(15), 2, 3, 5],
  multiply: [f(6), f(6), f(6)],
  oneHotLinearBackward: [f(15), f(5), f(10), ids(2), 2, 3, 5],
  oneHotLinearForward: [f(10), ids(2), f(15), f(5), 2, 3, 5],
  placeColumns: [f(10), f(6), 2, 5, 1, 3],
  takeColumns: [f(6), f(10), 2, 5, 1, 3],
  relu: [f(6), f(6)],
  reluBackward: [f(6), f(6), f(6)],
  sigmoid: [f(6), f(6)],
  sigmoidBackward: [f(6), f(6), f(6)],
  tanh: [f(6), f(6)],
  tanhBackward: [f(6), f(6), f(6)],
  holdStateForward: [f(6), f(6), f(2), 2, 3],
  holdStateBackward: [f(6), f(6), f(2), 2, 3],
  startStateForward: [f(6), f(6), f(3), f(2), 2, 3],
  startStateBackward: [f(6), f(3), f(6), f(2), 2, 3],
  clearRows: [f(6), f(2), 2, 3],
};

const LOSS_CALLS: typeof CALLS = {
  softmax: [f(6), f(6), 2, 3],
  softmaxCrossEntropyForward: [f(2), f(6), f(6), ids(2), f(2), 2, 3],
  softmaxCrossEntropyBackward: [f(6), f(6), ids(2), f(2), 2, 3],
  sigmoidCrossEntropyForward: [f(2), f(6), f(6), f(6), f(2), 2, 3],
  sigmoidCrossEntropyBackward: [f(6), f(6), f(6), f(2), 2, 3],
  squaredErrorForward: [f(2), f(6), f(6), f(2), 2, 3],
  squaredErrorBackward: [f(6), f(6), f(6), f(2), 2, 3],
};

type Kernels = Readonly<Record<string, (...args: unknown[]) => void>>;

/** Where a call's arrays are. */
interface Room {
  floats(length: number): FloatArray;
  ints(length: number): Int32Array;
}

function callOf(make: Room, args: readonly Argument[]): unknown[] {
  return args.map((arg) => {
    if (typeof arg !== 'object' || arg === null) return arg;
    return 'floats' in arg ? make.floats(arg.floats) : make.ints(arg.ids);
  });
}

function complaintOf(call: () => void): string | null {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return null;
}

function expectSameWords(
  name: string,
  args: readonly Argument[],
  slow: Kernels,
  fast: Kernels,
  slowRoom: Room,
  fastRoom: Room,
): void {
  expect(complaintOf(() => slow[name](...callOf(slowRoom, args)))).toBeNull();
  expect(complaintOf(() => fast[name](...callOf(fastRoom, args)))).toBeNull();
  for (const [i, arg] of args.entries()) {
    if (typeof arg !== 'object' || arg === null) continue;
    const longer = 'floats' in arg ? f(arg.floats + 1) : ids((arg as { ids: number }).ids + 1);
    const wrong = args.with(i, longer);
    const want = complaintOf(() => slow[name](...callOf(slowRoom, wrong)));
    expect(want).toMatch(new RegExp(`^${name}: `));
    expect(complaintOf(() => fast[name](...callOf(fastRoom, wrong)))).toBe(want);
  }
}

describe('an array that is too long is refused in the words of the TypeScript kernel', () => {
  const ts = tsEngine('float32');
  const engine = wasmEngine({ lengths: Array<number>(1000).fill(16) });
  const slow: Kernels = { ...ts.kernels, ...layers, softmax } as unknown as Kernels;

  it.each(Object.entries(CALLS))('%s', (name, args) => {
    expectSameWords(name, args, slow, engine.kernels as unknown as Kernels, ts, engine);
  });

  const w = new WasmMemory(1e6);
  const losses = { ...softmaxCrossEntropyKernels(w), ...sigmoidCrossEntropyKernels(w), ...squaredErrorKernels(w) };
  it.each(Object.entries(LOSS_CALLS))('%s', (name, args) => {
    expectSameWords(name, args, slow, losses as unknown as Kernels, ts, w);
  });
});
