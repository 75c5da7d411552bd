import { expect, test } from 'vitest';
import { tsEngine } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import type { ModelSpec, NamedTensors } from '../../src/bptt/spec.ts';
import {
  fromStateDict,
  modelConfig,
  readNpz,
  readOnnx,
  specOfConfig,
  toStateDict,
  writeKeras,
  writeOnnx,
} from '../../src/interop/index.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { netOf } from './nets.ts';

const base: ModelSpec = {
  ...{ cell: 'gru', inputSize: 5, hiddenSize: 3, outputSize: 5, layers: 2, loss: 'softmaxCrossEntropy' },
};
const own: ModelSpec = { ...base, embedding: { size: 4 } };
const tied: ModelSpec = { ...base, embedding: { size: 3, tied: true } };
const ids = Int32Array.of(0, 4, 2, 1, 3, 3);

function predict({ spec, parameters }: { spec: ModelSpec; parameters: Readonly<NamedTensors> }): number[] {
  const model: SequenceModel<FloatArray, Int32Array> = new SequenceModel(tsEngine('float64'), spec, {
    ...{ steps: 6, batch: 1 },
  });
  for (const [name, values] of Object.entries(parameters)) model.parameters.get(name)!.set(values);
  model.loadInputs({ inputs: ids, steps: 6, batch: 1 });
  model.predict();
  return Array.from(model.outputs());
}

function expectSame(got: number[], want: number[]): void {
  expect(got).toHaveLength(want.length);
  for (const [i, value] of want.entries()) expect(got[i]).toBeCloseTo(value, 5);
}

test.each([
  ['own', own],
  ['tied', tied],
])('a model with an embedding, %s, answers as before when it was written and read', (_, spec) => {
  const net = netOf(spec);
  const want = predict(net);
  const state = toStateDict(net, { embedding: 'encoder.', output: 'decoder.' });
  expect(state['encoder.weight'].shape).toEqual([5, spec.embedding!.size]);
  expect(state['decoder.weight'].shape).toEqual([5, 3]);
  const again = fromStateDict(state, { spec: { loss: 'softmaxCrossEntropy' } });
  expectSame(predict(again), want);
  const read = readOnnx(writeOnnx(net, { states: false }), { spec: { loss: 'softmaxCrossEntropy' } });
  expectSame(predict(read), want);
});

test('a script for Keras begins with the table', async () => {
  const net = netOf(tied);
  const { script, weights } = writeKeras(net);
  expect(script).toContain('    layers.Embedding(5, 3),\n');
  const { embedding, kernel_l0, output } = await readNpz(weights);
  expect([embedding.shape, kernel_l0.shape, output.shape]).toEqual([
    [5, 3],
    [3, 9],
    [3, 5],
  ]);
  expect(embedding.values).toEqual(Float32Array.from(net.parameters['embedding.weight']));
  expect(output.values[1]).toBe(embedding.values[3]); // transposed
});

test('layers that are not written for other libraries are refused by name', () => {
  const changes: Partial<ModelSpec>[] = [
    ...[{ inputDense: { size: 2 } }, { outputDense: { size: 2 } }, { layerNorm: true }, { residual: true }],
  ];
  for (const change of changes) {
    const net = { spec: { ...base, ...change }, parameters: {} };
    const message = `spec.${Object.keys(change)[0]} asks for a layer that is not written for other libraries`;
    for (const write of [toStateDict, writeOnnx, writeKeras]) expect(() => write(net)).toThrow(message);
    expect(() => modelConfig(net.spec)).toThrow(message);
    expect(() => specOfConfig(JSON.stringify({ bptt: net.spec }))).toThrow(message);
  }
});
