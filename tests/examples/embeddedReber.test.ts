import { expect, test } from 'vitest';
import { run } from '../../examples/embeddedReber.ts';

test('a gated cell learns the embedded symbol; the same seed gives the same run', () => {
  // Short of the thousand updates that it takes to be sure: enough to be better than chance is not promised, a fall is.
  const first = run({ cell: 'gru', updates: 60, seed: 3 });
  const again = run({ cell: 'gru', updates: 60, seed: 3 });
  expect(again).toEqual(first);
  expect(first.words).toBe(1000);
  expect(first.losses[59]).toBeLessThan(first.losses[0] / 2);
  expect(first.gradientBack).toHaveLength(11);
  expect(first.gradientBack.every((size) => size > 0)).toBe(true);
});

test('tells how far it is', () => {
  const told: number[] = [];
  run({ cell: 'elman', updates: 3, hidden: 4, progress: (done, total) => told.push(done / total) });
  expect(told.map((share) => +share.toFixed(2))).toEqual([0.33, 0.67, 1]);
});
