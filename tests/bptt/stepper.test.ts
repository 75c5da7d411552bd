import { describe, expect, test } from 'vitest';
import { initialParameters } from '../../src/bptt/createTrainer.ts';
import { tsEngine } from '../../src/bptt/engine.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { Sampler } from '../../src/bptt/sample.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { Stepper } from '../../src/bptt/stepper.ts';
import { CpuTrainer } from '../../src/bptt/trainer.ts';
import { formulaCell } from '../../src/layers/cell.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { expectNear } from '../layers/support.ts';
import { engines } from './engines.ts';

const T = 6;

const vectors: ModelSpec = {
  cell: 'lstm',
  input: 'dense',
  inputSize: 2,
  hiddenSize: 4,
  outputSize: 3,
  layers: 2,
  loss: 'sigmoidCrossEntropy',
};
const symbols: ModelSpec = { cell: 'gru', inputSize: 5, hiddenSize: 4, outputSize: 5, loss: 'softmaxCrossEntropy' };
/**
 * A product over one row may be summed in another order than one over all rows. Each of T steps in each of two layers
 * rounds up to 40 times (two products of up to 7 terms, gates of a few ulp), and orthogonal weights under gates with slopes below 1 pass
 * on no more than they got.
 */
const ROUNDINGS = T * 2 * 40;

describe.each(engines)('$name, $dtype', ({ engine, dtype, floats, filled }) => {
  const parametersOf = (spec: ModelSpec) => initialParameters(spec, dtype, 'orthogonal', new RandomState(3));

  function whole(spec: ModelSpec, inputs: Int32Array | FloatArray, targets: Int32Array | FloatArray) {
    const model = new SequenceModel(engine(), spec, { steps: T, batch: 1 });
    for (const [name, values] of Object.entries(parametersOf(spec))) model.parameters.get(name)!.set(values);
    model.load({ inputs, targets });
    model.forward();
    return model;
  }

  test('step by step gives what the whole sequence gives, and again after a reset', () => {
    const x = floats(new RandomState(1).uniform(-1, 1, T * 2));
    const outputs = whole(vectors, x, filled(T * 3)).outputs();
    const stepper = new Stepper(engine(), vectors, parametersOf(vectors));
    for (let pass = 0; pass < 2; pass++) {
      const steps = Array.from({ length: T }, (_, t) => Array.from(stepper.read(x.subarray(t * 2, t * 2 + 2))));
      expectNear(floats(steps.flat()), outputs, ROUNDINGS);
      stepper.reset();
    }
  });

  test('goes on from given states', () => {
    const ids = Int32Array.of(0, 3, 1, 4, 2, 2);
    const model = whole(symbols, ids, new Int32Array(T));
    const h_l0 = model.stack.stateAfter(T - 1, 0)[0].slice();
    const stepper = new Stepper(engine(), symbols, parametersOf(symbols));
    stepper.setState({ h_l0 });
    expectNear(stepper.read(ids.subarray(T - 1)), model.outputs().subarray((T - 1) * 5), ROUNDINGS);
    const sampler = new Sampler(symbols, parametersOf(symbols));
    sampler.setState({ h_l0 });
    expectNear(sampler.read(ids[T - 1]), model.logits().subarray((T - 1) * 5), ROUNDINGS);
  });

  test.each(['gru', 'lstm'] as const)(
    'reset begins a sequence, and getState says where the next step begins: %s',
    (cell) => {
      for (const initialState of ['zero', 'learned'] as const) {
        const spec = { ...symbols, cell, initialState };
        const parameters = parametersOf(spec);
        for (const [name, values] of Object.entries(parameters)) {
          if (/^[hc]0/.test(name)) values.set(new RandomState(name.length).uniform(-1, 1, values.length));
        }
        const stepper = new Stepper(engine(), spec, parameters);
        const begins = stepper.getState();
        const first = stepper.read(Int32Array.of(4)).slice();
        stepper.read(Int32Array.of(1));
        stepper.reset();
        expect(stepper.getState()).toEqual(begins);
        expect(begins.h_l0).toEqual(initialState === 'learned' ? parameters.h0_l0 : filled(4));
        expect(stepper.read(Int32Array.of(4))).toEqual(first);
        stepper.read(Int32Array.of(3));
        stepper.setState(begins);
        expect(stepper.getState()).toEqual(begins);
        expect(stepper.read(Int32Array.of(4))).toEqual(first);
      }
    },
  );

  test('a state and an extra parameter whose names have underscores', () => {
    const slow = formulaCell({
      ...{ name: 'slow', gates: 1, states: ['h', 'slow_mean'], savedBlocks: 0 },
      extra: { rate: { blocks: 1, initial: 0.25 }, rate_low: { blocks: 1, initial: 0.5 } },
      initialBias: [0.125],
      formula: {
        forward: (m, { x: [x], h: [h], previous: [, mean], extra: [rate, low] }) => {
          const next = m.add(mean, m.mul(m.mul(rate, low), m.add(x, h)));
          return { states: [next, next] };
        },
        backward: (m, { dstates: [d, dmean], extra: [rate, low] }) => {
          const own = m.mul(m.add(d, dmean), m.mul(rate, low));
          return { dx: [own], dprevious: [null, m.add(d, dmean)], dextra: [own, own] };
        },
      },
    });
    const spec: ModelSpec = { ...symbols, cell: slow, initialState: 'learned' };
    const parameters = parametersOf(spec);
    expect(Array.from(parameters.rate_l0)).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(Array.from(parameters.rate_low_l0)).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(Array.from(parameters.bias_ih_l0)).toEqual([0.125, 0.125, 0.125, 0.125]);
    parameters.slow_mean0_l0.fill(0.75);
    const stepper = new Stepper(tsEngine(dtype), spec, parameters);
    expect(Array.from(stepper.getState().slow_mean_l0)).toEqual([0.75, 0.75, 0.75, 0.75]);
  });

  test('errors name what is wrong', () => {
    const parameters = parametersOf(symbols);
    expect(() => new Stepper(engine(), { ...symbols, bidirectional: true }, parameters)).toThrow('in one direction');
    const { bias_ho, ...rest } = parameters;
    expect(() => new Stepper(engine(), symbols, rest)).toThrow('Stepper: bias_ho is missing');
    expect(() => new Stepper(engine(), symbols, { ...rest, bias_ho: bias_ho.subarray(1) })).toThrow('bias_ho has 4');
    const stepper = new Stepper(engine(), symbols, parameters);
    expect(() => stepper.setState({})).toThrow('Stepper.setState: h_l0 is missing');
    for (const bad of [5, -1]) {
      expect(() => stepper.read(Int32Array.of(bad))).toThrow(
        RangeError(`batch.inputs[0] is ${bad}, expected an id from 0 to 4`),
      );
    }
    expect(() => stepper.setState({ h_l0: new Float64Array(3) })).toThrow('h_l0 has 3 elements, expected [H] = [4]');
  });

  test('frozen parameters do not learn', () => {
    const options = { steps: T, batch: 1, optimizer: sgd({ lr: 0.5 }), l2: 0.1 };
    const batch = { inputs: Int32Array.of(0, 3, 1, 4, 2, 2), targets: Int32Array.of(3, 1, 4, 2, 2, 0) };
    const trainer = new CpuTrainer(engine(), symbols, { ...options, frozen: ['weight_ho', 'bias_ho'] });
    const { parameters } = trainer.model;
    for (const [name, values] of Object.entries(parametersOf(symbols))) parameters.get(name)!.set(values);
    const before = parameters.flat.slice();
    trainer.update(batch);
    for (const { name, offset } of parameters.layout) {
      const same = parameters.get(name)!.every((v, i) => v === before[offset + i]);
      expect(same, name).toBe(name === 'weight_ho' || name === 'bias_ho');
    }
    expect(() => new CpuTrainer(engine(), symbols, { ...options, frozen: ['weight_xx'] })).toThrow(
      'trainer: frozen names weight_xx, which is no parameter of this model',
    );
  });
});
