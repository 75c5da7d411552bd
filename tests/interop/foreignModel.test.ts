import { expect, test } from 'vitest';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { foldEmbedding, foreignModel, reorderBlocks, transposed } from '../../src/interop/foreignModel.ts';
import { FormatError } from '../../src/interop/index.ts';
import { netOf } from './nets.ts';

const spec: ModelSpec = {
  cell: 'lstm',
  inputSize: 3,
  hiddenSize: 2,
  outputSize: 0,
  bias: 'none',
  loss: 'squaredError',
};
const { parameters } = netOf(spec);
const model =
  (changes: object, other: Partial<ModelSpec> = {}) =>
  () =>
    foreignModel('test', { ...spec, ...other }, { ...parameters, ...changes }, []);

test('what a reader found is checked against the spec, tensor by tensor', () => {
  expect(model({})()).toEqual({ spec, parameters, recognised: [] });
  expect(model({ bias_ho: new Float32Array(2) })).toThrow('test: the model has no bias_ho');
  expect(model({}, { bias: 'input' })).toThrow('test: bias_ih_l0 [8] is missing');
  expect(model({ weight_hh_l0: new Float32Array(15) })).toThrow('test: weight_hh_l0 has 15 elements, expected [8,2]');
  expect(model({ weight_hh_l0: new Float32Array(16).fill(Number.POSITIVE_INFINITY, 3) })).toThrow(
    'test: weight_hh_l0 holds Infinity at element 3',
  );
  expect(model({}, { cell: 'cnn' as 'lstm' })).toThrow(FormatError);
});

test('the parameters are copies, all of one dtype', () => {
  expect(model({})().parameters.weight_hh_l0).not.toBe(parameters.weight_hh_l0);
  const mixed = model({ weight_hh_l0: new Float64Array(16).fill(0.1) })().parameters;
  expect(mixed.weight_ih_l0).toBeInstanceOf(Float64Array);
  expect(mixed.weight_hh_l0[0]).toBe(0.1);
});

test('an embedding times weights, rows turned into columns, blocks reordered', () => {
  // Wih [2,2], E [3,2]: each column is Wih times a row of E.
  const folded = foldEmbedding('test', Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 0, 0, 1, 1, 1), 2, 3, 2);
  expect(folded).toEqual(Float64Array.of(1, 2, 3, 3, 4, 7));
  expect(transposed(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
  expect(reorderBlocks(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 0, 1])).toEqual(Float32Array.of(5, 6, 1, 2, 3, 4));
});
