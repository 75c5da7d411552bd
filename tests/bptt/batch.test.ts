import { describe, expect, it } from 'vitest';
import type { Batch, Carry, InputBatch } from '../../src/bptt/batch.ts';
import { assertEngineDtype } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { CpuTrainer } from '../../src/bptt/trainer.ts';
import type { Loss } from '../../src/layers/loss.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { expectNear } from '../layers/support.ts';
import { engines } from './engines.ts';

const ids: ModelSpec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };
const dense: ModelSpec = { ...ids, input: 'dense', inputSize: 2, outputSize: 3, loss: 'squaredError' };
const last: ModelSpec = { ...dense, lossAt: 'last' };
const T = 3;
const B = 2;

/** Minus the first logit of each label's row: a loss that needs lengths and labels. */
const labelled: Loss = {
  name: 'labelled',
  targets: 'labels',
  per: 'sequence',
  outputs: (o, z) => o.set(z),
  forward({ losses, logits, weights, targetIds, targetLengths, lengths, B: count, V, S }) {
    for (let b = 0; b < count; b++) {
      let sum = 0;
      for (let s = 0; s < targetLengths[b]; s++) sum -= logits[b * V + targetIds[b * S + s]] * lengths[b];
      losses[b] = weights[b] * sum;
    }
  },
  backward: ({ dlogits }) => dlogits.fill(0),
};

describe.each(engines)('$name, $dtype', ({ name, engine, dtype, filled, floats }) => {
  const [Own, Other] = dtype === 'float64' ? [Float64Array, Float32Array] : [Float32Array, Float64Array];

  function make(spec: ModelSpec) {
    const model = new SequenceModel(engine(), spec, { steps: T, batch: B });
    model.parameters.flat.set(new RandomState(1).randn(model.parameters.flat.length));
    return model;
  }

  const lossOf = (spec: ModelSpec, batch: Batch, carry: Carry = false): number => {
    const model = make(spec);
    model.load(batch, carry);
    model.forward();
    return model.loss[0];
  };

  const goodIds: Batch = { inputs: Int32Array.of(0, 1, 2, 3, 0, 1), targets: Int32Array.of(1, 2, 3, 0, 1, 2) };
  const goodDense: Batch = { inputs: filled(12, 0.5), targets: filled(18, 0.25) };
  const goodLast: Batch = { ...goodDense, targets: filled(6) };
  const goodLabels: Batch = { inputs: goodIds.inputs, targets: Int32Array.of(1, 2, 3, 0), targetLengths: [2, 1] };

  describe('refuses', () => {
    const spoilt = (values: FloatArray, at: number, bad: number) => {
      const copy = values.slice();
      copy[at] = bad;
      return copy;
    };
    const inputs = goodDense.inputs as FloatArray;
    const targets = goodDense.targets as FloatArray;
    const size = (array: string, shape: string) => `${array} elements, expected ${shape} with steps from 1 to 3`;
    const nothing = 'the mask, lengths and lossWeights leave no loss to learn from';

    type Change = Partial<Record<keyof Batch, unknown>>;
    const cases: [string, ModelSpec, Change, Carry, typeof Error, string][] = [
      [
        'an empty window',
        ids,
        { inputs: new Int32Array(0) },
        false,
        RangeError,
        size('.inputs has 0', '[steps,batch]'),
      ],
      [
        'a ragged window',
        ids,
        { inputs: new Int32Array(5) },
        false,
        RangeError,
        size('.inputs has 5', '[steps,batch]'),
      ],
      ['a window too long', ids, { inputs: new Int32Array(8) }, false, RangeError, '.inputs has 8 elements, expected'],
      [
        'ragged vectors',
        dense,
        { inputs: filled(10) },
        false,
        RangeError,
        size('.inputs has 10', '[steps,batch,D], D = 2,'),
      ],
      [
        'half a vector',
        dense,
        { inputs: filled(5), batch: 1 },
        false,
        RangeError,
        '.inputs has 5 elements, expected [steps,batch,D], D = 2, with steps from 1 to 3 and batch from 1 to 2 (1)',
      ],
      ['vectors for ids', ids, { inputs: filled(6) }, false, TypeError, '.inputs is Float'],
      ['ids for vectors', dense, { inputs: new Int32Array(12) }, false, TypeError, '.inputs are ids, the model reads'],
      [
        'the other dtype',
        dense,
        { inputs: new Other(12) },
        false,
        TypeError,
        `inputs is ${Other.name}, expected Float`,
      ],
      ['a list', ids, { inputs: [0, 1, 2, 3, 0, 1] }, false, TypeError, '.inputs is Array, expected an Int32Array'],
      ['no inputs', dense, { inputs: undefined }, false, TypeError, '.inputs is undefined, expected numbers'],
      [
        'no targets',
        ids,
        { targets: undefined },
        false,
        TypeError,
        '.targets is undefined, expected an array of classes',
      ],
      [
        'an id too large',
        ids,
        { inputs: Int32Array.of(0, 1, 4, 3, 0, 1) },
        false,
        RangeError,
        '.inputs[2] is 4, expected an id from 0 to 3',
      ],
      ['an id below 0', ids, { inputs: Int32Array.of(0, 1, 2, 3, -1, 1) }, false, RangeError, '.inputs[4] is -1'],
      [
        'NaN in the inputs',
        dense,
        { inputs: spoilt(inputs, 5, NaN) },
        false,
        RangeError,
        '.inputs[5] (step 1) is NaN, expected a finite number',
      ],
      ['infinite inputs', dense, { inputs: spoilt(inputs, 11, -Infinity) }, false, RangeError, '(step 2) is -Infinity'],
      ['values for classes', ids, { targets: filled(6) }, false, TypeError, 'expected an Int32Array of classes'],
      [
        'classes for values',
        dense,
        { targets: new Int32Array(18) },
        false,
        TypeError,
        '.targets are classes, the loss',
      ],
      [
        'too few classes',
        ids,
        { targets: new Int32Array(5) },
        false,
        RangeError,
        '.targets has 5 elements, expected [steps,batch] = 6',
      ],
      [
        'a class too large',
        ids,
        { targets: Int32Array.of(0, 0, 0, 0, 0, 4) },
        false,
        RangeError,
        '.targets[5] is 4, expected a class from 0 to 3',
      ],
      [
        'too few values',
        dense,
        { targets: filled(17) },
        false,
        RangeError,
        '.targets has 17 elements, expected [steps,batch,V] = 18',
      ],
      ['every step for the last', last, { targets }, false, RangeError, 'has 18 elements, expected [batch,V] = 6'],
      ['targets of the other dtype', dense, { targets: new Other(18) }, false, TypeError, `targets is ${Other.name}`],
      [
        'NaN in the targets',
        dense,
        { targets: spoilt(targets, 4, NaN) },
        false,
        RangeError,
        '.targets[4] is NaN, expected a finite number',
      ],
      [
        'lengths and mask',
        ids,
        { lengths: [1, 1], mask: [1, 1, 1, 1, 1, 1] },
        false,
        TypeError,
        ' has both lengths and mask, expected one',
      ],
      [
        'a length over the steps',
        ids,
        { lengths: [3, 4] },
        false,
        RangeError,
        '.lengths[1] is 4, expected a whole number from 0 to steps = 3',
      ],
      [
        'a length over these steps',
        ids,
        { inputs: new Int32Array(4), targets: new Int32Array(4), lengths: [3, 1] },
        false,
        RangeError,
        '.lengths[0] is 3, expected a whole number from 0 to steps = 2',
      ],
      ['a length below 0', ids, { lengths: [-1, 3] }, false, RangeError, '.lengths[0] is -1, expected a whole'],
      ['half a step', ids, { lengths: [1.5, 3] }, false, RangeError, '.lengths[0] is 1.5, expected a whole number'],
      ['too many lengths', ids, { lengths: [1, 1, 1] }, false, RangeError, '.inputs has 6 elements'],
      [
        'lengths of another batch',
        ids,
        { lengths: [1], batch: 2 },
        false,
        RangeError,
        ': lengths has 1 elements, expected [batch] = [2]',
      ],
      ['all lengths 0', ids, { lengths: [0, 0] }, false, RangeError, nothing],
      ['a mask that masks everything', ids, { mask: new Uint8Array(6) }, false, RangeError, nothing],
      [
        'a mask of the wrong size',
        ids,
        { mask: [1, 1] },
        false,
        RangeError,
        ': mask has 2 elements, expected [steps,batch] = [3,2]',
      ],
      ['half a mask', ids, { mask: [1, 1, 0.5, 1, 1, 1] }, false, RangeError, '.mask[2] is 0.5, expected 0 or 1'],
      ['NaN in the mask', ids, { mask: [1, NaN, 1, 1, 1, 1] }, false, RangeError, '.mask[1] is NaN, expected 0 or 1'],
      ['weights that leave nothing', ids, { lossWeights: new Float64Array(6) }, false, RangeError, nothing],
      [
        'weights where nothing is',
        ids,
        { lossWeights: [0, 0, 0, 0, 1, 1], lengths: [2, 2] },
        false,
        RangeError,
        nothing,
      ],
      [
        'a weight below 0',
        ids,
        { lossWeights: [1, 1, 1, 1, 1, -1] },
        false,
        RangeError,
        '.lossWeights[5] is -1, expected a finite number ≥ 0',
      ],
      ['a weight that is NaN', ids, { lossWeights: [NaN, 1, 1, 1, 1, 1] }, false, RangeError, '.lossWeights[0] is NaN'],
      ['an infinite weight', ids, { lossWeights: [1, Infinity, 1, 1, 1, 1] }, false, RangeError, '[1] is Infinity'],
      [
        'too few weights',
        ids,
        { lossWeights: [1] },
        false,
        RangeError,
        'has 1 elements, expected [steps,batch] = [3,2]',
      ],
      [
        'weights of steps for the last',
        last,
        { lossWeights: [1, 1, 1, 1, 1, 1] },
        false,
        RangeError,
        ': lossWeights has 6 elements, expected [batch] = [2]',
      ],
      ['a carry of the wrong size', ids, {}, [1], RangeError, ': carry has 1 elements, expected [batch] = [2]'],
      ['half a carry', ids, {}, [1, 0.5], RangeError, '.carry[1] is 0.5, expected 0 or 1'],
      ['steps 0', ids, { steps: 0 }, false, RangeError, '.steps is 0, expected a whole number from 1 to 3'],
      [
        'half a step said',
        ids,
        { steps: 1.5 },
        false,
        RangeError,
        '.steps is 1.5, expected a whole number from 1 to 3',
      ],
      ['more steps than there are', ids, { steps: 4 }, false, RangeError, '.steps is 4, expected a whole number'],
      ['more sequences', ids, { batch: 3 }, false, RangeError, '.batch is 3, expected a whole number from 1 to 2'],
      ['a batch that is NaN', ids, { batch: NaN }, false, RangeError, '.batch is NaN, expected a whole number'],
      [
        'sizes that do not fit',
        ids,
        { steps: 2, batch: 2 },
        false,
        RangeError,
        'from 1 to 3 (2) and batch from 1 to 2 (2)',
      ],
    ];
    it.each(cases)('%s', (_, spec, change, carry, type, message) => {
      const model = make(spec);
      const good = spec === ids ? goodIds : spec === last ? goodLast : goodDense;
      model.load(good);
      model.forward();
      const [before] = model.loss;
      const batch = { ...good, ...change } as Batch;
      expect(() => model.load(batch, carry)).toThrow(type);
      expect(() => model.load(batch, carry)).toThrow(/^batch/);
      expect(() => model.load(batch, carry)).toThrow(message);
      model.forward(); // what was loaded before is still there
      expect(model.loss[0]).toBe(before);
    });

    it.each<[string, Partial<Batch>, string]>([
      [
        'a label too large',
        { targets: Int32Array.of(1, 4, 3, 0) },
        'batch.targets[1] is 4, expected a label from 0 to 3',
      ],
      [
        'half a label',
        { targets: new Int32Array(3) },
        'batch.targets has 3 elements, expected [batch,S] with batch = 2',
      ],
      ['more labels than there is room for', { targets: new Int32Array(8) }, 'and S up to 3'],
      ['a target longer than the labels', { targetLengths: [2, 3] }, 'batch.targetLengths[1] is 3, expected a whole'],
      [
        'target lengths of another batch',
        { targetLengths: [2] },
        'batch: targetLengths has 1 elements, expected [batch]',
      ],
      ['a mask', { mask: [1, 1, 1, 1, 1, 1] }, 'batch.mask is given, but loss labelled wants lengths'],
    ])('%s, of a loss per sequence', (_, change, message) => {
      const model = make({ ...ids, loss: labelled });
      expect(() => model.load({ ...goodLabels, ...change })).toThrow(RangeError);
      expect(() => model.load({ ...goodLabels, ...change })).toThrow(message);
    });

    it('labels that are no ids', () => {
      const model = make({ ...ids, loss: labelled });
      expect(() => model.load({ ...goodLabels, targets: filled(4) })).toThrow(
        TypeError(`batch.targets is ${Own.name}, expected an Int32Array of labels`),
      );
    });

    it('what is no batch or no array', () => {
      for (const nothing of [undefined, null, 3]) {
        const told = TypeError(`batch is ${nothing}, expected an object with inputs and targets`);
        expect(() => make(ids).load(nothing as never)).toThrow(told);
        expect(() => make(ids).loadInputs(nothing as never)).toThrow(told);
      }
      expect(() => assertEngineDtype('f', 'x', undefined as never, 'float32')).toThrow(
        TypeError('f: x is undefined, expected Float32Array'),
      );
    });
  });

  describe('sizes', () => {
    const arrays = (steps: number, batch: number) => ({
      inputs: Int32Array.from({ length: steps * batch }, (_, i) => i % 4),
      targets: Int32Array.from({ length: steps * batch }, (_, i) => (i + 1) % 4),
    });
    const sizesOf = (batch: Batch): [steps: number, sequences: number] => {
      const model = new SequenceModel(engine(), ids, { steps: 4, batch: 4 });
      const steps = model.load(batch);
      model.predict();
      return [steps, Array.from(model.stack.mask.subarray(0, 4)).filter((present) => present === 1).length];
    };

    it.each<[string, Batch, [steps: number, sequences: number]]>([
      ['all of the model', arrays(4, 4), [4, 4]],
      ['what the lengths say', { ...arrays(2, 3), lengths: [2, 1, 2] }, [2, 3]],
      ['the batch said', { ...arrays(2, 2), batch: 2 }, [2, 2]],
      ['the steps said', { ...arrays(1, 4), steps: 1 }, [1, 4]],
      ['the steps said, of fewer sequences', { ...arrays(3, 2), steps: 3 }, [3, 2]],
      ['both said', { ...arrays(2, 3), steps: 2, batch: 3 }, [2, 3]],
      ['the only sizes that fit', arrays(3, 3), [3, 3]],
      ['the only sizes that fit, of twelve', { ...arrays(4, 3), batch: 3 }, [4, 3]],
    ])('follow: %s', (_, batch, [steps, sequences]) => {
      const [gotSteps, gotSequences] = sizesOf(batch);
      expect(gotSteps).toBe(steps);
      // Of all four there is no mask.
      if (sequences < 4) expect(gotSequences).toBe(sequences);
    });

    it.each<[number, string]>([
      [4, 'batch.inputs has 4 elements: 4 steps of 1, or 2 steps of 2, or 1 steps of 4? Say batch or steps'],
      [12, 'batch.inputs has 12 elements: 4 steps of 3, or 3 steps of 4? Say batch or steps'],
      [1, ''],
    ])('that leave doubt are refused: %i rows', (rows, message) => {
      const batch = { inputs: new Int32Array(rows), targets: new Int32Array(rows) };
      if (message === '') expect(sizesOf(batch)).toEqual([1, 1]);
      else expect(() => sizesOf(batch)).toThrow(RangeError(message));
    });
  });

  describe('a smaller batch', () => {
    const options = { steps: 6, optimizer: sgd({ lr: 0.1 }) };
    const value = (b: number, t: number) => Math.sin(b * 10 + t);

    /**
     * Products may be summed in another order for another number of rows, where a kernel takes several at a time: each of 6
     * steps of two layers rounds up to 40 times, as in stepper.test.ts, and so does a gradient's sum over them.
     */
    const ROUNDINGS = 2 * 6 * 2 * 40;
    const exact = name === 'ts';

    /** A window of some of the sequences of an endless batch. */
    function window(sequences: readonly number[], steps = 6): Batch {
      const rows = Array.from({ length: steps }, (_, t) => sequences.map((b) => [value(b, t), value(b, t + 1)])).flat();
      return {
        inputs: floats(rows.map(([x]) => x)),
        targets: floats(rows.map(([, y]) => y)),
        steps,
        batch: sequences.length,
      };
    }

    it.each(['every', 'last'] as const)('trains as a trainer of that size: loss at %s', async (lossAt) => {
      const spec: ModelSpec = {
        ...{ cell: 'lstm', input: 'dense', inputSize: 1, hiddenSize: 4, outputSize: 1, layers: 2 },
        ...{ loss: 'squaredError', reduction: 'mean', lossAt },
      };
      const [big, small] = [4, 2].map((batch) => new CpuTrainer(engine(), spec, { ...options, batch }));
      const parameters = await big.parameters();
      for (const [name, values] of Object.entries(parameters))
        values.set(new RandomState(name.length).randn(values.length));
      for (const trainer of [big, small]) await trainer.setParameters(parameters);
      const both = (steps: number) => {
        const batch = window([0, 1], steps);
        return lossAt === 'every' ? batch : { ...batch, targets: batch.targets.subarray(0, 2) };
      };
      const near = (got: FloatArray, want: FloatArray) => expectNear(got, want, exact ? 0 : ROUNDINGS);
      near(floats([big.lossOf(both(6))]), floats([small.lossOf(both(6))]));
      const batches = [both(6), { ...both(4), carry: true }];
      near(floats(batches.map((batch) => big.update(batch))), floats(batches.map((batch) => small.update(batch))));
      near(big.model.parameters.flat, small.model.parameters.flat);
      const { states } = await big.state();
      for (const [name, of] of Object.entries((await small.state()).states)) {
        near(states[name].slice(0, of.length), of);
        // Sequences that are not there keep their state.
        expect(states[name].subarray(of.length).every((h) => h === 0)).toBe(true);
      }
      const inputs: InputBatch = window([2, 3]);
      near(await big.predict(inputs), await small.predict(inputs));
    });
  });

  describe('what stands in padding is not looked at', () => {
    const two = { inputs: Int32Array.of(0, 1), targets: Int32Array.of(1, 2), batch: 1 };

    it.each<[string, ModelSpec, Batch, Batch]>([
      [
        'a target −1',
        ids,
        { ...two, inputs: Int32Array.of(0, 1, 0), targets: Int32Array.of(1, 2, -1), lengths: [2] },
        two,
      ],
      [
        'a target −100 of weight 0',
        ids,
        { ...two, inputs: Int32Array.of(0, 1, 0), targets: Int32Array.of(1, 2, -100), lossWeights: [1, 1, 0] },
        two,
      ],
      [
        'an id −1',
        ids,
        { ...two, inputs: Int32Array.of(0, 1, -1), targets: Int32Array.of(1, 2, 0), lengths: [2] },
        two,
      ],
      [
        'an id past the last under a mask',
        ids,
        { inputs: Int32Array.of(0, 9, 1, 9), targets: Int32Array.of(1, 9, 2, 9), mask: [1, 0, 1, 0], batch: 2 },
        two,
      ],
      [
        'NaN in inputs and targets',
        dense,
        { inputs: floats([1, 1, NaN, NaN]), targets: floats([1, 2, 3, NaN, NaN, Infinity]), lengths: [1] },
        { inputs: floats([1, 1]), targets: floats([1, 2, 3]), batch: 1, steps: 1 },
      ],
      [
        'a target of a sequence without steps',
        last,
        {
          inputs: floats([1, NaN, 1, NaN].flatMap((x) => [x, x])),
          targets: floats([1, 2, 3, NaN, NaN, NaN]),
          lengths: [2, 0],
        },
        { inputs: floats([1, 1, 1, 1]), targets: floats([1, 2, 3]), batch: 1, steps: 2 },
      ],
      [
        'a label behind the last',
        { ...ids, loss: labelled },
        { ...two, targets: Int32Array.of(2, -1), targetLengths: [1] },
        { ...two, targets: Int32Array.of(2), targetLengths: [1] },
      ],
    ])('%s', (_, spec, padded, plain) => {
      const loss = lossOf(spec, padded);
      expect(loss).not.toBe(0);
      expect(loss).toBe(lossOf(spec, plain));
    });

    it('but what is not padding is', () => {
      const targets = Int32Array.of(1, -1, 0);
      expect(() => lossOf(ids, { inputs: new Int32Array(3), targets, batch: 1, lengths: [2] })).toThrow(
        RangeError('batch.targets[1] is -1, expected a class from 0 to 3'),
      );
    });
  });

  it('a mean is over what counts: steps for classes, entries for values; a number is a factor', () => {
    // The factor, the weights with it, and up to 18 products and sums: measured below 4 roundings.
    const near = (got: number, want: number) =>
      expect(Math.abs(got / want - 1)).toBeLessThan(40 * (dtype === 'float64' ? 2 ** -53 : 2 ** -24));
    const padded = { ...goodIds, lengths: [3, 1] };
    near(lossOf({ ...ids, reduction: 'mean' }, padded), lossOf(ids, padded) / 4);
    near(lossOf({ ...dense, reduction: 'mean' }, goodDense), lossOf(dense, goodDense) / 18);
    near(lossOf({ ...dense, reduction: 2.5 }, goodDense), lossOf(dense, goodDense) * 2.5);
    const weighted = { ...goodIds, lossWeights: [3, 0, 0, 0, 0, 0] };
    const only = { ...goodIds, lossWeights: [1, 0, 0, 0, 0, 0] };
    near(lossOf({ ...ids, reduction: 'mean' }, weighted), lossOf(ids, only));
  });
});
