import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Question, Tensors } from './contender.ts';
import { Contestant } from './contestant.ts';
import type { Entrant, Program } from './engine.ts';
import { programOf } from './engines.ts';
import { decode, encode, type Opening } from './serve.ts';
import type { Workload } from './workloads.ts';

/** A contender in a process, spoken to in lines of JSON (`serve` is the other end); so it need not be JavaScript. */
export class ProcessContestant extends Contestant {
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  /** Rejects when the process ends. */
  private readonly gone: Promise<never>;

  /** @param program the process to start, where that is not the entrant's own */
  constructor(entrant: Entrant, workload: Workload, tensors: Tensors, program: Program = programOf(entrant)) {
    super(entrant);
    const { command, args, env } = program;
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout! });
    this.gone = once(this.child, 'exit').then(([status, signal]) => {
      throw new Error(`${entrant.label} ended with ${signal ?? `status ${status}`}`);
    });
    this.gone.catch(() => {}); // an end that nobody waits for is none of an error
    this.child.stdin!.on('error', () => {}); // of a process that has ended
    this.child.stdin!.write(`${openingOf(workload, tensors)}\n`);
  }

  override end(): void {
    this.child.kill();
  }

  protected override async ask(question: Question): Promise<object> {
    const answer = new Promise<object>((resolve) => {
      const listen = (line: string): void => {
        if (!line.startsWith('{')) return; // what a library has to say
        this.lines.off('line', listen);
        resolve(JSON.parse(line));
      };
      this.lines.on('line', listen);
    });
    this.child.stdin!.write(`${JSON.stringify(question)}\n`);
    const answered = await Promise.race([answer, this.gone]);
    return 'results' in answered ? { results: decode('float64', answered.results as string) } : answered;
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
