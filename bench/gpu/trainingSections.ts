import { cpus } from 'node:os';
import { judgeOf } from '../agreement.ts';
import type { Contestant } from '../contestant.ts';
import { crossover } from '../crossover.ts';
import { does, type Entrant, enter, REFERENCE, WASM, WEBGPU } from '../engine.ts';
import { medianOf } from '../measure.ts';
import { ProcessContestant } from '../processContestant.ts';
import { trainingWorkload, WORKLOADS, type Workload } from '../workloads.ts';
import type { Effort, Run, Section } from './section.ts';
import { figure, words } from './timing.ts';

/** Of the bundle: the argument after which its process is that of a contender. */
export const CONTENDER = '--contender';

/** The workload, or with small effort one of its kind that a program in a GPU's place does in a moment. */
export function workloadOf(id: string, effort: Effort): Workload {
  const workload = WORKLOADS.find((one) => one.id === id)!;
  if (effort === 'full' || workload.task.kind !== 'training') return workload;
  const { task } = workload;
  const small = { H: Math.min(task.H, 24), T: 6, B: Math.min(task.B, 4) };
  return trainingWorkload(`${id}-small`, { ...task, ...small, optimizer: 'sgd', lr: 0.01 });
}

const training = (id: string, seconds: number, threads: readonly number[]): Section => ({
  name: id,
  title: `${id}: training, engine webgpu beside engine wasm`,
  seconds: { full: seconds, small: 45 },
  async run(run) {
    const workload = workloadOf(id, run.effort);
    const most = run.effort === 'small' ? 2 : cpus().length;
    const entrants = [
      enter(WEBGPU, 1, 'compute'),
      enter(WEBGPU, 1, 'end-to-end'),
      ...threads.filter((count) => count <= most).map((count) => enter(WASM, count)),
    ];
    await race(workload, entrants, run);
  },
});

export const TRAININGS: readonly Section[] = [
  training('W1', 25, [1]),
  training('W2', 35, [1, 2, 4, 8, 16]),
  training('W3', 45, [1, 2, 4, 8, 16]),
];

export const SQUARES: Section = {
  name: 'W4',
  title: 'W4: products, engine webgpu beside engine wasm',
  seconds: { full: 25, small: 30 },
  async run(run) {
    const entrants = [enter(WEBGPU, 1, 'compute'), enter(WEBGPU, 1, 'end-to-end'), enter(WASM, 1)];
    for (const N of run.effort === 'small' ? [64] : [1024, 256]) {
      await race(workloadOf(`W4-${N}`, run.effort), entrants, run, 0.2);
    }
  },
};

/** A process of the bundle that is a contender. */
function startContender(entrant: Entrant, workload: Workload, tensors: ReturnType<Workload['tensors']>): Contestant {
  const { engine, threads, scope } = entrant;
  const own = JSON.stringify({ ...engine.own!, threads, scope });
  const program = { command: process.execPath, args: [process.argv[1], CONTENDER, own] };
  return new ProcessContestant(entrant, workload, tensors, program);
}

/** Each of them alone: whether it does the work right, then how fast. One that fails is told, and the next one runs. */
async function race(
  workload: Workload,
  entrants: readonly Entrant[],
  { emit, effort, left }: Run,
  seconds = 0.4,
): Promise<void> {
  const tensors = workload.tensors();
  const with_ = async <T>(entrant: Entrant, work: (contestant: Contestant) => Promise<T>): Promise<T> => {
    const contestant = startContender(entrant, workload, tensors);
    try {
      return await work(contestant);
    } finally {
      contestant.end();
    }
  };
  // Those of W3 are recorded, and a product is made here.
  const isExpected = workload.task.kind === 'training' && does(REFERENCE, workload, false);
  const expected = isExpected
    ? await with_(enter(REFERENCE, 1), (contestant) => contestant.results(workload.checked))
    : [];
  const judge = judgeOf(workload, tensors, expected);
  for (const entrant of entrants) {
    const engine = entrant.label;
    if (left() < 0) {
      emit('left out', { what: engine });
      continue;
    }
    try {
      await with_(entrant, async (contestant) => {
        const wrong = judge(await contestant.results(workload.checked));
        const { median, min, max, cores } = await sample(contestant, effort === 'small' ? 0.05 : seconds);
        const facts = await contestant.device();
        emit(workload.id, {
          ...{ engine, [workload.unit]: figure(median), min: figure(min), max: figure(max) },
          ...{ 'ms each': figure(1000 / median), 'GFLOP/s': figure((median * workload.flops) / 1e9) },
          ...{ cores: figure(cores), dispatches: facts?.dispatchesPerStep ?? null },
          ...{ submits: facts?.submitsPerStep ?? null, buffers: facts?.buffersPerStep ?? null },
          ...{ readbacks: facts?.readbacksPerStep ?? null, results: wrong ?? 'right' },
        });
      });
    } catch (error) {
      emit('failures', { what: engine, message: words(error) });
    }
  }
}

const SAMPLES = 5;

async function sample(
  contestant: Contestant,
  seconds: number,
): Promise<{ median: number; min: number; max: number; cores: number }> {
  const end = performance.now() + 4 * seconds * 1000;
  let { rate } = await contestant.rate(1);
  while (performance.now() < end) ({ rate } = await contestant.rate(Math.max(1, Math.round(rate * seconds * 0.5))));
  const samples: Awaited<ReturnType<Contestant['rate']>>[] = [];
  for (let n = 0; n < SAMPLES; n++) samples.push(await contestant.rate(Math.max(1, Math.round(rate * seconds))));
  const rates = samples.map((one) => one.rate);
  const cores = medianOf(samples.map((one) => one.cores));
  return { median: medianOf(rates), min: Math.min(...rates), max: Math.max(...rates), cores };
}

export const CROSSOVER: Section = {
  name: 'crossover',
  title: 'From which net on engine webgpu, end to end, beats engine wasm on one thread',
  seconds: { full: 55, small: 45 },
  async run({ emit, effort, left }) {
    const seconds = effort === 'small' ? 0.02 : 0.1;
    const sizes = effort === 'small' ? { hidden: [16, 32], batches: [1, 4] } : {};
    const race = { samples: 3, seconds, start: startContender, goesOn: () => left() > 0, ...sizes };
    await crossover(race, ({ H, B, wasm, webgpu, ratio }) => {
      const rates = { 'wasm, steps/s': figure(wasm), 'webgpu, steps/s': figure(webgpu) };
      emit('crossover', { H, B, ...rates, 'webgpu / wasm': figure(ratio) });
    });
  },
};
