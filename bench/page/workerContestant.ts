import type { Question, Tensors } from '../contender.ts';
import { Contestant } from '../contestant.ts';
import type { Entrant } from '../engine.ts';
import type { Workload } from '../workloads.ts';
import type { Opening, Reply } from './worker.ts';

/** A contender in a worker. */
export class WorkerContestant extends Contestant {
  private readonly worker: Worker;
  /** Rejects when the worker fails. */
  private readonly gone: Promise<never>;

  constructor(entrant: Entrant, { task }: Workload, tensors: Tensors) {
    super(entrant);
    const { engine, threads, scope, label } = entrant;
    this.worker = new Worker(new URL('worker.ts', import.meta.url), { type: 'module' });
    this.gone = new Promise((_, reject) => {
      this.worker.addEventListener('error', ({ message }) =>
        reject(new Error(`${label}: ${message || 'does not load'}`)),
      );
    });
    this.gone.catch(() => {}); // an end that nobody waits for is none of an error
    this.worker.postMessage({ own: { ...engine.own!, threads, scope }, task, tensors } satisfies Opening);
  }

  override end(): void {
    this.worker.terminate();
  }

  protected override async ask(question: Question): Promise<object> {
    const reply = new Promise<Reply>((resolve) => {
      this.worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => resolve(data), { once: true });
    });
    this.worker.postMessage(question);
    const told = await Promise.race([reply, this.gone]);
    if ('error' in told) throw new Error(told.error);
    return told.answer;
  }
}
