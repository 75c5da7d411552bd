/** How much of the time that is left to wait is slept through, and from how many ms on. */
const SHARE = 0.9;
const SHORTEST = 2;

/**
 * How long a device will still be at work, guessed from how long the same lists took before.
 *
 * While anybody waits, Dawn in Node asks the device again and again, at the full load of a core. On a software adapter
 * that is one core less to compute on. So whoever waits first sleeps for most of the time.
 */
export class Patience {
  /** Milliseconds of one repetition of a list. */
  private readonly each = new WeakMap<object, number>();
  /** What has been sent since the device was last known to be done. */
  private sent: { list: object; times: number }[] = [];
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
    const expected = awaited.reduce((sum, { list, times }) => sum + times * (this.each.get(list) ?? 0), 0);
    const ms = SHARE * (this.since + expected - performance.now());
    if (ms >= SHORTEST) await new Promise((resolve) => setTimeout(resolve, ms));
    const count = awaited.length;
    return () => {
      // Somebody else who waited may have been told before.
      if (this.sent !== awaited) return;
      const now = performance.now();
      const done = awaited.slice(0, count);
      const lists = new Set(done.map(({ list }) => list));
      // Of several lists nobody knows which took how long.
      if (lists.size === 1) {
        const times = done.reduce((sum, one) => sum + one.times, 0);
        this.each.set(done[0].list, (now - this.since) / times);
      }
      this.sent = awaited.slice(count);
      this.since = now;
    };
  }
}
