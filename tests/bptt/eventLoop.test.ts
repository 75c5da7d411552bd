import { afterEach, expect, test, vi } from 'vitest';
import { EventLoopTurns } from '../../src/bptt/eventLoop.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** What a turn of 12 ms lets in: a macrotask that was waiting. */
async function waitsFor(ms: number): Promise<boolean> {
  let now = 100;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const turns = new EventLoopTurns();
  now += ms;
  let ran = false;
  const { port1, port2 } = new MessageChannel();
  const arrived = new Promise<void>((resolve) => {
    port1.on('message', () => {
      ran = true;
      resolve();
    });
  });
  port2.postMessage(null);
  setImmediate?.(() => {
    ran = true;
  });
  await turns.take();
  const before = ran;
  await arrived;
  port1.close();
  return before;
}

test('a turn is given once work went on for 12 ms, and not before', async () => {
  expect(await waitsFor(11)).toBe(false);
  expect(await waitsFor(12)).toBe(true);
});

test('by a message where there is no setImmediate, as in a page', async () => {
  vi.stubGlobal('setImmediate', undefined);
  expect(await waitsFor(11)).toBe(false);
  expect(await waitsFor(12)).toBe(true);
});
