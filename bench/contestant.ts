import type { DeviceFacts, Question, Rate } from './contender.ts';
import type { Entrant } from './engine.ts';

/**
 * A contender somewhere of its own, that is asked questions. Loops that share a process share what the compiler learns from
 * them: with a second instance of the same function about, or other array types passing through it, they run at half their
 * speed. So each contender gets the compiler to itself, as in a program of its own.
 */
export abstract class Contestant {
  readonly entrant: Entrant;

  constructor(entrant: Entrant) {
    this.entrant = entrant;
  }

  /** What the next steps give: losses, symbols, or C. */
  async results(steps: number): Promise<Float64Array> {
    return ((await this.ask({ results: steps })) as { results: Float64Array }).results;
  }

  /** Steps per second over that many steps. */
  rate(steps: number): Promise<Rate> {
    return this.ask({ rate: steps }) as Promise<Rate>;
  }

  /** What its last run asked of a device; null where it has none. */
  async device(): Promise<DeviceFacts | null> {
    const { device } = (await this.ask({ device: true })) as { device?: DeviceFacts | null };
    return device ?? null;
  }

  abstract end(): void;

  /** @throws {Error} where the contender comes to an end instead of answering. */
  protected abstract ask(question: Question): Promise<object>;
}
