import { expect, it } from 'vitest';
import {
  allocationPlan,
  createTrainer,
  encodeModel,
  initialParameters,
  type ModelSpec,
  Sampler,
  Stepper,
  saveModel,
  tsEngine,
} from '../src/index.ts';
import { clearRows, ctcGreedyDecode, ctcTooShort, elman, formulaCell, squaredError } from '../src/layers/index.ts';
import { adam, clipByValue } from '../src/optim/index.ts';
import {
  log,
  matmulNN,
  matmulNT,
  matmulTN,
  maxAxis,
  maxAxisBackward,
  pairwiseSum,
  RandomState,
  setSimd,
} from '../src/tensor/index.ts';
import { checkCell, checkFormula, checkLoss } from '../src/testing/index.ts';
import { addRowBackward } from '../src/webgpu/kernels/add.ts';

const spec: ModelSpec = { cell: 'elman', inputSize: 3, hiddenSize: 2, outputSize: 3, loss: 'softmaxCrossEntropy' };
const parameters = initialParameters(spec, 'float32', 'torch', new RandomState(1));
const sizes = { steps: 2, batch: 1 };
const big = new BigInt64Array(4) as never;
const detached = new Float64Array(2);
structuredClone(detached.buffer, { transfer: [detached.buffer] });

it.each<[string, () => unknown]>([
  ['pairwiseSum: x[0] is undefined', () => pairwiseSum([undefined] as never)],
  ['pairwiseSum: x is BigInt64Array', () => pairwiseSum(big)],
  [
    'ctcTooShort: labels is Function',
    () => ctcTooShort((() => {}) as never, new Int32Array(1), new Int32Array(1), 1, 0),
  ],
  ['ctcGreedyDecode: logits is BigInt64Array', () => ctcGreedyDecode(big, Int32Array.of(2), 0, 2, 1, 2)],
  ['maxAxis: y is BigInt64Array', () => maxAxis(big, new Int32Array(4), big, 4, 1, 1)],
  ['RandomState.uniform: out is BigInt64Array', () => new RandomState(1).fillUniform(big, 0, 1)],
  ['clipByValue: grads is a detached Float64Array', () => clipByValue(detached, 1)],
  ['allocationPlan: batch is undefined', () => allocationPlan(spec, { steps: 2, optimizer: adam() } as never)],
  [
    'allocationPlan: optimizer.with is 1',
    () => allocationPlan(spec, { ...sizes, optimizer: { ...adam(), with: 1 } as never }),
  ],
  ['spec.lossAt is ', () => new Stepper(tsEngine(), { ...spec, lossAt: 'never' as never }, parameters)],
  [
    'saveModel: weight_ih_l0 has 0 elements',
    () => saveModel({ spec, parameters: { ...parameters, weight_ih_l0: new Float32Array(0) } }),
  ],
  ["saveModel: dtype is 'float16'", () => saveModel({ spec, parameters }, { dtype: 'float16' as never })],
  ['encodeModel: metadata.a is 1n', () => encodeModel({ tensors: {}, metadata: { a: 1n } })],
  [
    'gates is 4294967296, expected a whole number from 1 to 1024',
    () => formulaCell({ ...elman.tanh, gates: 2 ** 32 } as never),
  ],
  [
    'h_l1 is no state of this model',
    () => new Sampler(spec, parameters).setState({ h_l0: new Float32Array(2), h_l1: new Float32Array(2) }),
  ],
  [
    'Sampler.sample: length is 1.79',
    () => new Sampler(spec, parameters).sample([0], Number.MAX_VALUE, new RandomState(1), { greedy: true }),
  ],
  ["trainer: l2 is ''", () => createTrainer(spec, { ...sizes, optimizer: adam(), l2: '' as never })],
  ['addRowBackward: db is null', () => addRowBackward(null as never, null as never, 1, 1)],
  ['checkCell: options is null', () => checkCell(elman.tanh, null as never)],
  ['checkLoss: options is null', () => checkLoss(squaredError, null as never)],
  ['meanOverOutputs is ', () => checkLoss({ ...squaredError, meanOverOutputs: 'true' as never })],
  ['checkFormula: seed is -1', () => checkFormula(elman.tanh, { seed: -1 })],
])('%s', async (message, call) => {
  await expect((async () => call())()).rejects.toThrow(message);
});

it('products of no elements do nothing, or name what does not fit, where an array was handed to another thread', () => {
  const none = new Float32Array(0);
  structuredClone(none.buffer, { transfer: [none.buffer] });
  for (const mode of ['never', 'always'] as const) {
    setSimd(mode);
    for (const product of [matmulNN, matmulNT, matmulTN]) {
      product(none, none, none, 0, 0, 0);
      const c = Float32Array.of(1);
      expect(() => product(c, Float32Array.of(2), none, 1, 1, 1)).toThrow(`${product.name}: b has 0 elements`);
      expect(c).toEqual(Float32Array.of(1));
    }
  }
  setSimd('auto');
});

it('names what cannot be summed, and does nothing with no numbers of an array that was handed on', () => {
  expect(() => pairwiseSum([1], Symbol('s') as never)).toThrow('pairwiseSum: start is ');
  expect(() => pairwiseSum([1, 2], 0, 1e300, 0)).toThrow('pairwiseSum: n is 1e+300');
  expect(() => pairwiseSum([1, 2], 0, null as never)).toThrow('pairwiseSum: n is null');
  const none = new Float32Array(0);
  structuredClone(none.buffer, { transfer: [none.buffer] });
  log(none, none);
  clearRows(none, Float32Array.of(0), 1, 0);
  maxAxisBackward(none, none, new Int32Array(0), 0, 1, 1);
});
