import { expect, test } from 'vitest';
import { ended, start } from '../cli/command.ts';

test('runs that are killed, or whose reader leaves, go on to the same bits', async () => {
  const how = ['--times', '1', '--only', 'dropout', '--seed', '1'];
  const { status, out, err } = await ended(start('proofs/endRuns.ts', [...how, '--kill-only'], process.cwd()));
  expect({ status, out }, err).toEqual({ status: 0, out: '1 run ended and resumed, equal to the bit: ok\n' });
  const unknown = await ended(start('proofs/endRuns.ts', ['--only', 'none'], process.cwd()));
  expect(unknown).toMatchObject({ status: 1, err: 'error: no set-up is named none\n' });
}, 300_000);
