import { createTrainer as createLazily, createModel as createModelLazily, loadModel as loadModelLazily } from 'bptt';
import { adam } from 'bptt/optim';
import { createModel, createTrainer, loadModel, loadTrainer, saveModel, saveTrainer } from 'bptt/static';
import { describe, expect, it } from 'vitest';

const spec = { cell: 'lstm', inputSize: 7, hiddenSize: 9, outputSize: 7, loss: 'softmaxCrossEntropy' } as const;
const options = { steps: 6, batch: 4, optimizer: adam({ lr: 0.01 }), seed: 1 };
const ids = Int32Array.from({ length: 28 }, (_, i) => (i * i) % 7);
const batches = Array.from({ length: 4 }, () => ({ inputs: ids.slice(0, 24), targets: ids.slice(4), carry: false }));
const engines = [{}, { engine: 'ts' }, { threads: 2 }, { dtype: 'float64' }] as const;

describe('bptt/static', () => {
  it.each(engines)('createTrainer trains as that of bptt, to the bit: %o', async (more) => {
    const [here, there] = [
      await createTrainer(spec, { ...options, ...more }),
      await createLazily(spec, { ...options, ...more }),
    ];
    try {
      expect(here.description).toBe(there.description);
      expect(await here.train(batches)).toEqual(await there.train(batches));
      expect(await here.parameters()).toEqual(await there.parameters());
    } finally {
      here.dispose();
      there.dispose();
    }
  });

  it.each(engines)('createModel predicts as that of bptt, to the bit: %o', async (more) => {
    const trainer = await createTrainer(spec, options);
    const parameters = await trainer.parameters();
    const [here, there] = [await createModel(spec, parameters, more), await createModelLazily(spec, parameters, more)];
    const window = { inputs: ids, batch: 4 };
    expect(here.description).toBe(there.description);
    expect(await here.predict(window)).toEqual(await there.predict(window));
    expect(here.session().read(3)).toEqual(there.session().read(3));
    here.dispose();
    there.dispose();
  });

  it('loads what was saved, and trains on with the same bits', async () => {
    const trainer = await createTrainer(spec, options);
    await trainer.train(batches);
    const { trainer: again, metadata } = await loadTrainer(await saveTrainer(trainer, { metadata: { of: 'ids' } }));
    expect(metadata).toEqual({ of: 'ids' });
    expect(again.description).toBe(trainer.description);
    expect(await again.train(batches)).toEqual(await trainer.train(batches));
    const bytes = await saveModel(trainer);
    const [{ model }, { model: lazy }] = [await loadModel(bytes, { threads: 2 }), await loadModelLazily(bytes)];
    expect(model.description).toBe('wasm: SIMD, 2 threads');
    expect(model.session().read(1)).toEqual(lazy.session().read(1));
    model.dispose();
  });

  it('has no engine webgpu', async () => {
    const webgpu = { engine: 'webgpu' as 'wasm' };
    const wanted = "engine is 'webgpu', expected auto, ts, wasm";
    await expect(createTrainer(spec, { ...options, ...webgpu })).rejects.toThrow(`createTrainer: ${wanted}`);
    await expect(createModel(spec, {}, webgpu)).rejects.toThrow(`createModel: ${wanted}`);
  });
});
