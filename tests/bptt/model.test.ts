import { describe, expect, it } from 'vitest';
import type { Batch, Keep } from '../../src/bptt/batch.ts';
import { assertEngineDtype } from '../../src/bptt/engine.ts';
import { type ModelOptions, SequenceModel } from '../../src/bptt/model.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { expectNear } from '../layers/support.ts';
import { engines } from './engines.ts';

const ids: ModelSpec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };
const dense: ModelSpec = { ...ids, input: 'dense', inputSize: 2, outputSize: 3, loss: 'squaredError' };
const T = 3;
const B = 2;

describe.each(engines)('$name, $dtype', ({ engine, dtype, filled }) => {
  const [Own, Other] = dtype === 'float64' ? [Float64Array, Float32Array] : [Float32Array, Float64Array];

  function make(spec: ModelSpec, options: Partial<ModelOptions> = {}) {
    const model = new SequenceModel(engine(), spec, { steps: T, batch: B, ...options });
    model.parameters.flat.set(new RandomState(1).randn(model.parameters.flat.length));
    return model;
  }

  const goodIds: Batch = { inputs: Int32Array.of(0, 1, 2, 3, 0, 1), targets: Int32Array.of(1, 2, 3, 0, 1, 2) };
  const goodDense: Batch = { inputs: filled(12, 0.5), targets: filled(18, 0.25) };

  describe('load refuses', () => {
    const nan = (values: FloatArray, at: number, bad: number) => {
      const spoilt = values.slice();
      spoilt[at] = bad;
      return spoilt;
    };
    const inputs = goodDense.inputs as FloatArray;
    const targets = goodDense.targets as FloatArray;
    const last = { ...dense, lossAt: 'last' } as const;
    const end = { ...goodDense, targets: filled(6) };

    const cases: [string, ModelSpec, Batch, Keep, typeof Error, string][] = [
      [
        'an empty window',
        ids,
        { ...goodIds, inputs: new Int32Array(0) },
        false,
        RangeError,
        'inputs has 0 elements, expected [T,B] with T from 1 to 3, B = 2',
      ],
      [
        'a ragged window',
        ids,
        { ...goodIds, inputs: new Int32Array(5) },
        false,
        RangeError,
        'inputs has 5 elements, expected [T,B] with',
      ],
      [
        'a window too long',
        ids,
        { ...goodIds, inputs: new Int32Array(8) },
        false,
        RangeError,
        'inputs has 8 elements, expected [T,B] with',
      ],
      [
        'vectors that do not fit',
        dense,
        { ...goodDense, inputs: filled(10) },
        false,
        RangeError,
        'inputs has 10 elements, expected [T,B,D] with T from 1 to 3, B = 2, D = 2',
      ],
      [
        'vectors for ids',
        ids,
        { ...goodIds, inputs: filled(6) },
        false,
        TypeError,
        'inputs must be an Int32Array of ids',
      ],
      [
        'ids for vectors',
        dense,
        { ...goodDense, inputs: new Int32Array(12) },
        false,
        TypeError,
        'inputs are ids, the model reads vectors',
      ],
      [
        'inputs of the other dtype',
        dense,
        { ...goodDense, inputs: new Other(12) },
        false,
        TypeError,
        `inputs is ${Other.name}, expected ${Own.name}`,
      ],
      [
        'plain lists',
        dense,
        { ...goodDense, inputs: new Array(12).fill(0) as never },
        false,
        TypeError,
        `inputs is Array, expected ${Own.name}`,
      ],
      [
        'an id too large',
        ids,
        { ...goodIds, inputs: Int32Array.of(0, 1, 4, 3, 0, 1) },
        false,
        RangeError,
        'inputs[2] is 4, expected 0 … 3',
      ],
      [
        'an id below 0',
        ids,
        { ...goodIds, inputs: Int32Array.of(0, 1, 2, 3, -1, 1) },
        false,
        RangeError,
        'inputs[4] is -1, expected 0 … 3',
      ],
      [
        'NaN in the inputs',
        dense,
        { ...goodDense, inputs: nan(inputs, 5, NaN) },
        false,
        RangeError,
        'inputs[5] (step 1) is NaN, expected a finite number',
      ],
      [
        'infinity in the inputs',
        dense,
        { ...goodDense, inputs: nan(inputs, 11, -Infinity) },
        false,
        RangeError,
        'inputs[11] (step 2) is -Infinity',
      ],
      [
        'values for classes',
        ids,
        { ...goodIds, targets: filled(6) },
        false,
        TypeError,
        'targets must be an Int32Array of classes',
      ],
      [
        'classes for values',
        dense,
        { ...goodDense, targets: new Int32Array(18) },
        false,
        TypeError,
        'targets are classes, the loss compares values',
      ],
      [
        'too few classes',
        ids,
        { ...goodIds, targets: new Int32Array(5) },
        false,
        RangeError,
        'targets has 5 elements, expected [T·B] = [6]',
      ],
      [
        'a class too large',
        ids,
        { ...goodIds, targets: Int32Array.of(0, 0, 0, 0, 0, 4) },
        false,
        RangeError,
        'targets[5] is 4, expected 0 … 3',
      ],
      [
        'too few values',
        dense,
        { ...goodDense, targets: filled(17) },
        false,
        RangeError,
        'targets has 17 elements, expected [T·B,V] = [6,3]',
      ],
      [
        'values of every step for the last',
        last,
        goodDense,
        false,
        RangeError,
        'targets has 18 elements, expected [B,V] = [2,3]',
      ],
      [
        'targets of the other dtype',
        dense,
        { ...goodDense, targets: new Other(18) },
        false,
        TypeError,
        `targets is ${Other.name}, expected ${Own.name}`,
      ],
      [
        'NaN in the targets',
        dense,
        { ...goodDense, targets: nan(targets, 4, NaN) },
        false,
        RangeError,
        'targets[4] is NaN, expected a finite number',
      ],
      [
        'lengths and mask',
        ids,
        { ...goodIds, lengths: [1, 1], mask: [1, 1, 1, 1, 1, 1] },
        false,
        TypeError,
        'got both lengths and mask, expected one',
      ],
      [
        'a length over T',
        ids,
        { ...goodIds, lengths: [3, 4] },
        false,
        RangeError,
        'lengths[1] is 4, expected 0 … T = 3',
      ],
      [
        'a length over this T',
        ids,
        { inputs: new Int32Array(4), targets: new Int32Array(4), lengths: [3, 1] },
        false,
        RangeError,
        'lengths[0] is 3, expected 0 … T = 2',
      ],
      [
        'a length below 0',
        ids,
        { ...goodIds, lengths: [-1, 3] },
        false,
        RangeError,
        'lengths[0] is -1, expected 0 … T = 3',
      ],
      [
        'half a step',
        ids,
        { ...goodIds, lengths: [1.5, 3] },
        false,
        RangeError,
        'lengths[0] is 1.5, expected 0 … T = 3',
      ],
      [
        'too many lengths',
        ids,
        { ...goodIds, lengths: [1, 1, 1] },
        false,
        RangeError,
        'lengths has 3 elements, expected [B] = [2]',
      ],
      [
        'all lengths 0',
        ids,
        { ...goodIds, lengths: [0, 0] },
        false,
        RangeError,
        'the mask, lengths and lossWeights leave no loss to learn from',
      ],
      [
        'a mask that masks everything',
        ids,
        { ...goodIds, mask: new Uint8Array(6) },
        false,
        RangeError,
        'the mask, lengths and lossWeights leave no loss to learn from',
      ],
      [
        'a mask of the wrong size',
        ids,
        { ...goodIds, mask: [1, 1] },
        false,
        RangeError,
        'mask has 2 elements, expected [T,B] = [3,2]',
      ],
      [
        'half a mask',
        ids,
        { ...goodIds, mask: [1, 1, 0.5, 1, 1, 1] },
        false,
        RangeError,
        'mask[2] is 0.5, expected 0 or 1',
      ],
      [
        'NaN in the mask',
        ids,
        { ...goodIds, mask: [1, NaN, 1, 1, 1, 1] },
        false,
        RangeError,
        'mask[1] is NaN, expected 0 or 1',
      ],
      [
        'weights that leave nothing',
        ids,
        { ...goodIds, lossWeights: new Float64Array(6) },
        false,
        RangeError,
        'the mask, lengths and lossWeights leave no loss to learn from',
      ],
      [
        'weights where nothing is',
        ids,
        { ...goodIds, lossWeights: [0, 0, 0, 0, 1, 1], lengths: [2, 2] },
        false,
        RangeError,
        'the mask, lengths and lossWeights leave no loss to learn from',
      ],
      [
        'a weight below 0',
        ids,
        { ...goodIds, lossWeights: [1, 1, 1, 1, 1, -1] },
        false,
        RangeError,
        'lossWeights[5] is -1, expected a finite number ≥ 0',
      ],
      [
        'a weight that is NaN',
        ids,
        { ...goodIds, lossWeights: [NaN, 1, 1, 1, 1, 1] },
        false,
        RangeError,
        'lossWeights[0] is NaN',
      ],
      [
        'an infinite weight',
        ids,
        { ...goodIds, lossWeights: [1, Infinity, 1, 1, 1, 1] },
        false,
        RangeError,
        'lossWeights[1] is Infinity',
      ],
      [
        'too few weights',
        ids,
        { ...goodIds, lossWeights: [1] },
        false,
        RangeError,
        'lossWeights has 1 elements, expected [T·B] = [6]',
      ],
      [
        'weights of steps for the last',
        last,
        { ...end, lossWeights: [1, 1, 1, 1, 1, 1] },
        false,
        RangeError,
        'lossWeights has 6 elements, expected [B] = [2]',
      ],
      ['a keep of the wrong size', ids, goodIds, [1], RangeError, 'keep has 1 elements, expected [B] = [2]'],
      ['half a keep', ids, goodIds, [1, 0.5], RangeError, 'keep[1] is 0.5, expected 0 or 1'],
    ];
    it.each(cases)('%s', (_, spec, batch, keep, type, message) => {
      const model = make(spec);
      const good = spec === ids ? goodIds : spec === last ? end : goodDense;
      model.load(good);
      model.forward();
      const [before] = model.loss;
      expect(() => model.load(batch, keep)).toThrow(type);
      expect(() => model.load(batch, keep)).toThrow(`SequenceModel.load: ${message}`);
      model.forward(); // what was loaded before is still there
      expect(model.loss[0]).toBe(before);
    });

    it('what is no array', () => {
      expect(() => assertEngineDtype('f', 'x', undefined as never, 'float32')).toThrow(
        TypeError('f: x is undefined, expected Float32Array'),
      );
    });
  });

  describe('a model', () => {
    it.each<[string, ModelSpec, Partial<ModelOptions>, string]>([
      ['steps 0', ids, { steps: 0 }, 'SequenceModel: steps is 0, expected a whole number ≥ 1'],
      ['steps NaN', ids, { steps: NaN }, 'SequenceModel: steps is NaN, expected a whole number ≥ 1'],
      ['half a batch', ids, { batch: 0.5 }, 'SequenceModel: batch is 0.5, expected a whole number ≥ 1'],
      ['absurd steps', ids, { steps: 1e9 }, 'SequenceModel: steps 1000000000 and batch 2 would need about '],
      ['an absurd batch', dense, { batch: 2 ** 40 }, 'expected at most 1073741824'],
      ['a spec that makes no sense', { ...ids, layers: -1 }, {}, 'resolveSpec: layers is -1'],
    ])('refuses %s', (_, spec, options, message) => {
      expect(() => make(spec, options)).toThrow(RangeError);
      expect(() => make(spec, options)).toThrow(message);
    });

    it('needs a batch before it runs, and a span that makes sense', () => {
      const model = make(ids);
      expect(model.steps).toBe(0);
      expect(() => model.forward()).toThrow('SequenceModel.forward: no batch is loaded');
      expect(() => model.backward()).toThrow('SequenceModel.backward: no batch is loaded');
      expect(model.load(goodIds)).toBe(3);
      expect(model.steps).toBe(3);
      model.forward();
      for (const span of [0, -1, NaN]) {
        expect(() => model.backward(false, span)).toThrow(
          RangeError(`SequenceModel.backward: span is ${span}, expected a number ≥ 1`),
        );
      }
    });

    it('gives outputs and logits of the window that is loaded', () => {
      const model = make(ids);
      model.load({ inputs: goodIds.inputs.slice(0, 4), targets: goodIds.targets.slice(0, 4) } as Batch);
      model.forward();
      const [o, z] = [model.outputs(), model.logits()];
      expect([o.length, z.length]).toEqual([16, 16]);
      let loss = 0;
      for (let r = 0; r < 4; r++) {
        const e = Array.from(z.slice(r * 4, r * 4 + 4), Math.exp);
        const total = e.reduce((a, b) => a + b);
        // The exponents differ by up to 12 and are rounded so; four additions, exp and the division.
        expectNear(
          o.subarray(r * 4, r * 4 + 4),
          Array.from(e, (v) => v / total),
          40,
        );
        loss -= Math.log(e[goodIds.targets[r]] / total);
      }
      expectNear(model.loss, [loss], 200); // of four rows, each as above
      model.backward();
      const dz = model.logitGradients();
      const want = Array.from(o, (p, i) => p - (goodIds.targets[i >> 2] === i % 4 ? 1 : 0));
      expectNear(dz, want, 2);
    });

    it('adds gradients up until they are cleared', () => {
      const model = make(ids);
      model.load(goodIds);
      model.forward();
      model.backward();
      const once = model.gradients.flat.slice();
      model.backward();
      const twice = Array.from(once, (g) => 2 * g);
      expectNear(model.gradients.flat, twice, 24); // sums of two times six rows, in another order
      expect(once.some((g) => g !== 0)).toBe(true);
    });

    it('gives dx only where it was asked for and the inputs are vectors', () => {
      expect(make(dense).stack.dx).toHaveLength(0);
      expect(make(dense, { inputGradient: true }).stack.dx).toHaveLength(T * B * 2);
      expect(make(ids, { inputGradient: true }).stack.dx).toHaveLength(0);
    });

    it('names its states as PyTorch names its parameters', () => {
      const names: string[] = [];
      make({ ...ids, cell: 'lstm', layers: 2, bidirectional: true }).eachState((name) => names.push(name));
      expect(names).toEqual([
        'h_l0',
        'c_l0',
        'h_l0_reverse',
        'c_l0_reverse',
        'h_l1',
        'c_l1',
        'h_l1_reverse',
        'c_l1_reverse',
      ]);
    });

    it('says by name what it has', () => {
      const model = make(ids);
      expect(model.parameters.get('weight_ho')).toHaveLength(12);
      expect(model.parameters.get('weight_oh')).toBeNull();
      const whole = model.parameters.flat;
      expect(model.parameters.get('bias_ho')!.buffer).toBe(whole.buffer);
      expect(model.gradients.flat).toHaveLength(whole.length);
    });

    it('a mean is over what counts: steps for classes, entries for values; a number is a factor', () => {
      const loss = (spec: ModelSpec, batch: Batch) => {
        const model = make(spec);
        model.load(batch);
        model.forward();
        return model.loss;
      };
      // The factor, the weights with it, and up to 18 products and sums.
      const near = (got: FloatArray, want: number) => expectNear(got, [want], 40);
      const padded = { ...goodIds, lengths: [3, 1] };
      near(loss({ ...ids, reduction: 'mean' }, padded), loss(ids, padded)[0] / 4);
      near(loss({ ...dense, reduction: 'mean' }, goodDense), loss(dense, goodDense)[0] / 18);
      near(loss({ ...dense, reduction: 2.5 }, goodDense), loss(dense, goodDense)[0] * 2.5);
      const weighted = { ...goodIds, lossWeights: [3, 0, 0, 0, 0, 0] };
      const only = { ...goodIds, lossWeights: [1, 0, 0, 0, 0, 0] };
      near(loss({ ...ids, reduction: 'mean' }, weighted), loss(ids, only)[0]);
    });
  });
});
