import { createTrainer as createLazily } from 'bptt';
import { adam } from 'bptt/optim';
import { createTrainer } from 'bptt/static';
import { describe, expect, it } from 'vitest';

const spec = { cell: 'lstm', inputSize: 7, hiddenSize: 9, outputSize: 7, loss: 'softmaxCrossEntropy' } as const;
const options = { steps: 6, batch: 4, optimizer: adam({ lr: 0.01 }), seed: 1 };
const ids = Int32Array.from({ length: 28 }, (_, i) => (i * i) % 7);
const batches = Array.from({ length: 4 }, () => ({ inputs: ids.slice(0, 24), targets: ids.slice(4), carry: false }));

describe('createTrainer of bptt/static', () => {
  it.each([{}, { engine: 'ts' }, { threads: 2 }, { dtype: 'float64' }] as const)(
    'trains as that of bptt, to the bit: %o',
    async (more) => {
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
    },
  );

  it('has no engine webgpu', async () => {
    await expect(createTrainer(spec, { ...options, engine: 'webgpu' as 'wasm' })).rejects.toThrow(
      "createTrainer: engine is 'webgpu', expected auto, ts, wasm",
    );
  });
});
