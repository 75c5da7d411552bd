import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readTfjs } from '../../src/interop/index.ts';
import { expectClose } from './expectAnswer.ts';
import { answer, fixtures } from './reference.ts';

interface Saved {
  format: string;
  modelTopology: { config: { layers: { class_name: string; config: Record<string, unknown> }[] } };
  weightsManifest: {
    paths: string[];
    weights: { name: string; shape: number[]; dtype: string; quantization?: unknown }[];
  }[];
  fixture: { x: { shape: number[]; values: number[] }; y: { shape: number[]; values: number[] }; weights: string };
}

/** Made by make_tfjs.mjs with TensorFlow.js 4.22. */
const saved = (name: string) => JSON.parse(readFileSync(new URL(`tfjs/${name}.json`, fixtures), 'utf8')) as Saved;
const filesOf = ({ fixture }: Saved) => ({
  'group1-shard1of1.bin': new Uint8Array(Buffer.from(fixture.weights, 'base64')),
});
const read = (model: Saved, options = {}) => readTfjs(JSON.stringify(model), filesOf(model), options);

const names = readdirSync(new URL('tfjs/', fixtures)).map((file) => file.replace('.json', ''));
const refused = ['lstm_hard', 'gru_conv'];

const softmax = (a: number[]): number[] => {
  const sum = a.reduce((total, value) => total + Math.exp(value), 0);
  return a.map((value) => Math.exp(value) / sum);
};

test('there are models to read', () => {
  expect(names.length).toBe(9);
});

test.each(names.filter((name) => !refused.includes(name)))(
  '%s of TensorFlow.js answers here what it answered there',
  (name) => {
    const model = saved(name);
    const foreign = read(model);
    const { x, y } = model.fixture;
    const [B, T, D = 1] = x.shape;
    const timeFirst = (values: number[], size: number) =>
      Array.from({ length: T * B * size }, (_, i) => {
        const t = Math.floor(i / (B * size));
        const b = Math.floor(i / size) % B;
        return values[(b * T + t) * size + (i % size)];
      });
    const sums = answer(foreign, { T, B, x: timeFirst(x.values, D) }).y;
    const size = y.shape[y.shape.length - 1];
    const rows = Array.from({ length: T * B }, (_, r) => sums.slice(r * size, (r + 1) * size));
    const through = foreign.spec.loss === 'softmaxCrossEntropy' ? softmax : (row: number[]) => row;
    const logistic = (row: number[]) => row.map((a) => 1 / (1 + Math.exp(-a)));
    const outputs = rows.flatMap(foreign.spec.outputActivation === 'sigmoid' ? logistic : through);
    if (foreign.spec.lossAt === 'last') expectClose(outputs.slice((T - 1) * B * size), y.values);
    else expectClose(outputs, timeFirst(y.values, size));
    expect(y.shape.length).toBe(foreign.spec.lossAt === 'last' ? 2 : 3);
  },
);

test('what is recognised is said', () => {
  expect(read(saved('lstm2_bi'))).toMatchObject({
    spec: { cell: 'lstm', layers: 2, bidirectional: true, bias: 'input', hiddenSize: 3, inputSize: 4, outputSize: 2 },
    recognised: expect.arrayContaining([expect.stringContaining('dropout 0.3')]),
  });
  expect(read(saved('embedding_gru'))).toMatchObject({
    spec: { cell: 'gruResetBefore', input: 'ids', inputSize: 6, loss: 'softmaxCrossEntropy' },
    recognised: expect.arrayContaining([expect.stringContaining('embedding of 6 symbols')]),
  });
  expect(read(saved('gru_nobias_last'), { spec: { loss: 'sigmoidCrossEntropy' } }).spec).toMatchObject({
    bias: 'none',
    lossAt: 'last',
    loss: 'sigmoidCrossEntropy',
  });
});

test('what a model cannot be is refused by name, all of it', () => {
  expect(() => read(saved('lstm_hard'))).toThrow(/recurrent_activation hard_?sigmoid, expected sigmoid/i);
  expect(() => read(saved('gru_conv'))).toThrow(
    /conv1d.*Conv1D.*no such layer.*hard_?sigmoid.*tanh of the output layer/i,
  );
});
