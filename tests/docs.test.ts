import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { gpuEnvironment } from '../scripts/softwareGpu.ts';
import { ended, start } from './cli/command.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The TypeScript of a document, a block each. */
function snippets(document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8');
  return Array.from(text.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code);
}

const documents = [
  'README.md',
  ...['cells', 'classify', 'ctc', 'embeddings', 'engines', 'fit', 'forecast', 'interop', 'options', 'page'].map(
    (page) => `docs/${page}.md`,
  ),
  ...['sampling', 'save', 'sessions', 'tag', 'testing'].map((page) => `docs/${page}.md`),
];

const all = documents.flatMap((document) =>
  snippets(document).map((code, i) => [`${document}, block ${i + 1}`, code] as const),
);

// What opens a device finds one on a machine without a GPU too.
Object.assign(process.env, await gpuEnvironment());

test('the documents have code to run', () => {
  expect(all.length).toBeGreaterThanOrEqual(4);
});

test.each(all)('%s runs as it stands', async (name, code) => {
  // Beside the tests, so that `bptt/…` means this package.
  const file = `tests/.snippet-${name.replace(/\W+/g, '-')}.ts`;
  writeFileSync(join(root, file), code);
  try {
    const { status, err } = await ended(start(file, [], root));
    expect({ status, err }).toEqual({ status: 0, err: '' });
  } finally {
    rmSync(join(root, file));
  }
});
