import { resolveSpec } from 'bptt';
import type { Recipe, Recipes } from '../recipe.ts';

const net = () =>
  resolveSpec({ cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy', input: 'ids' });

type Disposable = { dispose(): void } | undefined;
const free: Recipe['free'] = (_, engine) => (engine as Disposable)?.dispose();

export const wasm: Recipes = {
  hasFusedMultiplyAdd: { args: () => [] },
  hasWasmSimd: { args: () => [] },
  panelLengths: { args: (r) => [net(), r.pick(['float32', 'bf16'])], fixed: [0] },
  wasmEngine: {
    args: (r) => [{ lengths: [10, 20], fma: false, fixedWeights: r.pick(['float32', 'bf16']) }],
    free,
    weight: 0.3,
  },
  wasmEngines: { leftOut: 'starts threads: the leak table and its tests do' },
  whyNoThreads: { args: () => [] },
  whyOneThread: { args: () => [net()], fixed: [0] },
};
