import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ended, start } from '../cli/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('runs the code of a page and prints what it prints', async () => {
  const { status, out } = await ended(start('scripts/runDoc.ts', ['save'], root));
  expect(status).toBe(0);
  expect(out).toMatch('updates done: 20');
});

test('names the pages where there is none of that name', async () => {
  const { status, err } = await ended(start('scripts/runDoc.ts', ['weather'], root));
  expect(status).toBe(2);
  expect(err).toMatch(/page is weather, expected cells, classify, .*tag, testing/);
});
