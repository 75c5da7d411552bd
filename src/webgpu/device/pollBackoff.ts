/** How much of the time that is left to wait is slept through, and from how many ms on. */
const SHARE = 0.8;
const SHORTEST = 2;
/** Who is told so soon after a sleep, in shares of it, has slept too long. */
const AT_ONCE = 0.1;

/** A list that was sent, so many times over. */
interface Sent {
  readonly list: object;
  readonly times: number;
}

/**
 * How long a device will still be at work, guessed from how long the same lists took before.
 *
 * While anybody waits, Dawn in Node asks the device again and again, at the full load of a core. On a software adapter
 * that is one core less to compute on. So whoever waits first sleeps for most of the time.
 */
export class PollBackoff {
  /** How long a list took when it was last sent alone; null after the first time, when drivers still compile. */
  private readonly took = new WeakMap<object, { times: number; ms: number } | null>();
  /** What has been sent since the device was last known to be done. */
  private sent: Sent[] = [];
  private since = 0;

  /** Notes that a list was sent, so many times over. */
  send(list: object, times: number): void {
    if (this.sent.length === 0) this.since = performance.now();
    this.sent.push({ list, times });
  }

  /**
   * Sleeps while what has been sent will surely not be done.
   *
   * @returns what to call when it is.
   */
  async sleep(): Promise<() => void> {
    const awaited = this.sent;
    const ms = SHARE * (this.since + this.expected(awaited) - performance.now());
    const sleeps = ms >= SHORTEST;
    if (sleeps) await new Promise((resolve) => setTimeout(resolve, ms));
    const woken = performance.now();
    const count = awaited.length;
    return () => {
      // Somebody else who waited may have been told before.
      if (this.sent !== awaited) return;
      const now = performance.now();
      const isLate = sleeps && now - woken < AT_ONCE * ms;
      this.learn(awaited.slice(0, count), isLate ? (now - this.since) / 2 : now - this.since);
      this.sent = awaited.slice(count);
      this.since = now;
    };
  }

  private learn(done: readonly Sent[], ms: number): void {
    const [first] = done;
    // Of several lists nobody knows which took how long.
    if (!first || done.some(({ list }) => list !== first.list)) return;
    const times = done.reduce((sum, one) => sum + one.times, 0);
    this.took.set(first.list, this.took.has(first.list) ? { times, ms } : null);
  }

  /**
   * At least so many milliseconds are needed. More repetitions than last time are taken to need as much and no more, since what
   * a call costs once must not be counted for each of them.
   */
  private expected(sent: readonly Sent[]): number {
    const all = new Map<object, number>();
    for (const { list, times } of sent) all.set(list, (all.get(list) ?? 0) + times);
    let sum = 0;
    for (const [list, times] of all) {
      const took = this.took.get(list);
      if (took) sum += took.ms * Math.min(1, times / took.times);
    }
    return sum;
  }
}
