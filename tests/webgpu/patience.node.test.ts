import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Patience } from '../../src/webgpu/patience.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Milliseconds that it sleeps before it asks a device that needs `ms` for what has been sent. */
async function sleptOf(patience: Patience, ms: number): Promise<number> {
  const start = performance.now();
  const asleep = patience.sleep();
  let slept = Number.NaN;
  asleep.then(() => {
    slept = performance.now() - start;
  });
  await vi.advanceTimersByTimeAsync(ms);
  (await asleep)();
  return slept;
}

describe('Patience', () => {
  it('asks at once about what it does not know, and sleeps most of the time that it took before', async () => {
    const patience = new Patience();
    const list = {};
    patience.send(list, 10);
    expect(await sleptOf(patience, 200)).toBe(0);
    patience.send(list, 5);
    const slept = await sleptOf(patience, 100);
    expect(slept).toBeGreaterThan(50);
    expect(slept).toBeLessThan(100);
  });

  it('asks earlier each time the device was faster', async () => {
    const patience = new Patience();
    const list = {};
    patience.send(list, 1);
    await sleptOf(patience, 100);
    patience.send(list, 1);
    const first = await sleptOf(patience, 95);
    patience.send(list, 1);
    expect(await sleptOf(patience, 95)).toBeLessThan(first);
  });

  it('sleeps only for what is left', async () => {
    const patience = new Patience();
    const list = {};
    patience.send(list, 1);
    await sleptOf(patience, 100);
    patience.send(list, 1);
    await vi.advanceTimersByTimeAsync(99);
    expect(await sleptOf(patience, 1)).toBe(0);
  });

  it('learns nothing from several lists at once', async () => {
    const patience = new Patience();
    const [one, other] = [{}, {}];
    patience.send(one, 1);
    patience.send(other, 1);
    await sleptOf(patience, 100);
    patience.send(one, 1);
    expect(await sleptOf(patience, 100)).toBe(0);
  });

  it('knows what was sent while it waited as not yet done', async () => {
    const patience = new Patience();
    const list = {};
    patience.send(list, 1);
    await sleptOf(patience, 100);
    patience.send(list, 1);
    const asleep = patience.sleep();
    await vi.advanceTimersByTimeAsync(100);
    const isDone = await asleep;
    patience.send(list, 1);
    isDone();
    expect(await sleptOf(patience, 100)).toBeGreaterThan(50);
  });
});
