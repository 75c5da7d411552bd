import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runTests } from '../../proofs/plantedCopy.ts';

const config = `import { defineConfig } from 'vitest/config';
export default defineConfig({ test: { projects: [{ test: { name: 'node', include: ['tests/*.test.ts'] } }] } });
`;

const files = {
  passes: "test('right', () => {});",
  fails: "test('right', () => {}); test('wrong', () => { throw new Error('no'); });",
  doesNotLoad: "throw new Error('not today');",
  isEndless: "test('endless', () => { for (;;) {} });",
};

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-copy-'));
  mkdirSync(join(folder, 'tests'));
  writeFileSync(join(folder, 'vitest.config.ts'), config);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  for (const [name, code] of Object.entries(files)) {
    writeFileSync(join(folder, `tests/${name}.test.ts`), `import { test } from 'vitest';\n${code}\n`);
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

test('tests that pass are told with the seconds of each file', async () => {
  const outcome = await runTests(folder, ['tests/passes.test.ts']);
  expect(outcome).toEqual({ kind: 'passed', seconds: new Map([['tests/passes.test.ts', expect.any(Number)]]) });
});

test('a test that fails is named', async () => {
  const outcome = await runTests(folder, ['tests/passes.test.ts', 'tests/fails.test.ts']);
  expect(outcome).toEqual({ kind: 'failed', test: 'wrong' });
});

test('a file that does not load is no file that passes', async () => {
  const outcome = await runTests(folder, ['tests/doesNotLoad.test.ts']);
  expect(outcome).toEqual({ kind: 'not loaded', message: expect.stringContaining('not today') });
});

test('a test in an endless loop is ended', async () => {
  expect(await runTests(folder, ['tests/isEndless.test.ts'], 3)).toEqual({ kind: 'timed out', seconds: 3 });
});
