import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { engines } from '../../proofs/replay/engines.ts';
import { replayText } from '../../proofs/replay/run.ts';

// The other files by `npm run replay -- --engine webgpu tests/goldens/*.json`, in minutes.
it('PyTorch GRU layers on the device are within what float32 may do', async () => {
  const file = 'torch_gru.json';
  const text = readFileSync(new URL(`../goldens/${file}`, import.meta.url), 'utf8');
  const { comparisons, error } = await replayText(file, text, engines.webgpu);
  expect(error).toBe(null);
  expect(comparisons.length).toBeGreaterThan(40);
  expect(comparisons.filter(({ ok }) => !ok)).toEqual([]);
  // The bounds would not let a wrong gradient through.
  expect(Math.max(...comparisons.map(({ tolerance }) => tolerance))).toBeLessThan(1e-2);
});
