import { createTrainer, type TrainingBatch } from 'bptt';
import { RandomState } from 'bptt/tensor';
import type { RaceResult } from './messages.ts';
import { type Settings, specOf, trainerOptions } from './settings.ts';

/** Updates whose losses are compared, and milliseconds that each engine then has, in turns. */
const COMPARED = 10;
const TURNS = 4;
const TURN = 120;

/** The engines train the same net on the same windows: first their losses are compared, then they are timed in turns. */
export async function race(settings: Settings, V: number): Promise<RaceResult[]> {
  const { cell, steps, init, seed } = settings;
  const engines = ['ts', 'wasm'] as const;
  const rng = new RandomState(seed);
  const batches: TrainingBatch[] = Array.from({ length: COMPARED }, (_, i) => ({
    inputs: Int32Array.from({ length: steps }, () => rng.randint(V)),
    targets: Int32Array.from({ length: steps }, () => rng.randint(V)),
    carry: i > 0,
  }));
  const options = { ...trainerOptions(settings), init, seed };
  const spec = specOf(settings, cell, V);
  const trainers = await Promise.all(engines.map((engine) => createTrainer(spec, { ...options, engine })));
  try {
    const losses = await Promise.all(trainers.map((trainer) => trainer.train(batches)));
    const updates = engines.map(() => 0);
    const spent = engines.map(() => 0);
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [i, trainer] of trainers.entries()) {
        const start = performance.now();
        let now = start;
        for (; now - start < TURN; now = performance.now()) {
          await trainer.train(batches);
          updates[i] += COMPARED;
        }
        spent[i] += now - start;
      }
    }
    return engines.map((engine, i) => ({
      engine,
      updatesPerSecond: (1000 * updates[i]) / spent[i],
      difference: Math.max(...losses[i].map((loss, n) => Math.abs(loss - losses[0][n]) / losses[0][n])),
    }));
  } finally {
    for (const trainer of trainers) trainer.dispose();
  }
}
