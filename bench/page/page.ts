import { openDevice } from 'bptt/webgpu';
import { chosen } from '../chosen.ts';
import { crossover } from '../crossover.ts';
import { type Engine, entrantsOf, OWN_ENGINES, REFERENCE, WEBGPU } from '../engine.ts';
import { measure, type Race } from '../measure.ts';
import { chartOf, crossoverTable, jsonOf, peakLine, type Report, tableOf } from '../report.ts';
import { isNamed, WORKLOADS } from '../workloads.ts';
import type { Findings } from './findings.ts';
import { WorkerContestant } from './workerContestant.ts';

/**
 * The benchmark in a browser, each contender in a worker of its own. The address says what is run:
 * `?only=W1,W5&engines=wasm,webgpu&samples=7&seconds=0.3&crossover`.
 */

const asked = new URLSearchParams(location.search);
const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const [run, copy] = [element<HTMLButtonElement>('run'), element<HTMLButtonElement>('copy')];
const [state, tables] = [element('state'), element('tables')];

const report: Report = {
  machine: {
    cores: navigator.hardwareConcurrency,
    browser: /(Firefox|Edg|Chrome|Version)\/[\d.]+/.exec(navigator.userAgent)?.[0] ?? navigator.userAgent,
    platform: navigator.platform,
    peers: {},
  },
  script: 'bench:browser',
  args: [],
  peaks: [],
  results: [],
  meetings: [],
};

/** The adapter, which it also writes into the page; null where there is none. */
async function findAdapter(): Promise<Findings['adapter']> {
  try {
    const device = await openDevice();
    const { name, software } = device.adapter;
    device.dispose();
    element('adapter').textContent = `WebGPU: ${name}${software ? ' (software, no GPU)' : ''}`;
    return { name, software };
  } catch (error) {
    element('adapter').textContent = `webgpu is left out: ${(error as Error).message}`;
    return null;
  }
}

async function bench(): Promise<void> {
  run.disabled = true;
  const [only, engines] = [asked.get('only'), asked.get('engines') ?? 'ts,wasm,webgpu'];
  const grid = asked.has('crossover');
  const workloads = chosen('only', only ?? (grid ? '' : 'W1,W2,W4,W5'), WORKLOADS, ({ id }) => id, isNamed);
  const can = (engine: Engine): boolean => (engine !== WEBGPU || adapter !== null) && !engine.missing?.();
  const named = chosen('engines', engines, OWN_ENGINES, ({ name }) => name).filter(can);
  const race: Pick<Race, 'samples' | 'seconds' | 'start'> = {
    samples: Number(asked.get('samples') ?? 7),
    seconds: Number(asked.get('seconds') ?? 0.3),
    start: (...contender) => new WorkerContestant(...contender),
  };
  for (const workload of workloads) {
    const { results, peaks } = await measure(workload, entrantsOf(workload, named, [1], only !== null), {
      ...race,
      reference: REFERENCE,
      report: (round) => tell(`${workload.id}: round ${round} of ${race.samples}`),
    });
    report.results.push(...results);
    report.peaks.push(...peaks);
    print(tableOf(workload, results));
    element('chart').innerHTML = chartOf(report);
  }
  if (grid && adapter) {
    await crossover(race, (meeting, peaks) => {
      report.meetings.push(meeting);
      report.peaks.push(...peaks);
      tell(`H ${meeting.H}, batch ${meeting.B}: ${meeting.ratio.toPrecision(2)}`);
    });
    print(crossoverTable(report.meetings));
  }
  if (report.peaks.length > 0) print(peakLine(report));
  tell('');
  copy.disabled = false;
}

function tell(text: string): void {
  state.textContent = text;
}

/** Into the page, and to whoever reads its console. */
function print(table: string): void {
  tables.append(`${table}\n\n`);
  console.log(`${table}\n`);
}

copy.addEventListener('click', () => navigator.clipboard.writeText(jsonOf(report)));
run.addEventListener('click', () => {
  const end = bench();
  end.catch((error: Error) => tell(error.message));
  globalThis.findings.end = end;
});

const adapter = await findAdapter();
globalThis.findings = { report, adapter, end: null };
run.disabled = false;
