import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModel } from '../../src/bptt/createModel.ts';
import { createSampler, initialParameters } from '../../src/bptt/createTrainer.ts';
import { BF16, halfOfNumber, numberOfHalf } from '../../src/bptt/halfFloats.ts';
import { SequenceModel } from '../../src/bptt/model.ts';
import { loadModel, saveModel } from '../../src/bptt/save.ts';
import { type ModelSpec, type NamedTensors, parameterLayout, resolveSpec } from '../../src/bptt/spec.ts';
import { stepperAllocationPlan } from '../../src/bptt/stepper.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { wasmEngine } from '../../src/wasm/engine.ts';
import { expectNear } from '../layers/support.ts';

const V = 7;
const base = { inputSize: V, outputSize: V, loss: 'softmaxCrossEntropy' } as const;
const lstm: ModelSpec = { ...base, cell: 'lstm', hiddenSize: 12 };

/** Weights that tell every part from every other, biases included. */
function weightsOf(spec: ModelSpec, seed = 3): NamedTensors {
  const rng = new RandomState(seed);
  const weights = initialParameters(spec, 'float32', 'orthogonal', rng);
  for (const values of Object.values(weights)) for (let i = 0; i < values.length; i++) values[i] += 0.3 * rng.randn();
  return weights;
}

/** The same with their matrices rounded beforehand. */
function roundedOf(spec: ModelSpec, weights: NamedTensors): NamedTensors {
  const matrices = parameterLayout(resolveSpec(spec)).filter(({ shape }) => shape.length === 2);
  const round = (x: number): number => numberOfHalf(halfOfNumber(x, BF16), BF16);
  return { ...weights, ...Object.fromEntries(matrices.map(({ name }) => [name, weights[name].map(round)])) };
}

const specs: fc.Arbitrary<ModelSpec> = fc
  .record({
    cell: fc.constantFrom('elman', 'gru', 'gruResetBefore', 'lstm', 'lstmPeephole', 'minGru'),
    hiddenSize: fc.constantFrom(1, 3, 8, 12, 17),
    layers: fc.constantFrom(1, 2),
    bias: fc.constantFrom('both', 'input', 'none'),
    initialState: fc.constantFrom('zero', 'learned'),
    layerNorm: fc.boolean(),
    residual: fc.boolean(),
    around: fc.constantFrom('nothing', 'embedding', 'tied', 'dense'),
  })
  .map(({ around, ...own }) => {
    const extra = {
      ...(around === 'embedding' && { embedding: { size: 5 } }),
      ...(around === 'tied' && { embedding: { size: 9, tied: true }, outputDense: { size: 9, activation: 'tanh' } }),
      ...(around === 'dense' && { inputDense: { size: 6, activation: 'relu' }, outputDense: { size: 10 } }),
    };
    return { ...base, ...own, ...extra } as unknown as ModelSpec;
  })
  .filter((spec) => {
    try {
      resolveSpec(spec);
      return true;
    } catch {
      return false;
    }
  });

describe('models with bf16 weights', () => {
  test('have the bits of models whose weights were rounded beforehand, however they are read', async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.nat(), fc.boolean(), async (spec, seed, bidirectional) => {
        const rng = new RandomState(seed);
        const weights = weightsOf(spec, seed);
        const full = bidirectional ? { ...spec, bidirectional, layers: 1, residual: false } : spec;
        const own = bidirectional ? weightsOf(full, seed) : weights;
        const models = [
          await createModel(full, own, { engine: 'wasm', weights: 'bf16' }),
          await createModel(full, roundedOf(full, own), { engine: 'wasm' }),
        ];
        const batch = { inputs: Int32Array.from(rng.randint(0, V, 5 * 6)), steps: 6, batch: 5 };
        const [got, want] = await Promise.all(models.map((model) => model.predict(batch)));
        expect(got).toEqual(want);
        if (!bidirectional) {
          for (const count of [1, 3, 5]) {
            const sessions = models.map((model) => Array.from({ length: count }, () => model.session()));
            for (let step = 0; step < 4; step++) {
              const ids = Array.from(rng.randint(0, V, count));
              const [a, b] = models.map((model, i) => model.readAll(sessions[i], ids));
              expect(a).toEqual(b);
              const [c, d] = sessions.map(([first]) => first.read(ids[0]));
              expect(c).toEqual(d);
            }
            expect(sessions[0][0].state()).toEqual(sessions[1][0].state());
          }
        }
        for (const model of models) model.dispose();
      }),
      { numRuns: 25 },
    );
  });

  test('of engine ts have the rounded weights as float32, so that results agree', async () => {
    const weights = weightsOf(lstm);
    const [wasm, ts] = await Promise.all(
      (['wasm', 'ts'] as const).map((engine) => createModel(lstm, weights, { engine, weights: 'bf16' })),
    );
    expect(wasm.description).toBe('wasm: SIMD, weights as bf16');
    expect(ts.description).toBe('ts: asked for, weights rounded to bf16, kept as float32');
    for (const { parameters } of [wasm, ts]) expect(parameters).toEqual(roundedOf(lstm, weights));
    const inputs = Int32Array.of(1, 6, 2, 0, 3, 3);
    const [got, want] = [await wasm.predict({ inputs, batch: 1 }), await ts.predict({ inputs, batch: 1 })];
    // As two engines in float32 differ: a few roundings of each of six steps, of weights of norm up to about 2.
    expectNear(got, want, 6 * 40 * 4);
  });

  test('share the sequences of a batch in threads', async () => {
    const weights = weightsOf(lstm);
    const models = [
      await createModel(lstm, weights, { threads: 2, weights: 'bf16' }),
      await createModel(lstm, roundedOf(lstm, weights), { threads: 2 }),
    ];
    const batch = { inputs: Int32Array.from(new RandomState(1).randint(0, V, 11 * 5)), batch: 11 };
    for (let i = 0; i < 4; i++) {
      const [got, want] = await Promise.all(models.map((model) => model.predict(batch)));
      expect(got).toEqual(want);
    }
    for (const model of models) model.dispose();
  });

  test('are made of files, and saved again without loss', async () => {
    const bytes = await saveModel({ spec: lstm, parameters: weightsOf(lstm) });
    const { model } = await loadModel(bytes, { weights: 'bf16' });
    expect(model.parameters).toEqual(roundedOf(lstm, weightsOf(lstm)));
    const again = await loadModel(await saveModel(model, { dtype: 'BF16' }), { weights: 'bf16' });
    for (const { name, shape } of parameterLayout(model.spec)) {
      if (shape.length === 2) expect(again.model.parameters[name]).toEqual(model.parameters[name]);
    }
  });
});

describe('samplers with bf16 weights', () => {
  test('draw what those draw whose weights were rounded beforehand, with half of the memory for the weights', async () => {
    const weights = weightsOf(lstm);
    const [half, full] = [
      await createSampler(lstm, weights, { engine: 'wasm', weights: 'bf16' }),
      await createSampler(lstm, roundedOf(lstm, weights), { engine: 'wasm' }),
    ];
    expect([half.description, full.description]).toEqual(['wasm+bf16', 'wasm']);
    for (const id of [0, 5, 5, 1]) expect(half.read(id)).toEqual(full.read(id));
    const [a, b] = [half, full].map((sampler) => sampler.sample([2], 50, new RandomState(4)));
    expect(a).toEqual(b);
    const ts = await createSampler(lstm, weights, { engine: 'ts', weights: 'bf16' });
    ts.reset();
    half.reset();
    expectNear(half.read(3), ts.read(3), 40 * 4);
    const sum = (lengths: readonly number[]): number => lengths.reduce((p, q) => p + q, 0);
    const matrices = 48 * 7 + 48 * 12 + 7 * 12;
    expect(sum(stepperAllocationPlan(lstm)) - sum(stepperAllocationPlan(lstm, 'bf16'))).toBe(matrices / 2);
  });
});

test('bf16 is refused by name where it is not supported', async () => {
  const weights = weightsOf(lstm);
  const wide = initialParameters(lstm, 'float64', 'orthogonal', new RandomState(0));
  const bf16 = { weights: 'bf16' } as const;
  const wrong = { weights: 'f16' as 'bf16' };
  for (const [name, make] of [['createModel', createModel] as const, ['createSampler', createSampler] as const]) {
    await expect(make(lstm, wide, bf16)).rejects.toThrow(
      new RangeError(`${name}: weights bf16 go with float32, dtype is float64`),
    );
    await expect(make(lstm, weights, { ...bf16, engine: 'webgpu' })).rejects.toThrow(
      new RangeError(`${name}: engine webgpu keeps weights as float32, weights is bf16`),
    );
    await expect(make(lstm, weights, wrong)).rejects.toThrow(`${name}: weights is 'f16', expected float32, bf16`);
    // float32 reaches beyond the largest bfloat16 by half a unit in the last place.
    const large = { ...weights, weight_ho: weights.weight_ho.map((x, i) => (i === 3 ? 3.4e38 : x)) };
    await expect(make(lstm, large, bf16)).rejects.toThrow(
      `${name}: weight_ho[3] is ${Math.fround(3.4e38)}, which is no bf16`,
    );
    await expect(make(lstm, { ...weights, more: weights.bias_ho }, bf16)).rejects.toThrow(
      `${name}: more is no parameter of this model`,
    );
  }
});

test('an engine of bf16 weights does not train', () => {
  const engine = wasmEngine({ lengths: [1000], fixedWeights: 'bf16' });
  expect(() => new SequenceModel(engine, lstm, { steps: 1, batch: 1 })).toThrow(
    new RangeError('SequenceModel: the engine keeps weights as bf16, which are for prediction: backward must be false'),
  );
});
