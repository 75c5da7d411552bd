import { describe, expect, test } from 'vitest';
import { createModel } from '../../src/bptt/createModel.ts';
import { createSampler, createTrainer } from '../../src/bptt/createTrainer.ts';
import { loadModel, saveModel } from '../../src/bptt/save.ts';
import type { ModelSpec } from '../../src/bptt/spec.ts';
import { fromStateDict, readNpz, type StateTensor, writeNpz } from '../../src/interop/index.ts';
import { adagrad, adam, adamw, notebookRprop, rmsprop, rprop, sgd } from '../../src/optim/index.ts';
import { RandomState } from '../../src/tensor/random.ts';
import { expectClose } from './expectAnswer.ts';
import { answer } from './reference.ts';

const [V, D, H, layers] = [6, 3, 5, 2];

/** A net of symbols as people write it in PyTorch: an embedding, an LSTM or GRU of two layers, a linear layer. */
async function foreign(gates: 3 | 4): Promise<ReturnType<typeof fromStateDict>> {
  const rng = new RandomState(gates);
  const tensor = (...shape: number[]): StateTensor & { values: Float32Array } => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { shape, values: Float32Array.from(rng.uniform(-0.6, 0.6, length)) };
  };
  const state: Record<string, ReturnType<typeof tensor>> = { 'emb.weight': tensor(V, D) };
  for (let layer = 0; layer < layers; layer++) {
    state[`rnn.weight_ih_l${layer}`] = tensor(gates * H, layer === 0 ? D : H);
    state[`rnn.weight_hh_l${layer}`] = tensor(gates * H, H);
    state[`rnn.bias_ih_l${layer}`] = tensor(gates * H);
    state[`rnn.bias_hh_l${layer}`] = tensor(gates * H);
  }
  Object.assign(state, { 'fc.weight': tensor(V, H), 'fc.bias': tensor(V) });
  const file = writeNpz(
    Object.fromEntries(Object.entries(state).map(([name, t]) => [name, { ...t, shape: [...t.shape] }])),
  );
  return fromStateDict(await readNpz(file), { spec: { loss: 'softmaxCrossEntropy', reduction: 'mean' } });
}

const text = Int32Array.from({ length: 60 }, (_, i) => [0, 3, 1, 4, 2, 5][i % 6]);

function softmax(sums: readonly number[]): number[] {
  const powers = sums.map(Math.exp);
  const total = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / total);
}

describe.each([3, 4] as const)('a net from elsewhere, of %i gates', (gates) => {
  test('predicts, all at once and step by step, and is saved as any other', async () => {
    const { spec, parameters } = await foreign(gates);
    const { y } = answer({ spec, parameters }, { T: text.length, B: 1, x: text });
    const wanted = Array.from(text, (_, t) => softmax(y.slice(t * V, (t + 1) * V)));
    const model = await createModel(spec, parameters);
    expectClose(await model.predict({ inputs: text, batch: 1 }), wanted.flat());
    const { model: again } = await loadModel(await saveModel({ spec, parameters }));
    for (const one of [model, again]) {
      const session = one.session();
      for (const [t, id] of text.entries()) expectClose(session.read(id), wanted[t]);
    }
  });

  test('is sampled from, by the chances that it gives', async () => {
    const { spec, parameters } = await foreign(gates);
    const sampler = await createSampler(spec as ModelSpec, parameters);
    const drawn = await sampler.sample([0], 20, new RandomState(1), { greedy: true });
    const { y } = answer({ spec, parameters }, { T: 20, B: 1, x: [0, ...drawn.slice(0, -1)] });
    for (const [t, id] of Array.from(drawn).entries()) {
      const row = y.slice(t * V, (t + 1) * V);
      expect(row[id]).toBeGreaterThan(Math.max(...row) - 1e-5);
    }
    sampler.dispose();
  });

  test.each([
    ...[sgd({ lr: 0.5, momentum: 0.9 }), adagrad({ lr: 0.1 }), adam({ lr: 0.02 }), adamw({ lr: 0.02 })],
    ...[rmsprop({ lr: 0.01 }), rprop({ lr: 0.01 }), notebookRprop({ delta: 0.005 })],
  ])('is trained further by $name', async (optimizer) => {
    const { spec, parameters } = await foreign(gates);
    const trainer = await createTrainer(spec, { steps: 12, batch: 1, optimizer });
    await trainer.setParameters(parameters);
    const batch = { inputs: text.slice(0, 12), targets: text.slice(1, 13) };
    const { y } = answer({ spec, parameters }, { T: 12, B: 1, x: batch.inputs });
    const nats = Array.from(batch.targets, (id, t) => -Math.log(softmax(y.slice(t * V, (t + 1) * V))[id]));
    const losses = await trainer.train(Array.from({ length: 60 }, () => batch));
    expectClose([losses[0]], [nats.reduce((a, b) => a + b) / 12]);
    expect(losses[59]).toBeLessThan(0.6 * losses[0]);
    trainer.dispose();
  });
});
