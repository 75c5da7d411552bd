import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readTfjs } from '../../src/interop/index.ts';
import { expectClose } from './expectAnswer.ts';
import { batchFirstAnswer, fixtures } from './reference.ts';

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

test('there are models to read', () => {
  expect(names.length).toBe(9);
});

test.each(names.filter((name) => !refused.includes(name)))(
  '%s of TensorFlow.js answers here what it answered there',
  (name) => {
    const model = saved(name);
    const { x, y } = model.fixture;
    expectClose(batchFirstAnswer(read(model), x), y.values);
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
