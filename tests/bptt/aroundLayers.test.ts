import { describe, expect, it } from 'vitest';
import { beamSearch } from '../../src/bptt/beamSearch.ts';
import { createModel } from '../../src/bptt/createModel.ts';
import { createTrainer, initialParameters } from '../../src/bptt/createTrainer.ts';
import { Inspector } from '../../src/bptt/inspector.ts';
import type { DropoutSpec } from '../../src/bptt/layerSpecs.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { Sampler } from '../../src/bptt/sample.ts';
import type { ModelSpec, NamedTensors } from '../../src/bptt/spec.ts';
import { Stepper } from '../../src/bptt/stepper.ts';
import type { TrainingBatch } from '../../src/bptt/trainer.ts';
import { adam, adamw } from '../../src/optim/adam.ts';
import { RandomState } from '../../src/tensor/random.ts';
import type { FloatArray } from '../../src/tensor/shape.ts';
import { engines, ts64 } from './engines.ts';

const V = 6;

/** Every layer around the recurrence at once. */
const everything: ModelSpec = {
  ...{ cell: 'gru', inputSize: V, hiddenSize: 5, outputSize: V, layers: 2, initialState: 'learned' },
  ...{ embedding: { size: 4, tied: true }, inputDense: { size: 5, activation: 'tanh' }, layerNorm: true },
  ...{ residual: 'all', outputDense: { size: 4, activation: 'sigmoid' } },
  ...{ dropout: { input: 0.2, between: 0.3, output: 0.1 }, loss: 'softmaxCrossEntropy', reduction: 'mean' },
};

/** Weights that tell every part from every other. */
function weightsOf(spec: ModelSpec): NamedTensors {
  const rng = new RandomState(3);
  const weights = initialParameters(spec, 'float64', 'orthogonal', rng);
  for (const values of Object.values(weights)) for (let i = 0; i < values.length; i++) values[i] += 0.3 * rng.randn();
  return weights;
}

const ids = Int32Array.of(0, 3, 1, 4, 2, 5, 5, 0, 2);

describe.each(engines)('on engine $name, $dtype', (on) => {
  const weights = Object.fromEntries(Object.entries(weightsOf(everything)).map(([name, w]) => [name, on.floats(w)]));
  /** Layers and steps, a hundred roundings each, that a normalisation makes larger. */
  const near = 9 * 2 * 100 * 10 * on.u;

  it('reading step by step gives what reading the whole gives', () => {
    const whole: SequenceModel<FloatArray, Int32Array> = new SequenceModel(on.engine(), everything, {
      ...{ steps: 9, batch: 1 },
    });
    for (const [name, values] of Object.entries(weights)) whole.parameters.get(name)!.set(values);
    whole.loadInputs({ inputs: ids, steps: 9, batch: 1 });
    whole.predict();
    const want = Array.from(whole.outputs());
    const stepper = new Stepper(on.engine(), everything, weights);
    const sampler = new Sampler(everything, weights, on.engine());
    for (const [t, id] of ids.entries()) {
      const p = stepper.read(Int32Array.of(id));
      const z = sampler.read(id);
      const max = Math.max(...z);
      const sum = Array.from(z, (value) => Math.exp(value - max)).reduce((a, b) => a + b);
      for (let v = 0; v < V; v++) {
        expect(Math.abs(p[v] - want[t * V + v])).toBeLessThan(near);
        expect(Math.abs(Math.exp(z[v] - max) / sum - want[t * V + v])).toBeLessThan(near);
      }
    }
  });

  it('a beam of width 1 is what a greedy sampler draws', () => {
    const [beam] = beamSearch(new Stepper(on.engine(), everything, weights), [1, 2], { width: 1, length: 12 });
    const sampler = new Sampler(everything, weights, on.engine());
    expect(sampler.sample([1, 2], 12, new RandomState(0), { greedy: true })).toEqual(beam.ids);
  });

  it('a model for inference predicts and reads in sessions', async () => {
    const model = await createModel(everything, weights, { engine: on.name });
    const want = await model.predict({ inputs: ids, steps: 9, batch: 1 });
    const [one, two] = [model.session(), model.session()];
    for (const [t, id] of ids.entries()) {
      const [p] = model.readAll([two], [id]);
      for (const got of [one.read(id), p]) {
        for (let v = 0; v < V; v++) expect(Math.abs(got[v] - want[t * V + v])).toBeLessThan(near);
      }
    }
    model.dispose();
  });
});

describe('a loss at the last step', () => {
  const spec: ModelSpec = {
    ...{ cell: 'gru', input: 'dense', inputSize: 2, hiddenSize: 3, outputSize: 0, layers: 2, loss: 'squaredError' },
    ...{ layerNorm: true, residual: true },
  };
  // Sequences that begin late, end early, have a gap, have one step, and have none.
  const masks = ['11111', '00111', '11100', '01011', '00100', '00000'];
  const [T, B] = [5, masks.length];
  const mask = Array.from({ length: T * B }, (_, i) => Number(masks[i % B][Math.floor(i / B)]));

  it.each([false, true])('reads the last outputs of each sequence, bidirectional: %s', (bidirectional) => {
    const full = { ...spec, bidirectional };
    const weights = weightsOf(full);
    const outputsOf = (lossAt: 'every' | 'last'): FloatArray => {
      const model: SequenceModel<FloatArray, Int32Array> = new SequenceModel(
        ts64.engine(),
        { ...full, lossAt },
        { steps: T, batch: B },
      );
      for (const [name, values] of Object.entries(weights)) model.parameters.get(name)!.set(values);
      model.loadInputs({ inputs: new RandomState(1).randn(T * B * 2), steps: T, batch: B, mask });
      model.predict();
      return model.outputs();
    };
    const [every, last] = [outputsOf('every'), outputsOf('last')];
    const W = bidirectional ? 6 : 3;
    for (let b = 0; b < B; b++) {
      const [first, end] = masks[b].includes('1') ? [masks[b].indexOf('1'), masks[b].lastIndexOf('1')] : [0, T - 1];
      for (let j = 0; j < W; j++) {
        const t = j < 3 ? end : first;
        expect(last[b * W + j], `${masks[b]}, ${j}`).toBe(every[(t * B + b) * W + j]);
      }
    }
  });
});

/** Windows of a repeated word, padded at times. */
function windows(count: number): TrainingBatch[] {
  return Array.from({ length: count }, (_, n) => {
    const inputs = Int32Array.from({ length: 15 }, (_, i) => (Math.floor(i / 3) + (i % 3) + n) % V);
    return { inputs, targets: inputs.map((id) => (id + 1) % V), ...(n % 3 === 1 ? { lengths: [5, 3, 1] } : {}) };
  });
}

describe('a trainer', () => {
  const options = { steps: 5, batch: 3, engine: 'ts', dtype: 'float64', seed: 1 } as const;

  it.each<[string, ModelSpec]>([
    ['everything', everything],
    ['everything, in both directions', { ...everything, bidirectional: true, inputDense: { size: 10 } }],
    [
      'nothing but an embedding',
      { ...everything, inputDense: null, outputDense: { size: 4 }, residual: true, dropout: 0 },
    ],
  ])('learns: %s', async (_, spec) => {
    const trainer = await createTrainer(spec, { ...options, optimizer: adam({ lr: 0.02 }) });
    await trainer.train(windows(300));
    const [loss] = await trainer.evaluate(windows(1));
    expect(loss).toBeLessThan(0.3);
  });

  it('leaves a frozen table alone, tied and decayed by the optimizer as it is', async () => {
    const frozen = ['embedding.weight', 'norm_l1.weight'];
    const trainer = await createTrainer(everything, {
      ...{ ...options, optimizer: adamw({ lr: 0.02, weightDecay: 0.1 }), l2: 0.1, frozen },
    });
    const before = await trainer.parameters();
    await trainer.train(windows(5));
    const after = await trainer.parameters();
    for (const [name, values] of Object.entries(before)) {
      if (frozen.includes(name)) expect(after[name]).toEqual(values);
      else expect(after[name], name).not.toEqual(values);
    }
  });

  it('moves groups of them by options of their own', async () => {
    const groups = [
      { parameters: 'embedding.weight', lr: 1e-6 },
      { parameters: ['norm_*', '*.bias', 'bias_*'], weightDecay: 0 },
    ];
    const trainer = await createTrainer(everything, { ...options, optimizer: adamw({ lr: 0.02 }), groups });
    const before = await trainer.parameters();
    await trainer.train(windows(5));
    const after = await trainer.parameters();
    for (const [name, values] of Object.entries(before)) {
      const farthest = Math.max(...values.map((value, i) => Math.abs(after[name][i] - value)));
      if (name === 'embedding.weight') expect(farthest).toBeLessThan(1e-5);
      else expect(farthest, name).toBeGreaterThan(1e-3);
    }
  });

  it('drops nothing but while it learns', async () => {
    const rates: DropoutSpec[] = [{ input: 0.5 }, { between: 0.5 }, { output: 0.5 }];
    for (const dropout of rates) {
      const trainer = await createTrainer({ ...everything, dropout }, { ...options, optimizer: adam({ lr: 0 }) });
      const [first, second] = await trainer.train([...windows(1), ...windows(1)]);
      const [plain, again] = await trainer.evaluate([...windows(1), ...windows(1)]);
      expect(again).toBe(plain);
      expect(new Set([first, second, plain]).size).toBe(3);
    }
  });

  it('names the table where it is not finite', async () => {
    const trainer = await createTrainer(everything, { ...options, optimizer: adam({ lr: 0.02 }) });
    const weights = await trainer.parameters();
    const table = weights['embedding.weight'].map(() => 1.7e308);
    await trainer.setParameters({ ...weights, 'embedding.weight': table });
    await expect(trainer.train(windows(1))).rejects.toThrow(/^training step 0: .* holds (NaN|-?Infinity)/);
  });
});

it('an inspector shows what reaches the vectors of an embedding', () => {
  const { dropout: _, ...spec } = everything;
  const bare: ModelSpec = { ...spec, inputDense: null, residual: true, embedding: { size: 3 } };
  const inspector = new Inspector(bare, weightsOf(bare), ids.length, ts64.engine());
  const targets = ids.map((id) => (id + 1) % V);
  const { layers } = inspector.inspect({ inputs: ids, targets });
  const table = inspector.model.gradients.get('embedding.weight')!;
  const want = new Float64Array(table.length);
  for (const [t, id] of ids.entries()) for (let j = 0; j < 3; j++) want[id * 3 + j] += layers[0].dx[t * 3 + j];
  for (const [i, value] of want.entries()) expect(table[i]).toBeCloseTo(value, 12);
  expect(layers.map(({ layer }) => layer)).toEqual([0, 1]);
});
