import { Worker } from 'node:worker_threads';
import type { Begin, Report } from './protocol.ts';

/** What a run came to. */
export interface Outcome {
  tried: number;
  right: number;
  named: number;
  /** By what went wrong: how often, and the first case. */
  readonly wrong: Map<string, { count: number; example: string }>;
}

/** A call may take a second of a processor, or ten of waiting: what takes longer hangs. */
const CPU_SECONDS = 1;
/** More for what is called for the first time: its code is loaded, and compiled. */
const FIRST_CPU_SECONDS = 5;
/** A device that is a program compiles and computes on all processors, while the call waits. */
const DEVICE_SECONDS = 90;
const WAIT_SECONDS = 10;
/** Bytes that the process may grow by: beyond it something is kept. */
const MEMORY = 1.5e9;
const LOOK_EVERY = 50;

export interface WatchOptions {
  readonly seed: number;
  readonly cases: number;
  readonly milliseconds: number;
  readonly only?: string | undefined;
  readonly files?: boolean;
  readonly device: boolean;
}

/** Runs cases in a thread and watches it: one that hangs, dies or grows is ended, noted, and another goes on behind it. */
export async function watch({ milliseconds, files = false, ...rest }: WatchOptions): Promise<Outcome> {
  const outcome: Outcome = { tried: 0, right: 0, named: 0, wrong: new Map() };
  const end = Date.now() + milliseconds;
  const slow: Slow = { case: -1 };
  let from = 0;
  while (from < rest.cases && Date.now() < end) {
    const begin = { ...rest, files, from, cell: new SharedArrayBuffer(12) };
    from = await watchOne(outcome, begin, end, slow);
  }
  return outcome;
}

/**
 * The case that took too long once. It may have paid for what was there before, memory that was cleared up then or a function
 * that was compiled anew: another thread comes to it after a few rounds, and only if it takes too long there does it hang.
 */
interface Slow {
  case: number;
}

/** Gives the case to go on with. */
function watchOne(outcome: Outcome, begin: Begin, end: number, slow: Slow): Promise<number> {
  const current = new Int32Array(begin.cell);
  const worker = new Worker(new URL('thread.js', import.meta.url), {
    workerData: begin,
    execArgv: ['--conditions=bptt-source'],
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  const before = { tried: outcome.tried, right: outcome.right, named: outcome.named };
  const note = (what: string, example: string): void => {
    const kind = what.replaceAll(/-?\d[\d.e+-]*n?/g, '#');
    const known = outcome.wrong.get(kind);
    if (known) known.count++;
    else outcome.wrong.set(kind, { count: 1, example });
  };
  return new Promise((resolve, reject) => {
    let since = Date.now();
    let cpu = process.cpuUsage();
    let seen = -1;
    const memory = process.memoryUsage.rss();
    const stop = (next: number): void => {
      clearInterval(timer);
      void worker.terminate().then(() => resolve(next));
    };
    let names: readonly string[] = [];
    const here = (): string => {
      const k = Atomics.load(current, 0);
      return `${names[k % names.length]}, index ${Math.floor(k / names.length)}, seed ${begin.seed}`;
    };
    const isFirst = (): boolean => Atomics.load(current, 0) < begin.from + names.length;
    const timer = setInterval(() => {
      const count = Atomics.load(current, 1);
      // The thread ends by itself: Dawn aborts the process where one dies that waits for it.
      if (Date.now() > end) Atomics.store(current, 2, 1);
      if (count !== seen || count % 2 === 0) {
        [seen, since, cpu] = [count, Date.now(), process.cpuUsage()];
      } else {
        const { user, system } = process.cpuUsage(cpu);
        const busy = (user + system) / 1e6;
        const waited = (Date.now() - since) / 1000;
        const most = isFirst() ? FIRST_CPU_SECONDS : CPU_SECONDS;
        const [mostBusy, longestWait] = begin.device ? [DEVICE_SECONDS, DEVICE_SECONDS] : [most, WAIT_SECONDS];
        if (busy > mostBusy || waited > longestWait) {
          const at = Atomics.load(current, 0);
          if (slow.case !== at) {
            slow.case = at;
            return stop(Math.max(0, at - 2 * names.length));
          }
          note(`hangs: ${names[at % names.length]}`, here());
          return stop(at + 1);
        }
      }
      if (process.memoryUsage.rss() > memory + MEMORY) {
        note('memory grows', here());
        stop(Atomics.load(current, 0) + 1);
      }
    }, LOOK_EVERY);
    worker.on('message', (report: Report) => {
      if (report.kind === 'counts') {
        outcome.tried = before.tried + report.tried;
        outcome.right = before.right + report.right;
        outcome.named = before.named + report.named;
      } else if (report.kind === 'wrong') {
        note(`${report.name}: ${report.what}`, `index ${report.index}, ${report.where}: ${report.what}`);
      } else if (report.kind === 'names') names = report.names;
      else stop(begin.cases);
    });
    worker.on('error', (error) => {
      if (Atomics.load(current, 1) === 0) {
        clearInterval(timer);
        reject(error);
        return;
      }
      note(`the thread died: ${error.message}`, here());
      stop(Atomics.load(current, 0) + 1);
    });
  });
}
