import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PollBackoff } from '../../src/webgpu/device/pollBackoff.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Milliseconds that it sleeps before it asks a device that needs `ms` for what has been sent, or for as long as it sleeps. */
async function sleptOf(backoff: PollBackoff, ms: number): Promise<number> {
  const start = performance.now();
  const asleep = backoff.sleep();
  let slept = Number.NaN;
  asleep.then(() => {
    slept = performance.now() - start;
  });
  await vi.advanceTimersByTimeAsync(ms);
  while (Number.isNaN(slept)) await vi.advanceTimersByTimeAsync(1);
  (await asleep)();
  return slept;
}

/** Knows that one repetition of the list takes so many ms. */
async function knowing(list: object, ms: number): Promise<PollBackoff> {
  const backoff = new PollBackoff();
  for (let time = 0; time < 2; time++) {
    backoff.send(list, 1);
    await sleptOf(backoff, ms);
  }
  return backoff;
}

describe('PollBackoff', () => {
  it('asks at once about what it does not know, and sleeps most of the time that it took before', async () => {
    const backoff = new PollBackoff();
    const list = {};
    for (const ms of [500, 100]) {
      // The first time is longer: the driver compiles.
      backoff.send(list, 10);
      expect(await sleptOf(backoff, ms)).toBe(0);
    }
    backoff.send(list, 10);
    const slept = await sleptOf(backoff, 100);
    expect(slept).toBeGreaterThan(50);
    expect(slept).toBeLessThan(100);
    backoff.send(list, 5);
    expect(await sleptOf(backoff, 50)).toBeLessThan(50);
  });

  it('does not take what a call costs once for the cost of each repetition', async () => {
    const list = {};
    const backoff = await knowing(list, 10);
    backoff.send(list, 200);
    expect(await sleptOf(backoff, 20)).toBeLessThan(10);
  });

  it('soon sleeps less where the device has become faster', async () => {
    const list = {};
    const backoff = await knowing(list, 1600);
    const slept: number[] = [];
    for (let time = 0; time < 6; time++) {
      backoff.send(list, 1);
      slept.push(await sleptOf(backoff, 100));
    }
    expect(slept[0]).toBeGreaterThan(1000);
    expect(slept[5]).toBeLessThan(100);
  });

  it('sleeps only for what is left', async () => {
    const list = {};
    const backoff = await knowing(list, 100);
    backoff.send(list, 1);
    await vi.advanceTimersByTimeAsync(99);
    expect(await sleptOf(backoff, 1)).toBe(0);
  });

  it('learns nothing from several lists at once', async () => {
    const [one, other] = [{}, {}];
    const backoff = new PollBackoff();
    for (let time = 0; time < 3; time++) {
      backoff.send(one, 1);
      backoff.send(other, 1);
      expect(await sleptOf(backoff, 100)).toBe(0);
    }
  });

  it('knows what was sent while it waited as not yet done', async () => {
    const list = {};
    const backoff = await knowing(list, 100);
    backoff.send(list, 1);
    const asleep = backoff.sleep();
    await vi.advanceTimersByTimeAsync(100);
    const isDone = await asleep;
    backoff.send(list, 1);
    isDone();
    expect(await sleptOf(backoff, 100)).toBeGreaterThan(50);
  });
});
