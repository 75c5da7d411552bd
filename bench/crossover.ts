import type { Training } from './contender.ts';
import { enter, WASM, WEBGPU } from './engine.ts';
import { measure, type Race } from './measure.ts';
import { trainingWorkload, W2 } from './workloads.ts';

const HIDDEN: readonly number[] = [64, 128, 256, 512, 1024];
const BATCHES: readonly number[] = [1, 8, 64];

/** How engine webgpu, end to end, compares with engine wasm on a net of that size. */
export interface Meeting {
  H: number;
  B: number;
  wasm: number;
  webgpu: number;
  /** webgpu / wasm, the median of the rounds. */
  ratio: number;
  adapter: string;
  software: boolean;
}

/** Elman nets over characters, as W2 but for T, small enough for a program that takes the place of a GPU. */
const NET: Training = { ...W2, T: 8 };

/** Which nets, where not all; and whether there is time for another one. */
export interface Grid {
  hidden?: readonly number[];
  batches?: readonly number[];
  goesOn?(): boolean;
}

/**
 * Times training steps of nets of many sizes on engine webgpu and engine wasm in turn.
 *
 * @param report is told each meeting, and the 128-bit peaks of its rounds
 * @throws {Error} where the two disagree.
 */
export async function crossover(
  {
    hidden = HIDDEN,
    batches = BATCHES,
    goesOn = () => true,
    ...race
  }: Pick<Race, 'samples' | 'seconds' | 'start'> & Grid,
  report: (meeting: Meeting, peaks: readonly number[]) => void,
): Promise<void> {
  for (const H of hidden) {
    for (const B of batches) {
      if (!goesOn()) return;
      const workload = trainingWorkload(`H ${H}, B ${B}`, { ...NET, H, B });
      const entrants = [enter(WASM, 1), enter(WEBGPU, 1, 'end-to-end')];
      const { results, peaks } = await measure(workload, entrants, { ...race, reference: WASM, report: () => {} });
      const [wasm, webgpu] = results;
      const { ratio, adapter, software } = webgpu;
      const rates = { wasm: wasm.median, webgpu: webgpu.median, ratio: ratio! };
      report({ H, B, ...rates, adapter: adapter!, software: software! }, peaks);
    }
  }
}

/** A row for each hidden size, a column for each batch: how many times as fast engine webgpu is. */
export function crossoverRows(meetings: readonly Meeting[]): string[][] {
  const batches = [...new Set(meetings.map(({ B }) => B))];
  const sizes = [...new Set(meetings.map(({ H }) => H))];
  const cell = (H: number, B: number): string => {
    const met = meetings.find((meeting) => meeting.H === H && meeting.B === B);
    return met ? met.ratio.toPrecision(2) : '–';
  };
  return [
    ['webgpu / wasm', ...batches.map((B) => `batch ${B}`)],
    ...sizes.map((H) => [`H ${H}`, ...batches.map((B) => cell(H, B))]),
  ];
}

/** For each batch the hidden size from which on engine webgpu is the faster one. */
export function crossoverLine(meetings: readonly Meeting[]): string {
  const [{ adapter, software }] = meetings;
  const where = [...new Set(meetings.map(({ B }) => B))].flatMap((B) => {
    const ofBatch = meetings.filter((meeting) => meeting.B === B).toSorted((a, b) => a.H - b.H);
    const lost = ofBatch.findLastIndex(({ ratio }) => ratio <= 1);
    return lost + 1 < ofBatch.length ? [`batch ${B}: from H ${ofBatch[lost + 1].H} on`] : [];
  });
  const found = where.length > 0 ? where.join(', ') : 'nowhere on this adapter';
  return `WebGPU beats WebAssembly end to end on ${adapter}${software ? ' (software)' : ''}: ${found}`;
}
