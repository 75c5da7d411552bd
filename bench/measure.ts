import { Contestant } from './contestant.ts';
import type { Workload } from './workloads.ts';

/** One row of a benchmark: what an engine did on a workload. */
export interface Result {
  workload: string;
  engine: string;
  threads: number;
  unit: string;
  /** Of the samples, in units. */
  median: number;
  min: number;
  max: number;
  samples: number[];
}

/** How long one sample takes, and how long each engine is warmed up, in seconds. */
export interface Timing {
  samples: number;
  sampleSeconds: number;
  warmUpSeconds: number;
}

/**
 * Holds the engines' first losses against each other, then times them in turn, a sample each, round after round, so that
 * a slow moment of the machine meets them all.
 *
 * @param report is told after each round
 * @throws {Error} where losses differ: a wrong engine is not worth timing.
 */
export async function measure(
  workload: Workload,
  engines: readonly string[],
  timing: Timing,
  report: (round: number) => void,
): Promise<Result[]> {
  const contestants = engines.map((engine) => new Contestant(workload.id, engine));
  try {
    await expectAgreement(workload, contestants);
    const steps: number[] = [];
    for (const contestant of contestants) steps.push(await warmUp(contestant, timing));
    const samples: number[][] = contestants.map(() => []);
    for (let round = 0; round < timing.samples; round++) {
      for (const [i, contestant] of contestants.entries()) samples[i].push(await contestant.rate(steps[i]));
      report(round + 1);
    }
    return contestants.map(({ engine }, i) => resultOf(workload, engine, samples[i]));
  } finally {
    for (const contestant of contestants) contestant.end();
  }
}

/** @throws {Error} naming workload, engines, step and both losses. */
async function expectAgreement({ id, agreement }: Workload, contestants: readonly Contestant[]): Promise<void> {
  const all = await Promise.all(contestants.map((contestant) => contestant.losses(agreement.steps)));
  all.forEach((losses, i) => {
    losses.forEach((loss, step) => {
      const expected = all[0][step];
      const error = Math.abs(loss - expected) / Math.abs(expected);
      if (error <= agreement.tolerance) return;
      const [a, b] = [`${contestants[0].engine} gives ${expected}`, `${contestants[i].engine} gives ${loss}`];
      throw new Error(`${id}: losses of step ${step} differ by ${error.toExponential(1)}: ${a}, ${b}`);
    });
  });
}

/** Runs a contestant until the compiler has settled; gives how many steps fill a sample. */
async function warmUp(contestant: Contestant, timing: Timing): Promise<number> {
  const end = performance.now() + timing.warmUpSeconds * 1000;
  let speed = await contestant.rate(1);
  while (performance.now() < end) {
    speed = await contestant.rate(Math.max(1, Math.round(speed * Math.min(0.1, timing.sampleSeconds))));
  }
  return Math.max(1, Math.round(speed * timing.sampleSeconds));
}

function resultOf({ id, unit }: Workload, engine: string, samples: number[]): Result {
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    workload: id,
    engine,
    threads: 1,
    unit,
    median: sorted[sorted.length >> 1],
    min: sorted[0],
    max: sorted[sorted.length - 1],
    samples,
  };
}
