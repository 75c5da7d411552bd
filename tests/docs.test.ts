import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeOf, ROOT } from '../scripts/docCode.ts';
import { gpuEnvironment } from '../scripts/softwareGpu.ts';
import { ended, start } from './cli/command.ts';

const pages = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));

const all = ['README.md', ...pages.map((page) => `docs/${page}`)].flatMap((document) =>
  codeOf(document).map((code, i) => [`${document}, block ${i + 1}`, code] as const),
);

// What opens a device finds one on a machine without a GPU too.
Object.assign(process.env, await gpuEnvironment());

test('the documents have code to run', () => {
  expect(all.length).toBeGreaterThanOrEqual(30);
});

test.each(all)(
  '%s runs as it stands',
  async (name, code) => {
    // Beside the tests, so that `bptt/…` means this package.
    const file = `tests/.snippet-${name.replace(/\W+/g, '-')}.ts`;
    writeFileSync(join(ROOT, file), code);
    try {
      const { status, err } = await ended(start(file, [], ROOT));
      expect({ status, err }).toEqual({ status: 0, err: '' });
    } finally {
      rmSync(join(ROOT, file));
    }
  },
  240_000,
); // docs/encoder-decoder.md trains two nets
