import { judgeOf } from './agreement.ts';
import { type DeviceFacts, encode, type Opening, type Rate, type Tensors } from './contender.ts';
import { Contestant } from './contestant.ts';
import { does, type Entrant, enter, PEAK, REFERENCE } from './engines.ts';
import { PEAK_FLOPS } from './peak.ts';
import type { Workload } from './workloads.ts';

/** One row of a benchmark: what an engine did on a workload. */
export interface Result extends Partial<DeviceFacts> {
  workload: string;
  engine: string;
  threads: number;
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
  /** To the float64 TypeScript loops, in the same way; null where they did not run. */
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

/**
 * Holds the engines' results against those of the float64 TypeScript loops, then times them in turn, a sample each, round
 * after round, so that a slow moment of the machine meets them all.
 *
 * @param report is told after each round
 * @throws {Error} where an engine of our own is wrong: it is not worth timing. A peer is left out instead.
 */
export async function measure(
  workload: Workload,
  entrants: readonly Entrant[],
  timing: Timing,
  report: (round: number) => void,
): Promise<Measured> {
  const tensors = workload.tensors();
  const opening = openingOf(workload, tensors);
  const asked = entrants.map((entrant) => new Contestant(entrant, opening));
  // The yardsticks run in every round, asked for or not; but the reference not where it takes half a minute a step.
  const peak = new Contestant(enter(PEAK, 1), opening);
  const reference =
    asked.find(({ entrant }) => entrant.engine === REFERENCE) ??
    (does(REFERENCE, workload, false) ? new Contestant(enter(REFERENCE, 1), opening) : undefined);
  const contestants = [...new Set([peak, ...(reference ? [reference] : []), ...asked])];
  try {
    const { fit, leftOut } = await expectAgreement(workload, tensors, reference, contestants.slice(1));
    const runners = [peak, ...fit];
    const steps: number[] = [];
    for (const runner of runners) steps.push(await warmUp(runner, timing));
    const rates: Rate[][] = runners.map(() => []);
    for (let round = 0; round < timing.samples; round++) {
      for (const [i, runner] of runners.entries()) rates[i].push(await runner.rate(steps[i]));
      report(round + 1);
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

/** The workload as the first line that a contender reads. */
function openingOf({ task }: Workload, tensors: Tensors): string {
  const encoded = Object.entries(tensors).map(([name, values]) => {
    const dtype = values instanceof Int32Array ? 'int32' : values instanceof Float32Array ? 'float32' : 'float64';
    return [name, { dtype, data: encode(values) }];
  });
  return JSON.stringify({ task, tensors: Object.fromEntries(encoded) } satisfies Opening);
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
 * @param reference the rates of the float64 TypeScript loops, where they ran
 */
export function summarise(
  { id, unit, flops }: Pick<Workload, 'id' | 'unit' | 'flops'>,
  { engine, threads }: Pick<Entrant, 'engine' | 'threads'>,
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
