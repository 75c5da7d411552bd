import { describe, expect, test } from 'vitest';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { bundledSpec } from '../../src/interop/bundledSpec.ts';
import { readNpz, writeKeras } from '../../src/interop/index.ts';
import { type KerasLayer, kerasModel } from '../../src/interop/keras.ts';
import { expectClose } from './expectAnswer.ts';
import { manySpecs, netOf } from './nets.ts';
import { answer } from './reference.ts';

const written = manySpecs().filter(({ cell, initialState }) => cell !== 'lstmPeephole' && initialState !== 'learned');
const classes: Record<string, string> = { elman: 'SimpleRNN', gru: 'GRU', gruResetBefore: 'GRU', lstm: 'LSTM' };
const activations = { tanh: 'tanh', relu: 'relu', sigmoid: 'sigmoid', identity: 'linear' };

/** The layers that the script builds, as Keras would describe them. */
function layersOf(spec: ReturnType<typeof bundledSpec>): KerasLayer[] {
  const layers: KerasLayer[] = [];
  if (spec.input === 'ids') layers.push({ className: 'Embedding', name: 'embedding', config: {} });
  for (let layer = 0; layer < spec.layers; layer++) {
    const config = {
      units: spec.hiddenSize,
      return_sequences: layer < spec.layers - 1 || spec.lossAt === 'every',
      use_bias: spec.bias !== 'none',
      reset_after: spec.cell === 'gru',
      ...(spec.cell === 'elman' && { activation: activations[spec.nonlinearity] }),
    };
    const inner = { class_name: classes[spec.cell], config };
    layers.push(
      spec.bidirectional
        ? { className: 'Bidirectional', name: `l${layer}`, config: { layer: inner } }
        : { className: inner.class_name, name: `l${layer}`, config },
    );
  }
  if (spec.outputSize > 0) {
    layers.push({ className: 'Dense', name: 'output', config: { units: spec.outputSize, use_bias: spec.outputBias } });
  }
  return layers;
}

test('there are nets to write', () => {
  expect(written.length).toBeGreaterThan(40);
});

test.each(written.map((spec) => [JSON.stringify(spec), spec] as const))(
  'what is written answers as before, read by the names of Keras: %s',
  async (_, spec) => {
    const net = netOf(spec);
    const full = bundledSpec(spec);
    const arrays = await readNpz(writeKeras(net).weights);
    const asked = new Set<string>();
    const model = kerasModel(
      {
        fn: 'test',
        defaults: { resetAfter: true, recurrentActivation: 'sigmoid' },
        weight: ({ name: layer }, part, kind) => {
          const own = { embedding: 'embedding', output: kind === 'kernel' ? 'output' : 'output_bias' }[layer];
          const name = own ?? `${kind}_${layer}${part === 'backward' ? '_reverse' : ''}`;
          asked.add(name);
          return arrays[name];
        },
        unused: () => Object.keys(arrays).filter((name) => !asked.has(name)),
      },
      layersOf(full),
      { loss: spec.loss },
    );
    const x = Array.from({ length: 5 * 2 * (full.input === 'ids' ? 1 : 3) }, (_, i) =>
      full.input === 'ids' ? i % 3 : Math.sin(i),
    );
    // Two biases became one, rounded to float32.
    expectClose(answer(model, { T: 5, B: 2, x }).y, answer(net, { T: 5, B: 2, x }).y, 1e-6);
  },
);

describe('the script', () => {
  const spec: ModelSpec = {
    cell: 'gru',
    inputSize: 3,
    hiddenSize: 4,
    outputSize: 2,
    loss: 'softmaxCrossEntropy',
    layers: 2,
    bidirectional: true,
  };

  test('builds the net and loads the weights in the order of the file', async () => {
    const { script, weights } = writeKeras(netOf(spec), { weights: 'gru.npz' });
    expect(script).toBe(`import keras
import numpy as np
from keras import layers

model = keras.Sequential([
    keras.Input([None], dtype='int32'),
    layers.Embedding(3, 3, trainable=False),
    layers.Bidirectional(layers.GRU(4, return_sequences=True, reset_after=True)),
    layers.Bidirectional(layers.GRU(4, return_sequences=True, reset_after=True)),
    layers.Dense(2, activation='softmax'),
])
weights = np.load("gru.npz")
model.set_weights([weights[name] for name in weights.files])
`);
    expect(Object.keys(await readNpz(weights)).slice(0, 5)).toEqual([
      'embedding',
      'kernel_l0',
      'recurrent_kernel_l0',
      'bias_l0',
      'kernel_l0_reverse',
    ]);
  });

  test.each<[Partial<ModelSpec>, string]>([
    [{ cell: 'elman', nonlinearity: 'identity' }, "layers.SimpleRNN(4, return_sequences=True, activation='linear')"],
    [
      { cell: 'gruResetBefore', bias: 'none' },
      'layers.GRU(4, return_sequences=True, use_bias=False, reset_after=False)',
    ],
    [{ cell: 'lstm', lossAt: 'last' }, 'layers.LSTM(4, return_sequences=False)'],
    [{ loss: 'sigmoidCrossEntropy', outputBias: false }, "layers.Dense(2, activation='sigmoid', use_bias=False)"],
    [{ outputSize: 0 }, "layers.Activation('softmax')"],
    [{ loss: 'squaredError', outputActivation: 'sigmoid' }, "layers.Dense(2, activation='sigmoid')"],
    [{ bias: 'input' }, 'layers.GRU(4, return_sequences=True, reset_after=True)'],
  ])('%o', (part, line) => {
    expect(writeKeras(netOf({ ...spec, layers: 1, bidirectional: false, ...part })).script).toContain(line);
  });

  test.each<[Partial<ModelSpec>, string]>([
    [{ cell: 'lstmPeephole' }, 'Keras has no peepholes (cell lstmPeephole)'],
    [{ initialState: 'learned' }, 'Keras has no learned initial state'],
    [{ lossAt: 'last' }, 'Keras has no output layer on the last step of both directions'],
  ])('%o is refused', (part, message) => {
    expect(() => writeKeras(netOf({ ...spec, ...part }))).toThrow(message);
  });

  test('a parameter that is missing is named', () => {
    const { parameters } = netOf(spec);
    expect(() => writeKeras({ spec, parameters: { ...parameters, bias_ho: new Float32Array(1) } })).toThrow(
      'writeKeras: bias_ho has 1 elements, expected [2]',
    );
    const { bias_ho: _, ...rest } = parameters;
    expect(() => writeKeras({ spec, parameters: rest })).toThrow('writeKeras: bias_ho has no elements');
  });

  test('float64 stays float64', async () => {
    const { parameters } = netOf(spec);
    const doubles = Object.fromEntries(
      Object.entries(parameters).map(([name, values]) => [name, Float64Array.from(values)]),
    );
    const arrays = await readNpz(writeKeras({ spec, parameters: doubles }).weights);
    expect(arrays.bias_l1.values).toBeInstanceOf(Float64Array);
  });
});
