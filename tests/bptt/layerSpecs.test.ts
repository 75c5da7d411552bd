import { describe, expect, it } from 'vitest';
import {
  type ModelSpec,
  outputWidth,
  parameterLayout,
  resolveSpec,
  specFromJson,
  specToJson,
} from '../../src/bptt/spec.ts';

const base: ModelSpec = { cell: 'gru', inputSize: 7, hiddenSize: 4, outputSize: 7, loss: 'softmaxCrossEntropy' };
const dense: ModelSpec = { ...base, input: 'dense', inputSize: 3 };
const shapes = (spec: ModelSpec) =>
  Object.fromEntries(parameterLayout(resolveSpec(spec)).map(({ name, shape }) => [name, shape]));
const names = (spec: ModelSpec) => parameterLayout(resolveSpec(spec)).map(({ name }) => name);

describe('the layers around the recurrence', () => {
  it('have their parameters in the order of the net', () => {
    const spec: ModelSpec = {
      ...{ ...base, bias: 'none', layers: 2, bidirectional: true, layerNorm: true, embedding: { size: 5 } },
      ...{ inputDense: { size: 6 }, outputDense: { size: 2 } },
    };
    expect(Object.entries(shapes(spec))).toEqual([
      ['embedding.weight', [7, 5]],
      ['input_dense.weight', [6, 5]],
      ['input_dense.bias', [6]],
      ['weight_ih_l0', [12, 6]],
      ['weight_hh_l0', [12, 4]],
      ['weight_ih_l0_reverse', [12, 6]],
      ['weight_hh_l0_reverse', [12, 4]],
      ['norm_l0.weight', [8]],
      ['norm_l0.bias', [8]],
      ['weight_ih_l1', [12, 8]],
      ['weight_hh_l1', [12, 4]],
      ['weight_ih_l1_reverse', [12, 8]],
      ['weight_hh_l1_reverse', [12, 4]],
      ['norm_l1.weight', [8]],
      ['norm_l1.bias', [8]],
      ['output_dense.weight', [2, 8]],
      ['output_dense.bias', [2]],
      ['weight_ho', [7, 2]],
      ['bias_ho', [7]],
    ]);
  });

  it('L2 counts their matrices, not gains and biases', () => {
    const spec = { ...base, embedding: { size: 5 }, inputDense: { size: 6 }, layerNorm: true };
    const decaying = parameterLayout(resolveSpec(spec)).filter(({ decays }) => decays);
    expect(decaying.map(({ name }) => name)).toEqual([
      ...['embedding.weight', 'input_dense.weight', 'weight_ih_l0', 'weight_hh_l0', 'weight_ho'],
    ]);
  });

  it('a tied embedding is the output layer’s matrix', () => {
    const tied = { ...base, embedding: { size: 4, tied: true } };
    expect(names(tied)).not.toContain('weight_ho');
    expect(names(tied)).toContain('bias_ho');
    expect(shapes({ ...tied, embedding: { size: 3, tied: true }, outputDense: { size: 3 } })).toMatchObject({
      ...{ 'embedding.weight': [7, 3], 'output_dense.weight': [3, 4] },
    });
  });

  it('without an output layer the dense one’s numbers are the outputs', () => {
    expect(outputWidth(resolveSpec({ ...base, outputSize: 0, outputDense: { size: 9 } }))).toBe(9);
  });

  it('a number is the dropout between layers', () => {
    expect(resolveSpec({ ...base, layers: 2, dropout: 0.25 }).dropout).toEqual({ input: 0, between: 0.25, output: 0 });
    expect(resolveSpec({ ...base, dropout: { output: 0.5 } }).dropout).toEqual({ input: 0, between: 0, output: 0.5 });
  });

  it('go through JSON', () => {
    const spec: ModelSpec = {
      ...{ ...base, embedding: { size: 4, tied: true }, inputDense: { size: 4 }, layerNorm: true, residual: 'all' },
      ...{ outputDense: { size: 4, activation: 'relu' }, dropout: { input: 0.1, output: 0.2 } },
    };
    const json = JSON.parse(JSON.stringify(specToJson(spec)));
    expect(resolveSpec(specFromJson(json))).toEqual(resolveSpec(spec));
    expect(json.inputDense).toEqual({ size: 4, activation: 'identity' });
    expect(resolveSpec(specFromJson(JSON.parse(JSON.stringify(specToJson(base)))))).toEqual(resolveSpec(base));
  });

  it.each<[Record<string, unknown>, string]>([
    [{ embedding: 5 }, 'spec.embedding is 5, expected an object, as in embedding: { size: 64 }'],
    [{ embedding: {} }, 'spec.embedding.size is undefined, expected a whole number ≥ 1'],
    [{ embedding: { size: 0 } }, 'spec.embedding.size is 0, expected a whole number ≥ 1'],
    [{ embedding: { size: 4, tied: 1 } }, 'spec.embedding.tied is 1, expected true or false'],
    [{ embedding: { sise: 4 } }, 'spec.embedding: unknown option sise, did you mean size?'],
    [{ embedding: { size: 4 }, input: 'dense' }, 'spec.embedding has vectors for ids, but spec.input is dense'],
    [
      { embedding: { size: 4, tied: true }, outputSize: 6 },
      'spec.embedding is tied to the output layer, but outputSize is 6 and inputSize 7: expected the same',
    ],
    [
      { embedding: { size: 5, tied: true } },
      'spec.embedding is tied to the output layer, which reads 4 numbers, but its size is 5: an outputDense of size 5 makes them agree',
    ],
    [
      { inputDense: [4] },
      "spec.inputDense is a list, expected an object, as in inputDense: { size: 64, activation: 'tanh' }",
    ],
    [{ outputDense: { size: 1.5 } }, 'spec.outputDense.size is 1.5, expected a whole number ≥ 1'],
    [
      { outputDense: { size: 4, activation: 'gelu' } },
      "spec.outputDense.activation is 'gelu', expected tanh, sigmoid, relu, identity",
    ],
    [{ layerNorm: 'yes' }, "spec.layerNorm is 'yes', expected true or false"],
    [{ residual: 'some' }, "spec.residual is 'some', expected true, false or 'all'"],
    [{ residual: true }, "spec.residual is true, but it goes from layer to layer: it needs layers ≥ 2, or 'all'"],
    [{ residual: 'all' }, "spec.residual is 'all', but layer 0 reads ids: it needs an embedding or an inputDense"],
    [
      { residual: 'all', embedding: { size: 5 } },
      "spec.residual is 'all', but layer 0 reads 5 numbers and gives 4: an inputDense of size 4 makes them agree",
    ],
    [{ ...dense, residual: 'all' }, "spec.residual is 'all', but layer 0 reads 3 numbers and gives 4"],
    [{ dropout: 1 }, 'spec.dropout is 1, expected 0 ≤ dropout < 1'],
    [{ dropout: null }, 'spec.dropout is null, expected 0 ≤ dropout < 1'],
    [{ dropout: { input: 1 } }, 'spec.dropout.input is 1, expected 0 ≤ dropout < 1'],
    [{ dropout: { inputs: 0.1 } }, 'spec.dropout: unknown option inputs, did you mean input?'],
    [{ dropout: { between: 0.1 } }, 'spec.dropout is 0.1, but it works between layers: it needs layers ≥ 2'],
    [{ dropout: { input: 0.1 } }, 'spec.dropout.input is 0.1, but ids are nothing to drop of: it needs an embedding'],
    [{ embedingSize: 4 }, 'spec: unknown option embedingSize'],
    [
      { embeddingDim: 4 },
      'spec: unknown option embeddingDim, did you mean embedding? (embedding: { size: 64, tied: true })',
    ],
    [{ layer_norm: true }, 'spec: unknown option layer_norm, did you mean layerNorm?'],
  ])('%j is refused', (change, message) => {
    expect(() => resolveSpec({ ...base, ...change } as ModelSpec)).toThrow(message);
  });
});
