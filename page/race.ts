import type { Trainer, TrainingBatch } from 'bptt';
import { RandomState } from 'bptt/tensor';
import type { RaceResult } from './messages.ts';
import { freshTrainer, specOf } from './model.ts';
import type { PageEngine, Settings } from './settings.ts';

/** Updates whose losses are compared, and milliseconds that each engine then has, in turns. */
const COMPARED = 10;
const TURNS = 4;
const TURN = 120;

const ENGINES: readonly PageEngine[] = ['ts', 'wasm', 'webgpu'];

/** An engine in the race. */
interface Runner {
  readonly trainer: Trainer;
  readonly losses: Float64Array;
  updates: number;
  milliseconds: number;
}

/**
 * The engines train the same net on the same windows: first their losses are compared, then they are timed in turns. One that
 * is not to be had says why.
 */
export async function race(settings: Settings, V: number): Promise<RaceResult[]> {
  const { cell, steps, batch, seed } = settings;
  const rng = new RandomState(seed);
  const ids = (): Int32Array => Int32Array.from({ length: steps * batch }, () => rng.randint(V));
  const batches: TrainingBatch[] = Array.from({ length: COMPARED }, (_, i) => ({
    ...{ inputs: ids(), targets: ids(), steps, batch, carry: i > 0 },
  }));
  const runners: (Runner | string)[] = [];
  try {
    for (const engine of ENGINES) {
      try {
        const trainer = await freshTrainer({ ...settings, engine }, specOf(settings, cell, V));
        runners.push({ trainer, losses: await trainer.train(batches), updates: 0, milliseconds: 0 });
      } catch (error) {
        runners.push(error instanceof Error ? error.message : String(error));
      }
    }
    const running = runners.filter((runner) => typeof runner !== 'string');
    for (let turn = 0; turn < TURNS; turn++) {
      for (const runner of running) {
        const start = performance.now();
        let now = start;
        for (; now - start < TURN; now = performance.now()) {
          await runner.trainer.train(batches);
          runner.updates += COMPARED;
        }
        runner.milliseconds += now - start;
      }
    }
    const [{ losses: first }] = running;
    return runners.map((runner, i) => {
      const engine = ENGINES[i];
      if (typeof runner === 'string') return { engine, why: runner };
      const { trainer, losses, updates, milliseconds } = runner;
      return {
        ...{ engine, description: trainer.description, updatesPerSecond: (1000 * updates) / milliseconds },
        difference: Math.max(...losses.map((loss, n) => Math.abs(loss - first[n]) / first[n])),
      };
    });
  } finally {
    for (const runner of runners) if (typeof runner !== 'string') runner.trainer.dispose();
  }
}
