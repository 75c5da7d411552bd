import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ended, start } from '../cli/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const small = ['--sessions', '7', '--hidden', '16', '--symbols', '5', '--steps', '50'];

test('says the memory of each session and how fast they read', async () => {
  const { status, out, err } = await ended(start('bench/sessions.ts', small, root, ['--expose-gc']));
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toMatch(/^weights, held once +6\.1 KiB$/m);
  // Two states of 16 float32.
  expect(out).toMatch(/^each of 7 sessions +\d+\.\d KiB, of it state 0\.1 KiB$/m);
  expect(out).toMatch(/^one session +[\d,]+ chars\/s$/m);
  for (const way of ['one session, bf16 weights', '7 in turn, session.read', '7 together, model.readAll']) {
    expect(out).toMatch(new RegExp(`^${way} +[\\d,]+ chars/s +\\d+\\.\\d\\d × one session$`, 'm'));
  }
});

test('says how it is to be run where it cannot measure memory', async () => {
  const { status, err } = await ended(start('bench/sessions.ts', small, root));
  expect(status).toBe(1);
  expect(err).toMatch('run node with --expose-gc, as npm run bench:sessions does');
});
