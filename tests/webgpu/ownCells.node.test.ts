import { createTrainer } from 'bptt';
import { adam } from 'bptt/optim';
import { expect, test } from 'vitest';
import { gpuEnvironment } from '../../scripts/softwareGpu.ts';
import { everything, still } from '../testing/cells.ts';

Object.assign(process.env, await gpuEnvironment());

test.each([everything, still].map((cell) => [cell.name, cell] as const))(
  'a cell of one’s own gives the losses of engine ts: %s',
  async (_, cell) => {
    const [steps, batch, V] = [7, 5, 4];
    const inputs = Int32Array.from({ length: steps * batch }, (_one, i) => (i * 7 + Math.floor(i / 5)) % V);
    const window = { inputs, targets: inputs.map((id) => (id + 1) % V), lengths: [7, 3, 0, 5, 1] };
    const losses: Float64Array[] = [];
    for (const engine of ['ts', 'webgpu'] as const) {
      const trainer = await createTrainer(
        {
          ...{ cell, inputSize: V, hiddenSize: 6, outputSize: V, layers: 2, bidirectional: true },
          ...{ loss: 'softmaxCrossEntropy', reduction: 'mean', initialState: 'learned' },
        },
        { steps, batch, optimizer: adam({ lr: 0.02 }), engine, seed: 3 },
      );
      losses.push(await trainer.train(Array(30).fill(window)));
      trainer.dispose();
    }
    expect(losses[0][29]).toBeLessThan(0.1 * losses[0][0]);
    for (const [i, loss] of losses[0].entries()) expect(Math.abs(losses[1][i] - loss)).toBeLessThan(1e-4);
  },
);
