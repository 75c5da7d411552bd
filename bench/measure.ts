import { judgeOf } from './agreement.ts';
import type { DeviceFacts, Rate, Scope, Tensors } from './contender.ts';
import type { Contestant } from './contestant.ts';
import { does, type Engine, type Entrant, enter, PEAK } from './engine.ts';
import { PEAK_FLOPS } from './peak.ts';
import type { Workload } from './workloads.ts';

/** One row of a benchmark: what an engine did on a workload. */
export interface Result extends Partial<DeviceFacts> {
  workload: string;
  engine: string;
  threads: number;
  /** What the time of an engine on a device covers. */
  scope: Scope | null;
  unit: string;
  /** Of the samples, in units. */
  median: number;
  min: number;
  max: number;
  samples: number[];
  /** Multiplications and additions of one unit of work, and 10⁹ of them a second at the median. */
  flops: number;
  gflops: number;
  /** Of the 128-bit peak of as many cores as threads: the median of the rounds, each against its own peak. */
  shareOfPeak: number;
  /** To the reference, in the same way; null where it did not run. */
  ratio: number | null;
  /** CPU seconds for each second, the median. */
  cores: number;
}

export interface Measured {
  results: Result[];
  /** The 128-bit peak of one core in each round, in GFLOP/s. */
  peaks: number[];
  /** Peers that did the work wrong or not at all, and what was wrong. */
  leftOut: string[];
}

/** How many samples, and how many seconds one takes. */
export interface Timing {
  samples: number;
  seconds: number;
}

export interface Race extends Timing {
  /** Against whom results are held and rates are taken: asked for or not, but where it takes half a minute a step. */
  reference: Engine;
  /** Puts an entrant somewhere of its own. */
  start(entrant: Entrant, workload: Workload, tensors: Tensors): Contestant;
  /** Is told after each round. */
  report(round: number): void;
}

/**
 * Holds the engines' results against those of the reference, then times them in turn, a sample each, round after round, so
 * that a slow moment of the machine meets them all.
 *
 * @throws {Error} where an engine of our own is wrong: it is not worth timing. A peer is left out instead.
 */
export async function measure(workload: Workload, entrants: readonly Entrant[], race: Race): Promise<Measured> {
  const tensors = workload.tensors();
  const start = (entrant: Entrant): Contestant => race.start(entrant, workload, tensors);
  const asked = entrants.map(start);
  // The yardsticks run in every round, asked for or not.
  const peak = start(enter(PEAK, 1));
  const reference =
    asked.find(({ entrant }) => entrant.engine === race.reference) ??
    (does(race.reference, workload, false) ? start(enter(race.reference, 1)) : undefined);
  const contestants = [...new Set([peak, ...(reference ? [reference] : []), ...asked])];
  try {
    const { fit, leftOut } = await expectAgreement(workload, tensors, reference, contestants.slice(1));
    const runners = [peak, ...fit];
    const steps: number[] = [];
    for (const runner of runners) steps.push(await warmUp(runner, race));
    const rates: Rate[][] = runners.map(() => []);
    for (let round = 0; round < race.samples; round++) {
      for (const [i, runner] of runners.entries()) rates[i].push(await runner.rate(steps[i]));
      race.report(round + 1);
    }
    const of = (runner: Contestant | undefined): Rate[] | undefined => runner && rates[runners.indexOf(runner)];
    const peaks = of(peak)!.map(({ rate }) => (rate * PEAK_FLOPS) / 1e9);
    const results: Result[] = [];
    for (const runner of asked.filter((one) => fit.includes(one))) {
      const row = summarise(workload, runner.entrant, of(runner)!, peaks, of(reference));
      results.push({ ...row, ...(await runner.device()) });
    }
    return { results, peaks, leftOut };
  } finally {
    for (const contestant of contestants) contestant.end();
  }
}

/** Those who do the work right. @throws {Error} naming workload, engine and what is wrong, of an engine of our own. */
async function expectAgreement(
  workload: Workload,
  tensors: Tensors,
  reference: Contestant | undefined,
  contestants: readonly Contestant[],
): Promise<{ fit: Contestant[]; leftOut: string[] }> {
  const answers = await Promise.allSettled(contestants.map((contestant) => contestant.results(workload.checked)));
  const expected = reference && answers[contestants.indexOf(reference)];
  const judge = judgeOf(workload, tensors, expected?.status === 'fulfilled' ? expected.value : []);
  const fit: Contestant[] = [];
  const leftOut: string[] = [];
  for (const [i, contestant] of contestants.entries()) {
    const { engine, label } = contestant.entrant;
    const answer = answers[i];
    const wrong = answer.status === 'fulfilled' ? judge(answer.value) : (answer.reason as Error).message;
    if (wrong === undefined) fit.push(contestant);
    else if (engine.peer) leftOut.push(`${workload.id}: ${label} is left out: ${wrong}`);
    else throw new Error(`${workload.id}: ${label}: ${wrong}`);
  }
  return { fit, leftOut };
}

/** Runs a contestant four samples long, until the compiler has settled; gives how many steps fill a sample. */
async function warmUp(contestant: Contestant, { seconds }: Timing): Promise<number> {
  const end = performance.now() + 4 * seconds * 1000;
  let { rate } = await contestant.rate(1);
  while (performance.now() < end) {
    rate = (await contestant.rate(Math.max(1, Math.round(rate * Math.min(0.1, seconds))))).rate;
  }
  return Math.max(1, Math.round(rate * seconds));
}

/**
 * The row of an engine.
 *
 * @param rates one for each round, as all that follow
 * @param peaks of one core, in GFLOP/s
 * @param reference the rates of the reference, where it ran
 */
export function summarise(
  { id, unit, flops }: Pick<Workload, 'id' | 'unit' | 'flops'>,
  { engine, threads, scope }: Pick<Entrant, 'engine' | 'threads' | 'scope'>,
  rates: readonly Rate[],
  peaks: readonly number[],
  reference: readonly Rate[] | undefined,
): Result {
  const samples = rates.map(({ rate }) => rate);
  const median = medianOf(samples);
  return {
    workload: id,
    engine: engine.name,
    threads,
    scope,
    unit,
    median,
    min: Math.min(...samples),
    max: Math.max(...samples),
    samples,
    flops,
    gflops: (median * flops) / 1e9,
    shareOfPeak: medianOf(samples.map((rate, round) => (rate * flops) / 1e9 / (peaks[round] * threads))),
    ratio: reference ? medianOf(samples.map((rate, round) => rate / reference[round].rate)) : null,
    cores: medianOf(rates.map(({ cores }) => cores)),
  };
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
