import { initialParameters, type ModelSpec } from 'bptt';
import { modelConfig, toStateDict } from 'bptt/interop';
import { RandomState } from 'bptt/tensor';
import type { Recipe, Recipes } from '../recipe.ts';

const SPEC: ModelSpec = { cell: 'lstm', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };

const net = (): { spec: ModelSpec; parameters: ReturnType<typeof initialParameters> } => ({
  spec: { ...SPEC },
  parameters: initialParameters(SPEC, 'float32', 'orthogonal', new RandomState(0)),
});

const BEGINNINGS = /^(spec|cell|loss)\b/;
const writer = (options: object): Recipe => ({
  args: () => [net(), { ...options }],
  subject: BEGINNINGS,
  unbounded: true,
});

const array = { shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, 6) };

export const interop: Recipes = {
  fromStateDict: { args: () => [toStateDict(net()), { recurrent: 'rnn.', output: 'fc.' }], subject: BEGINNINGS },
  toStateDict: writer({ recurrent: 'rnn.', output: 'fc.' }),
  writeOnnx: writer({ states: true, lengths: false, outputs: 'model' }),
  writeKeras: writer({ weights: 'model.npz' }),
  writeNpy: { args: () => [{ ...array }], unbounded: true },
  writeNpz: { args: () => [{ a: { ...array } }], unbounded: true, subject: /^write(Npy|Npz)\b/ },
  modelConfig: { args: () => [{ ...SPEC }], subject: BEGINNINGS },
  specOfConfig: { args: () => [JSON.stringify(modelConfig(SPEC))], subject: BEGINNINGS },
};
