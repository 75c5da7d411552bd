import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FormatError, readTfjs } from '../../src/interop/index.ts';
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

/** The layer under a name that no weights have. */
function renamed<L extends { config: Record<string, unknown> }>(layer: L): L {
  return { ...layer, config: { ...layer.config, name: 'renamed' } };
}

/** The layers of a saved model, changed. */
function changed(
  name: string,
  change: (layers: Saved['modelTopology']['config']['layers'], model: Saved) => void,
): () => unknown {
  const model = saved(name);
  change(model.modelTopology.config.layers, model);
  return () => read(model);
}

test.each<[string, () => unknown, string]>([
  [
    'merge_mode',
    changed('lstm2_bi', ([first]) => void Object.assign(first.config, { merge_mode: 'sum' })),
    'merge_mode sum, expected concat',
  ],
  [
    'go_backwards',
    changed('gru', ([first]) => void Object.assign(first.config, { go_backwards: true })),
    'go_backwards is not supported',
  ],
  [
    'return_state',
    changed('gru', ([first]) => void Object.assign(first.config, { return_state: true })),
    'return_state is not supported',
  ],
  [
    'an activation',
    changed('gru', ([first]) => void Object.assign(first.config, { activation: 'relu' })),
    'layer gru_GRU1 (GRU): activation relu, expected tanh',
  ],
  [
    'an activation of a SimpleRNN',
    changed(
      'simple_relu',
      ([first]) => void Object.assign(first.config, { activation: { class_name: 'Elu', config: {} } }),
    ),
    'activation Elu, expected tanh, relu, sigmoid, linear',
  ],
  [
    'an activation that is no name',
    changed('simple_relu', ([first]) => void Object.assign(first.config, { activation: 3 })),
    'activation 3',
  ],
  [
    'an activation of the output layer',
    changed(
      'gru',
      (layers) => void Object.assign((layers[1].config.layer as { config: object }).config, { activation: 'relu' }),
    ),
    'activation relu of the output layer',
  ],
  [
    'other units',
    changed('gru', ([first]) => void Object.assign(first.config, { units: 4 })),
    'its kernel is [4,9], expected [D,12]',
  ],
  [
    'units that are no number',
    changed('gru', ([first]) => void Object.assign(first.config, { units: [[3]] })),
    'expected [D,NaN]',
  ],
  [
    'reset_after without its bias',
    changed('gru', ([first]) => void Object.assign(first.config, { reset_after: true })),
    'its bias is [9], expected [2,9]',
  ],
  [
    'a bias too many',
    changed('gru', ([first]) => void Object.assign(first.config, { use_bias: false })),
    'weight gru_GRU1/bias belongs to no layer',
  ],
  [
    'return_sequences in the middle',
    changed('simple2_linear', ([first]) => void Object.assign(first.config, { return_sequences: false })),
    'return_sequences is false before another layer',
  ],
  [
    'the last states of both directions',
    changed(
      'lstm2_bi',
      (layers) =>
        void Object.assign((layers[2].config.layer as { config: object }).config, { return_sequences: false }),
    ),
    'return_sequences is false in both directions',
  ],
  [
    'layers of two kinds',
    changed('simple2_linear', ([first]) => void Object.assign(first.config, { activation: 'relu' })),
    'is elman with identity of 3, the first one elman with relu of 3',
  ],
  [
    'a Bidirectional of something else',
    changed('lstm2_bi', ([first]) => void Object.assign(first.config.layer as object, { class_name: 'ConvLSTM2D' })),
    'layer bidirectional_Bidirectional1 (Bidirectional): of ConvLSTM2D is not supported',
  ],
  [
    'a TimeDistributed of something else',
    changed('gru', (layers) => void Object.assign(layers[1].config.layer as object, { class_name: 'Conv1D' })),
    'of Conv1D is not supported',
  ],
  ['a second output layer', changed('gru', (layers) => void layers.push(layers[1])), 'a second output layer'],
  [
    'a recurrent layer behind',
    changed('gru', (layers) => void layers.push(layers.shift()!)),
    'a dense layer before the recurrent ones',
  ],
  [
    'one more recurrent layer behind',
    changed('gru', (layers) => void layers.push(renamed(layers[0]))),
    'a recurrent layer behind the output layer',
  ],
  [
    'an embedding in the middle',
    changed('embedding_gru', (layers) => void layers.splice(1, 0, renamed(layers[0]))),
    'an embedding that is not the first layer',
  ],
  [
    'an embedding of another width',
    changed('embedding_gru', (layers) => void Object.assign(layers[1].config, { name: 'x' })),
    'its kernel is missing',
  ],
  [
    'a Masking layer',
    changed('gru', (layers) => void layers.unshift({ class_name: 'Masking', config: { name: 'm' } })),
    'layer m (Masking): no such layer here',
  ],
  [
    'no recurrent layer',
    changed('gru', (layers) => void layers.splice(0, 2)),
    'the model has no SimpleRNN, GRU or LSTM layer',
  ],
  [
    'no output kernel',
    changed('gru', (layers) => void Object.assign(layers[1].config, { name: 'x' })),
    'layer x (TimeDistributed): its kernel is missing',
  ],
  [
    'too many layers',
    changed('gru', (layers) => void layers.push(...new Array(1000).fill(layers[1]))),
    'the model has 1002 layers',
  ],
  [
    'another dtype',
    changed('gru', (_, model) => void Object.assign(model.weightsManifest[0].weights[0], { dtype: 'string' })),
    'gru_GRU1/kernel has dtype string',
  ],
  [
    'a shape that is none',
    changed('gru', (_, model) => void Object.assign(model.weightsManifest[0].weights[0], { shape: [['4']] })),
    'a weight lacks its name or shape',
  ],
  [
    'a shape beyond the file',
    changed('gru', (_, model) => void Object.assign(model.weightsManifest[0].weights[0], { shape: [4000, 9] })),
    'gru_GRU1/kernel ends at byte 144000 of',
  ],
  ['bytes left over', changed('gru', (_, model) => void model.weightsManifest[0].weights.pop()), 'the manifest names'],
  [
    'a file that is missing',
    changed('gru', (_, model) => void Object.assign(model.weightsManifest[0], { paths: ['b.bin'] })),
    'weights lacks the file b.bin',
  ],
  [
    'a file twice',
    changed('gru', (_, model) => void model.weightsManifest[0].paths.push('group1-shard1of1.bin')),
    'names the file group1-shard1of1.bin twice',
  ],
  [
    'a weight twice',
    changed('gru', (_, model) => void Object.assign(model.weightsManifest[0].weights[1], { name: 'gru_GRU1/kernel' })),
    'two tensors are called',
  ],
  [
    'two weights of a layer',
    changed(
      'gru',
      (_, model) => void Object.assign(model.weightsManifest[0].weights[1], { name: 'gru_GRU1/cell/kernel' }),
    ),
    'layer gru_GRU1 has several weights kernel',
  ],
  [
    'two layers of one name',
    changed('simple2_linear', ([first, second]) => void Object.assign(second.config, { name: first.config.name })),
    'two layers read the weight',
  ],
  [
    'another quantization',
    changed(
      'gru',
      (_, model) => void Object.assign(model.weightsManifest[0].weights[0], { quantization: { dtype: 'uint16' } }),
    ),
    'is quantized to uint16',
  ],
  [
    'a group that is none',
    changed('gru', (_, model) => void Object.assign(model.weightsManifest[0], { paths: 3 })),
    'a group of weights lacks paths or weights',
  ],
  [
    'a graph model',
    changed('gru', (_, model) => void Object.assign(model, { format: 'graph-model' })),
    'is a graph-model, expected a layers-model',
  ],
  [
    'no manifest',
    changed('gru', (_, model) => void Object.assign(model, { weightsManifest: null })),
    'has no weightsManifest',
  ],
  [
    'a loss that does not fit',
    () => read(saved('embedding_gru'), { spec: { loss: 'squaredError' } }),
    'loss squaredError does not go with a net that ends in softmax',
  ],
  ['no JSON', () => readTfjs('{', {}), 'model.json is not JSON'],
  ['something else', () => readTfjs('[]', {}), 'model.json is a list, expected an object'],
])('%s is refused by name', (_, attempt, message) => {
  expect(attempt).toThrow(FormatError);
  expect(attempt).toThrow(message);
});

test('lists nested a hundred thousand deep, anywhere', () => {
  const model = saved('gru');
  const text = JSON.stringify(model);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const field of [
    '"units":3',
    '"activation":"tanh"',
    '"name":"gru_GRU1"',
    '"class_name":"GRU"',
    '"shape":[4,9]',
  ]) {
    expect(text).toContain(field);
    const changed = text.replace(field, `${field.slice(0, field.indexOf(':'))}:${deep}`);
    expect(() => readTfjs(changed, filesOf(model))).toThrow(FormatError);
  }
});

test('layers that stand side by side are no chain', () => {
  const model = saved('functional_lstm');
  const layers = model.modelTopology.config.layers as unknown as { name: string; inbound_nodes: unknown[] }[];
  const [input, lstm, dense] = layers;
  const inbound = (layer: { inbound_nodes: unknown[] }, ...names: string[]) => {
    layer.inbound_nodes = [names.map((name) => [name, 0, 0, {}])];
    return () => read(model);
  };
  expect(inbound(dense, input.name)).toThrow(`layers ${lstm.name}, ${dense.name} stand side by side`);
  expect(inbound(dense, input.name, lstm.name)).toThrow(
    `layer ${dense.name} has several inputs: ${input.name}, ${lstm.name}`,
  );
  expect(inbound(dense, 'nowhere')).toThrow('the layers are no chain');
  expect(inbound(dense, lstm.name)).not.toThrow();
});

test('the names of the Python converter, and quantized weights', () => {
  const model = saved('gru');
  const plain = read(model);
  const [kernel] = model.weightsManifest[0].weights;
  for (const weight of model.weightsManifest[0].weights) weight.name = weight.name.replace('GRU1/', 'GRU1/gru_cell/');
  const keras = { ...model, modelTopology: { keras_version: '2', model_config: model.modelTopology } };
  expect(readTfjs(JSON.stringify(keras), filesOf(model)).parameters).toStrictEqual(plain.parameters);
  // The kernel [4,9] in 8 bits: every one of its numbers is 10·0.02 − 1.
  const bytes = filesOf(model)['group1-shard1of1.bin'];
  const quantized = Uint8Array.from([...new Uint8Array(36).fill(10), ...bytes.subarray(36 * 4)]);
  Object.assign(kernel, { quantization: { dtype: 'uint8', scale: 0.02, min: -1, original_dtype: 'float32' } });
  const { parameters } = readTfjs(JSON.stringify(model), { 'group1-shard1of1.bin': quantized });
  expect(parameters.weight_ih_l0).toEqual(new Float32Array(36).fill(-0.8));
  // and in halves: 1
  const halves = Uint8Array.from([...new Array(36).fill([0, 0x3c]).flat(), ...bytes.subarray(36 * 4)]);
  Object.assign(kernel, { quantization: { dtype: 'float16', original_dtype: 'float32' } });
  expect(readTfjs(JSON.stringify(model), { 'group1-shard1of1.bin': halves }).parameters.weight_ih_l0).toEqual(
    new Float32Array(36).fill(1),
  );
});

test('what acts while training only, and what is carried, is said', () => {
  const model = saved('gru');
  Object.assign(model.modelTopology.config.layers[0].config, { dropout: 0.1, stateful: true });
  expect(read(model).recognised.join()).toContain('its dropout acts while training only');
  expect(read(model).recognised.join()).toContain('stateful, which is `carry` of a batch here');
});
