import type { CellName, ModelSpec, NamedTensors } from '../../src/bptt/spec.ts';
import { bundledLayout, bundledSpec } from '../../src/interop/bundledSpec.ts';

/** A net of these sizes with weights drawn from a fixed sequence, in ±0.5, on a grid that float32 holds. */
export function netOf(spec: ModelSpec, seed = 1): { spec: ModelSpec; parameters: NamedTensors } {
  let state = seed;
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 12) - 2 ** 19) / 2 ** 20;
  };
  const parameters: NamedTensors = {};
  for (const { name, length } of bundledLayout(bundledSpec(spec))) {
    parameters[name] = Float32Array.from({ length }, draw);
  }
  return { spec, parameters };
}

export const CELLS: CellName[] = ['elman', 'gru', 'gruResetBefore', 'lstm', 'lstmPeephole'];

/** Every cell in every arrangement that a format may tell apart. */
export function manySpecs(): ModelSpec[] {
  const specs: ModelSpec[] = [];
  const base = { inputSize: 3, hiddenSize: 4, outputSize: 2, input: 'dense', loss: 'squaredError' } as const;
  for (const cell of CELLS) {
    for (const layers of [1, 2]) {
      for (const bidirectional of [false, true]) {
        for (const bias of ['both', 'none'] as const) specs.push({ ...base, cell, layers, bidirectional, bias });
      }
    }
    specs.push(
      { ...base, cell, input: 'ids' },
      { ...base, cell, initialState: 'learned', layers: 2, bidirectional: true },
    );
    specs.push({ ...base, cell, outputSize: 0 }, { ...base, cell, outputBias: false, loss: 'softmaxCrossEntropy' });
    specs.push({ ...base, cell, lossAt: 'last', layers: 2, outputActivation: 'sigmoid' });
  }
  for (const nonlinearity of ['relu', 'sigmoid', 'identity'] as const) {
    specs.push({ ...base, cell: 'elman', nonlinearity, bidirectional: true });
  }
  return specs;
}
