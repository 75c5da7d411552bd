import { type GradcheckOptions, type GradcheckReport, gradcheck } from 'bptt';
import { RandomState } from 'bptt/tensor';
import type { GradcheckCase } from './gradcheckCase.ts';
import { layerCases } from './gradcheckLayers.ts';
import { sequenceCases } from './gradcheckSequences.ts';
import { tensorCases } from './gradcheckTensor.ts';

/**
 * All that has a hand-written gradient. `npm run gradcheck` runs every case at a few sizes, the property tests at random
 * ones. A new function joins by a case in the list of its room.
 */
export const gradcheckCases: readonly GradcheckCase[] = [...tensorCases, ...layerCases, ...sequenceCases];

/** Runs one case at one choice of sizes. */
export function runCase(
  { make }: GradcheckCase,
  sizes: Record<string, number>,
  seed: number,
  options: Omit<GradcheckOptions, 'seed'> = {},
): GradcheckReport {
  const { fn, params } = make(sizes, new RandomState(seed));
  return gradcheck(fn, params, { ...options, seed });
}

/** The smallest sizes, then `count` − 1 random ones, each at most `spread` above its smallest. */
export function drawSizes(
  { smallest }: GradcheckCase,
  random: RandomState,
  count: number,
  spread: number,
): Record<string, number>[] {
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(smallest).map(([letter, least]) => [letter, i === 0 ? least : least + random.randint(spread + 1)]),
    ),
  );
}

/** Several reports of one case as one. */
export function mergeReports(reports: readonly GradcheckReport[]): GradcheckReport {
  const sum = (count: (report: GradcheckReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const worst = reports
    .flatMap((report) => report.worst ?? [])
    .reduce<GradcheckReport['worst']>((a, b) => (a && a.relativeError >= b.relativeError ? a : b), undefined);
  return {
    ...reports[0],
    passed: reports.every(({ passed }) => passed),
    failures: reports.flatMap(({ failures }) => failures),
    checked: sum(({ checked }) => checked),
    inconclusive: sum(({ inconclusive }) => inconclusive),
    checks: reports.flatMap(({ checks }) => checks),
    kinks: reports.flatMap(({ kinks }) => kinks),
    worst,
  };
}
