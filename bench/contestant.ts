import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { type DeviceFacts, decode, type Question, type Rate } from './contender.ts';
import type { Entrant } from './engines.ts';

/**
 * A contender in a process of its own, spoken to in lines of JSON (`serve` in contender.ts is the other end). Loops that
 * share a process share what the compiler learns from them: with a second instance of the same function about, or other
 * array types passing through it, they run at half their speed. So each contender gets the compiler to itself, as in a
 * program of its own; and it need not be JavaScript.
 */
export class Contestant {
  readonly entrant: Entrant;
  private readonly child: ChildProcess;
  private readonly lines: Interface;
  /** Rejects when the process ends. */
  private readonly gone: Promise<never>;

  /** @param opening the line that tells task and tensors */
  constructor(entrant: Entrant, opening: string) {
    this.entrant = entrant;
    const { command, args, env } = entrant.engine.program(entrant.threads);
    this.child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout! });
    this.gone = once(this.child, 'exit').then(([status, signal]) => {
      throw new Error(`${entrant.label} ended with ${signal ?? `status ${status}`}`);
    });
    this.gone.catch(() => {}); // an end that nobody waits for is none of an error
    this.child.stdin!.on('error', () => {}); // of a process that has ended
    this.child.stdin!.write(`${opening}\n`);
  }

  /** What the next steps give: losses, symbols, or C. */
  async results(steps: number): Promise<Float64Array> {
    const { results } = (await this.ask({ results: steps })) as { results: string };
    return decode('float64', results) as Float64Array;
  }

  /** Steps per second over that many steps. */
  rate(steps: number): Promise<Rate> {
    return this.ask({ rate: steps }) as Promise<Rate>;
  }

  async device(): Promise<DeviceFacts | null> {
    const { device } = (await this.ask({ device: true })) as { device?: DeviceFacts | null };
    return device ?? null;
  }

  end(): void {
    this.child.kill();
  }

  /** @throws {Error} where the process ends instead of answering. */
  private ask(question: Question): Promise<object> {
    const answer = new Promise<object>((resolve) => {
      const listen = (line: string): void => {
        if (!line.startsWith('{')) return; // what a library has to say
        this.lines.off('line', listen);
        resolve(JSON.parse(line));
      };
      this.lines.on('line', listen);
    });
    this.child.stdin!.write(`${JSON.stringify(question)}\n`);
    return Promise.race([answer, this.gone]);
  }
}
