import { expect, test } from 'vitest';
import { allocationPlan } from '../../src/bptt/cpuSession.ts';
import { type ModelSpec, parameterCount, resolveSpec } from '../../src/bptt/spec.ts';
import { stepperAllocationPlan } from '../../src/bptt/stepper.ts';
import { summary } from '../../src/bptt/summary.ts';
import { adam } from '../../src/optim/adam.ts';
import { sgd } from '../../src/optim/sgd.ts';

const spec: ModelSpec = {
  ...{ cell: 'lstm', inputSize: 50, hiddenSize: 64, outputSize: 50, layers: 2, loss: 'softmaxCrossEntropy' },
};
const sum = (lengths: readonly number[]): number => lengths.reduce((a, b) => a + b, 0);

test('names layers, shapes, parameters and memory', () => {
  const { text, ...data } = summary(spec, { steps: 16, batch: 8 });
  expect(text).toBe(
    [
      '                             reads             gives      parameters',
      'layer 0: lstm                ids [16,8] of 50  [16,8,64]      29,696',
      'layer 1: lstm                [16,8,64]         [16,8,64]      33,280',
      'output: softmaxCrossEntropy  [16,8,64]         [16,8,50]       3,250',
      '66,226 parameters',
      'training windows of 16 × 8: 3.0 MiB',
      'inference step by step: 273.8 KiB, 1.0 KiB for each session',
    ].join('\n'),
  );
  expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  expect(data.parameterCount).toBe(parameterCount(resolveSpec(spec)));
  expect(data.layers[1].parameters).toEqual([
    { name: 'weight_ih_l1', shape: [256, 64] },
    { name: 'weight_hh_l1', shape: [256, 64] },
    { name: 'bias_ih_l1', shape: [256] },
    { name: 'bias_hh_l1', shape: [256] },
  ]);
  expect(data.trainingBytes).toBe(4 * sum(allocationPlan(spec, { steps: 16, batch: 8, optimizer: adam() })[0]));
  expect(data.inferenceBytes).toBe(4 * sum(stepperAllocationPlan(spec)));
  expect(data.sessionBytes).toBe(4 * 2 * 2 * 64);
});

test('names the layers around the recurrence', () => {
  const around: ModelSpec = {
    ...{ ...spec, hiddenSize: 8, embedding: { size: 6, tied: true }, inputDense: { size: 16, activation: 'tanh' } },
    ...{ bidirectional: true, layerNorm: true, residual: true, outputDense: { size: 6 }, lossAt: 'last' },
  };
  const { text, layers, parameterCount: count } = summary(around, { steps: 16, batch: 8, optimizer: sgd({ lr: 1 }) });
  expect(text.split('\n').slice(0, 7)).toEqual([
    '                                                      reads             gives      parameters',
    'embedding, tied                                       ids [16,8] of 50  [16,8,6]          300',
    'dense: tanh                                           [16,8,6]          [16,8,16]         112',
    'layer 0: lstm, both directions, normalised            [16,8,16]         [16,8,16]       1,696',
    'layer 1: lstm, both directions, normalised, residual  [16,8,16]         [16,8,16]       1,696',
    'dense: identity                                       [8,16]            [8,6]             102',
    'output: softmaxCrossEntropy                           [8,6]             [8,50]             50',
  ]);
  expect(count).toBe(parameterCount(resolveSpec(around)));
  expect(layers[2].parameters.map(({ name }) => name).slice(-2)).toEqual(['norm_l0.weight', 'norm_l0.bias']);
});

test('without sizes it has their letters, and tells nothing of training', () => {
  const { text, trainingBytes, layers } = summary(spec);
  expect(trainingBytes).toBeNull();
  expect(layers[1].gives).toBe('[T,B,64]');
  expect(text).toMatch(/^layer 0: lstm +ids \[T,B\] of 50 +\[T,B,64\] +29,696$/m);
  expect(text).not.toMatch('training');
  expect(summary(spec, { steps: 1, batch: 1 }).inferenceBytes).toBe(summary(spec).inferenceBytes);
});

test('counts what options need', () => {
  const P = parameterCount(resolveSpec(spec));
  const sizes = { steps: 16, batch: 8 };
  const plain = summary(spec, { ...sizes, optimizer: sgd({ lr: 1 }) });
  expect(summary(spec, sizes).trainingBytes - plain.trainingBytes).toBe(2 * 2 * P * 4); // with what it was before an update
  expect(
    summary(spec, { ...sizes, optimizer: sgd({ lr: 1 }), accumulate: 3 }).trainingBytes - plain.trainingBytes,
  ).toBe(P * 4);
  expect(summary(spec, { ...sizes, dtype: 'float64' }).trainingBytes).toBe(2 * summary(spec, sizes).trainingBytes);
});

test('both directions, vectors, a loss at the last step, many layers', () => {
  const other: ModelSpec = {
    ...{ cell: 'gru', input: 'dense', inputSize: 3, hiddenSize: 4, outputSize: 2, layers: 11, bidirectional: true },
    ...{ loss: 'squaredError', lossAt: 'last' },
  };
  const { layers, sessionBytes, text } = summary(other, { steps: 5, batch: 2 });
  expect(layers).toHaveLength(12);
  expect(layers[0]).toMatchObject({ name: 'layer 0: gru, both directions', reads: '[5,2,3]', gives: '[5,2,8]' });
  expect(layers[1].parameters.map(({ name }) => name)).toContain('weight_ih_l1_reverse');
  expect(layers[1].parameters).toHaveLength(8);
  expect(layers[11]).toMatchObject({
    name: 'output: squaredError',
    reads: '[2,8]',
    gives: '[2,2]',
    parameterCount: 18,
  });
  expect(sessionBytes).toBe(0);
  expect(text).toContain('whole sequences only');
});

test('errors', () => {
  expect(() => summary(spec, { steps: 5, batchSize: 2 } as never)).toThrow(
    'unknown option batchSize, did you mean batch?',
  );
  expect(() => summary({ ...spec, cell: 'lstn' as never }, { steps: 5, batch: 2 })).toThrow("spec.cell is 'lstn'");
});
