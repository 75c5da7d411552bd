import { describe, expect, it } from 'vitest';
import type { Batch } from '../../src/bptt/batch.ts';
import { type ModelOptions, SequenceModel } from '../../src/bptt/model.ts';
import { KEPT_WINDOWS } from '../../src/bptt/recurrent.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { expectNear } from '../layers/support.ts';
import { engines } from './engines.ts';

const ids: ModelSpec = { cell: 'gru', inputSize: 4, hiddenSize: 3, outputSize: 4, loss: 'softmaxCrossEntropy' };
const dense: ModelSpec = { ...ids, input: 'dense', inputSize: 2, outputSize: 3, loss: 'squaredError' };
const T = 3;
const B = 2;

describe.each(engines)('$name, $dtype', ({ engine, filled, floats }) => {
  function make(spec: ModelSpec, options: Partial<ModelOptions> = {}) {
    const model = new SequenceModel(engine(), spec, { steps: T, batch: B, ...options });
    model.parameters.flat.set(new RandomState(1).randn(model.parameters.flat.length));
    return model;
  }

  const goodIds: Batch = { inputs: Int32Array.of(0, 1, 2, 3, 0, 1), targets: Int32Array.of(1, 2, 3, 0, 1, 2) };
  const goodDense: Batch = { inputs: filled(12, 0.5), targets: filled(18, 0.25) };

  describe('a model', () => {
    it.each<[string, ModelSpec, Partial<ModelOptions>, string]>([
      ['steps 0', ids, { steps: 0 }, 'SequenceModel: steps is 0, expected a whole number ≥ 1'],
      ['steps NaN', ids, { steps: NaN }, 'SequenceModel: steps is NaN, expected a whole number ≥ 1'],
      ['half a batch', ids, { batch: 0.5 }, 'SequenceModel: batch is 0.5, expected a whole number ≥ 1'],
      ['absurd steps', ids, { steps: 1e9 }, 'spec: with steps 1000000000 and batch 2 the model would need about '],
      ['an absurd batch', dense, { batch: 2 ** 40 }, 'expected at most 1073741824'],
      ['a spec that makes no sense', { ...ids, layers: -1 }, {}, 'spec.layers is -1'],
    ])('refuses %s', (_, spec, options, message) => {
      expect(() => make(spec, options)).toThrow(RangeError);
      expect(() => make(spec, options)).toThrow(message);
    });

    it('needs a batch before it runs, and back steps that make sense', () => {
      const model = make(ids);
      expect(model.steps).toBe(0);
      expect(() => model.forward()).toThrow('SequenceModel.forward: no batch is loaded');
      expect(() => model.backward()).toThrow('SequenceModel.backward: no batch is loaded');
      expect(model.load(goodIds)).toBe(3);
      expect(model.steps).toBe(3);
      model.forward();
      for (const backSteps of [0, -1, NaN]) {
        const told = RangeError(`SequenceModel.backward: backSteps is ${backSteps}, expected a number ≥ 1`);
        expect(() => model.backward(backSteps)).toThrow(told);
        expect(() => model.forwardBackward(backSteps)).toThrow(told);
      }
    });

    it('gives outputs and logits of the window that is loaded', () => {
      const model = make(ids);
      model.load({ inputs: goodIds.inputs.slice(0, 4), targets: goodIds.targets.slice(0, 4), batch: 2 } as Batch);
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

    it('begins anew unless it is told to carry on', () => {
      const model = make(ids);
      const outputs = (...carry: [boolean?]): unknown => {
        model.stack.initial(0)[0].fill(0.5);
        model.load(goodIds, ...carry);
        model.forward();
        return model.outputs().slice();
      };
      const fresh = outputs(false);
      expect(outputs(true)).not.toEqual(fresh);
      expect(outputs()).toEqual(fresh);
      model.stack.initial(0)[0].fill(0.5);
      model.loadInputs({ inputs: goodIds.inputs });
      model.predict();
      expect(model.outputs()).toEqual(fresh);
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

    it('forwardBackward is forward and backward', () => {
      for (const spec of [ids, dense]) {
        const [one, two] = [make(spec), make(spec)];
        for (const model of [one, two]) model.load(spec === ids ? goodIds : goodDense);
        one.forward();
        one.backward(2);
        two.forwardBackward(2);
        expect(two.loss).toEqual(one.loss);
        expect(two.gradients.flat).toEqual(one.gradients.flat);
      }
    });

    it('predicts without targets what forward gives with them, and has then no loss to go back from', () => {
      for (const spec of [ids, dense, { ...dense, lossAt: 'last' } as const]) {
        const [one, two] = [make(spec), make(spec)];
        const good = spec === ids ? goodIds : spec === dense ? goodDense : { ...goodDense, targets: filled(6) };
        one.load(good, true);
        one.forward();
        two.loadInputs({ inputs: good.inputs }, true);
        two.predict();
        expect(two.outputs()).toEqual(one.outputs());
        two.predictLogits();
        expect(two.logits()).toEqual(one.logits());
        for (const pass of ['forward', 'backward', 'forwardBackward'] as const) {
          expect(() => two[pass]()).toThrow(`SequenceModel.${pass}: the loaded batch has no targets`);
        }
      }
    });

    it('drops from three layers on in training alone', () => {
      const deep = { ...ids, layers: 4, dropout: 0.5 };
      const losses = [undefined, undefined, new RandomState(1), new RandomState(1), new RandomState(2)].map((rng) => {
        const model = make(deep);
        model.load(goodIds, false, rng);
        model.forward();
        return model.loss[0];
      });
      const plain = make({ ...deep, dropout: 0 });
      plain.load(goodIds);
      plain.forward();
      expect(losses.slice(0, 2)).toEqual([plain.loss[0], plain.loss[0]]);
      expect(losses[2]).toBe(losses[3]);
      expect(new Set(losses).size).toBe(3);
      // After a training pass the same model evaluates without masks.
      const model = make(deep);
      model.load(goodIds, false, new RandomState(1));
      model.forwardBackward();
      model.load(goodIds);
      model.forward();
      expect(model.loss[0]).toBe(plain.loss[0]);
    });

    it('a mask left from a window before is not read where every sequence has every step', () => {
      const [one, two] = [make(ids), make(ids)];
      one.load({ ...goodIds, lengths: [1, 2] });
      one.forward();
      for (const model of [one, two]) {
        model.load(goodIds);
        model.forward();
      }
      expect(one.loss).toEqual(two.loss);
    });

    it('keeps the views of a few windows, however many lengths it reads', () => {
      const model = new SequenceModel(engine(), dense, { steps: 60, batch: 1 });
      model.parameters.flat.set(new RandomState(1).randn(model.parameters.flat.length));
      const inputs = floats(new RandomState(2).randn(120));
      const losses = (): number[] =>
        Array.from({ length: 60 }, (_, i) => {
          const steps = ((i * 7) % 60) + 1; // each length once, far from in order
          model.load({ inputs: inputs.subarray(0, 2 * steps), targets: filled(3 * steps), steps });
          model.forwardBackward();
          return model.loss[0];
        });
      const first = losses();
      expect(losses()).toEqual(first);
      expect(new Set(first).size).toBe(60);
      const kept = model as unknown as Record<'windows' | 'passes', { size: number }>;
      expect(kept.windows.size).toBe(KEPT_WINDOWS);
      expect(kept.passes.size).toBeLessThanOrEqual(4 * KEPT_WINDOWS);
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
  });
});
