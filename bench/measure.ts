import type { Contender } from './contender.ts';
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
 * Throws unless the engines' first losses agree: a wrong engine is not worth timing.
 *
 * @throws {Error} naming workload, engine, step and both losses.
 */
export function checkAgreement({ id, agreement, contenders }: Workload, engines: readonly string[]): void {
  const [reference, ...others] = engines.map((engine) => firstLosses(contenders[engine](), agreement.steps));
  others.forEach((losses, i) => {
    losses.forEach((loss, step) => {
      const error = Math.abs(loss - reference[step]) / Math.abs(reference[step]);
      if (!(error <= agreement.tolerance)) {
        const [a, b] = [`${engines[0]} gives ${reference[step]}`, `${engines[i + 1]} gives ${loss}`];
        throw new Error(`${id}: losses of step ${step} differ by ${error.toExponential(1)}: ${a}, ${b}`);
      }
    });
  });
}

function firstLosses(contender: Contender, steps: number): number[] {
  return Array.from({ length: steps }, () => contender.step());
}

/**
 * Times the engines in turn, a sample each, round after round, so that a slow moment of the machine meets them all.
 *
 * @param report is told after each round
 */
export function measure(
  { id, unit, contenders }: Workload,
  engines: readonly string[],
  timing: Timing,
  report: (round: number) => void,
): Result[] {
  const runners = engines.map((engine) => warmUp(contenders[engine](), timing));
  const samples: number[][] = engines.map(() => []);
  for (let round = 0; round < timing.samples; round++) {
    runners.forEach(({ contender, steps }, i) => {
      samples[i].push(rate(contender, steps));
    });
    report(round + 1);
  }
  return runners.map(({ contender }, i) => {
    const sorted = samples[i].toSorted((a, b) => a - b);
    return {
      workload: id,
      engine: contender.engine,
      threads: contender.threads,
      unit,
      median: sorted[sorted.length >> 1],
      min: sorted[0],
      max: sorted[sorted.length - 1],
      samples: samples[i],
    };
  });
}

/** Runs a contender until the compiler has settled, and finds how many steps fill a sample. */
function warmUp(contender: Contender, timing: Timing): { contender: Contender; steps: number } {
  const end = performance.now() + timing.warmUpSeconds * 1000;
  let steps = 1;
  let speed = rate(contender, steps);
  while (performance.now() < end) {
    steps = Math.max(1, Math.round(speed * Math.min(0.1, timing.sampleSeconds)));
    speed = rate(contender, steps);
  }
  return { contender, steps: Math.max(1, Math.round(speed * timing.sampleSeconds)) };
}

/** Steps per second over that many steps. */
function rate(contender: Contender, steps: number): number {
  const start = performance.now();
  for (let i = 0; i < steps; i++) contender.step();
  return (steps * 1000) / (performance.now() - start);
}
