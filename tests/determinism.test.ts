import { expect, it } from 'vitest';
import { HASHES, hashOfTraining } from './determinism.ts';

it.each(HASHES)('%s on engine %s, %s, gives the bits that it gives everywhere', async (run, engine, dtype, hash) => {
  expect(await hashOfTraining(run, engine, dtype)).toBe(hash);
});
