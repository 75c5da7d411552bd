import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WORKLOADS } from './workloads.ts';

type Question = { losses: number } | { rate: number };

/**
 * A contender in a process of its own. Loops that share a process share what the compiler learns from them: with a second
 * instance of the same function about, or other array types passing through it, they run at half their speed. So each
 * contender gets the compiler to itself, as in a program of its own.
 */
export class Contestant {
  readonly engine: string;
  private readonly child: ChildProcess;
  /** Rejects when the process ends. */
  private readonly gone: Promise<never>;

  constructor(workload: string, engine: string) {
    this.engine = engine;
    this.child = fork(fileURLToPath(import.meta.url), [workload, engine]);
    this.gone = once(this.child, 'exit').then(([status]) => {
      throw new Error(`engine ${engine} ended with status ${status}`);
    });
    this.gone.catch(() => {}); // an end that nobody waits for is none of an error
  }

  /** The losses of the next steps. */
  losses(steps: number): Promise<number[]> {
    return this.ask({ losses: steps }) as Promise<number[]>;
  }

  /** Steps per second over that many steps. */
  rate(steps: number): Promise<number> {
    return this.ask({ rate: steps }) as Promise<number>;
  }

  end(): void {
    this.child.kill();
  }

  /** @throws {Error} where the process ends instead of answering. */
  private async ask(question: Question): Promise<unknown> {
    const answer = once(this.child, 'message');
    this.child.send(question);
    const [value] = await Promise.race([answer, this.gone]);
    return value;
  }
}

/** What the process of a contestant does: it answers. */
if (process.send) {
  const [workload, engine] = process.argv.slice(2);
  const contender = WORKLOADS.find(({ id }) => id === workload)!.contenders[engine]();
  process.on('message', (question: Question) => {
    if ('losses' in question) {
      process.send!(Array.from({ length: question.losses }, () => contender.step()));
      return;
    }
    const start = performance.now();
    for (let i = 0; i < question.rate; i++) contender.step();
    process.send!((question.rate * 1000) / (performance.now() - start));
  });
}
