import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { expect, it } from 'vitest';

const index = fileURLToPath(new URL('../../src/data/index.ts', import.meta.url));

/** The minified bundle of an app that imports only `name` from bptt/data. */
async function bundleOf(name: string): Promise<string> {
  const entry = '\0entry';
  const result = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? entry : null),
        load: (id) => (id === entry ? `export { ${name} } from ${JSON.stringify(index)};` : null),
      },
    ],
    build: { write: false, minify: true, rollupOptions: { input: 'entry', preserveEntrySignatures: 'strict' } },
  });
  const [{ output }] = [result].flat() as { output: { type: string; code: string }[] }[];
  return output.map(({ code }) => code).join('');
}

it.each([
  'airlinePassengers',
  'bucketByLength',
  'LabelMap',
  'oneHot',
  'padSequences',
  'seriesWindows',
  'splitInTime',
  'Standardizer',
])('%s alone is at most 2 kB gzip', async (name) => {
  const code = await bundleOf(name);
  expect(code).toContain(name);
  expect(gzipSync(code).length).toBeLessThanOrEqual(2000);
});
